"""What `make demo` puts into the demonstration stores besides their files: people, keys, downloads.

Plain data and generators, no database: the same names give the same people, keys and bytes on every machine.
"""

import os
import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from platform_core.accounts.demo import DEMO_PEOPLE

DEMO_PASSWORD = DEMO_PEOPLE.password
"""Of everybody in a demonstration store; shown on its sign-in page (DESIGN 8)."""

KEYS_PER_POOL = 200
EMPTY_POOLS = frozenset({("northfield", "dry-well")})
"""(store, product) whose pool stays empty, so that a waiting line can be seen (CAT-11, KEY-03)."""

SPARSE_FILES: Mapping[str, int] = {"northfield/atlas-4k.pmtiles": 3_000_000_000}
"""Sources that are longer than 2 GB (DLD-15), in bytes; they are sparse and take no room on the disk."""

SMALLEST_FILE = 1_000_000
LARGEST_FILE = 4_000_000

_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # without 0 O 1 I, which people mistake for each other
_HEXADECIMAL = "0123456789ABCDEF"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who can sign in to a demo store; `groups` and `organisations` are codes of its file."""

    username: str
    given_name: str
    family_name: str
    email: str
    groups: tuple[str, ...]
    organisations: tuple[str, ...]
    verified: bool = True
    roles: tuple[str, ...] = ()
    display_name: str = ""
    language: str | None = None
    country: str | None = None

    @property
    def shown_name(self) -> str:
        """The name on pages: `display_name`, or given and family name."""
        return self.display_name or f"{self.given_name} {self.family_name}"


NORTHFIELD_ORGANISATIONS = (
    "arts",
    "science",
    "engineering",
    "medicine",
    "nursing",
    "business",
    "law",
    "education",
    "music",
    "design",
    "agriculture",
    "library",
    "northern",
)

_LONG_NAME = (  # 200 characters, as long as a name may be
    "María Guadalupe Concepción Esperanza Montserrat de los Ángeles "
    "Fernández-Villaseñor Etxeberria y Quiroga, née van der Meulen-Achterberg, "
    "holder of the Edelgard Ossian Chair of Comparative Maritime Law"
)

PEOPLE: Mapping[str, tuple[Person, ...]] = {
    "northfield": (
        Person(
            "student",
            "Emma",
            "Thibodeau",
            "emma.thibodeau@northfield.example",
            ("student",),
            ("science",),
            country="CA",
        ),
        Person(
            "faculty",
            "Daniel",
            "Okafor",
            "daniel.okafor@northfield.example",
            ("faculty",),
            ("engineering", "northern"),
            country="CA",
        ),
        Person(
            "staff",
            "Margaret",
            "Chu",
            "margaret.chu@northfield.example",
            ("staff",),
            ("library",),
            country="CA",
        ),
        Person(
            "unverified",
            "Liam",
            "Fraser",
            "liam.fraser@northfield.example",
            ("student",),
            ("arts",),
            verified=False,
        ),
        Person(
            "admin",
            "Rosalind",
            "Beaulieu",
            "rosalind.beaulieu@northfield.example",
            ("staff",),
            ("library",),
            roles=("admin",),
            country="CA",
        ),
        Person(
            "everywhere",
            "Noor",
            "Hashemi",
            "noor.hashemi@northfield.example",
            ("student", "staff"),
            NORTHFIELD_ORGANISATIONS,
            language="fr",
            country="CA",
        ),
        Person(
            "longname",
            "María Guadalupe Concepción",
            "Fernández-Villaseñor Etxeberria y Quiroga",
            "mg.fernandez@northfield.example",
            ("faculty",),
            ("law",),
            display_name=_LONG_NAME,
            country="CA",
        ),
    ),
    "montclair": (
        Person(
            "student",
            "Léa",
            "Garnier",
            "lea.garnier@montclair.example",
            ("student",),
            ("sciences",),
            country="FR",
        ),
        Person(
            "faculty",
            "Étienne",
            "Marchetti",
            "etienne.marchetti@montclair.example",
            ("faculty",),
            ("ingenieurs",),
            country="FR",
        ),
        Person(
            "staff",
            "Sandrine",
            "Lebreton",
            "sandrine.lebreton@montclair.example",
            ("staff",),
            ("bibliotheque",),
            country="FR",
        ),
        Person(
            "unverified",
            "Yanis",
            "Belkacem",
            "yanis.belkacem@montclair.example",
            ("student",),
            ("lettres",),
            verified=False,
        ),
        Person(
            "admin",
            "Hélène",
            "Vasseur",
            "helene.vasseur@montclair.example",
            ("staff",),
            ("bibliotheque",),
            roles=("admin",),
            country="FR",
        ),
    ),
    "sakura": (
        Person(
            "student",
            "Haruka",
            "Mori",
            "mori.haruka@sakura.example",
            ("student",),
            ("design",),
            country="JP",
        ),
        Person(
            "faculty",
            "Kenji",
            "Watanabe",
            "watanabe.kenji@sakura.example",
            ("faculty",),
            ("architecture",),
            country="JP",
        ),
        Person("staff", "Yumi", "Okada", "okada.yumi@sakura.example", ("staff",), ("library",), country="JP"),
        Person(
            "unverified",
            "Sora",
            "Ishikawa",
            "ishikawa.sora@sakura.example",
            ("student",),
            ("media",),
            verified=False,
        ),
        Person(
            "admin",
            "Naomi",
            "Fujimoto",
            "fujimoto.naomi@sakura.example",
            ("staff",),
            ("library",),
            roles=("admin",),
            country="JP",
        ),
    ),
}


def demo_keys(slug: str, product_slug: str, credential_code: str) -> int:
    """How many keys the demo loads into the pool of one credential of one product."""
    return 0 if (slug, product_slug) in EMPTY_POOLS else KEYS_PER_POOL


def key_values(
    slug: str, product_slug: str, credential_code: str, kind: str, count: int | None = None
) -> Iterator[str]:
    """`count` distinct keys in the form usual for `kind` (KEY-01); always the same for the same names.

    Without `count`: as many as `demo_keys` says. A longer run begins with the shorter one.
    """
    dice = random.Random(f"{slug}/{product_slug}/{credential_code}")
    wanted = demo_keys(slug, product_slug, credential_code) if count is None else count
    seen: set[str] = set()
    while len(seen) < wanted:
        key = _key(dice, kind, product_slug)
        if key not in seen:
            seen.add(key)
            yield key


def _key(dice: random.Random, kind: str, product_slug: str) -> str:
    def block(alphabet: str, length: int) -> str:
        return "".join(dice.choices(alphabet, k=length))

    match kind:
        case "product_key":
            return "-".join(block(_ALPHABET, 5) for _ in range(5))
        case "activation_code":
            initials = "".join(word[0] for word in product_slug.split("-")).upper()
            blocks = (block(_ALPHABET, 4) for _ in range(3))
            return "-".join([f"{initials}{dice.randrange(10, 100)}", *blocks, block(_ALPHABET, 2)])
        case "licence_number":
            return "-".join(block(_HEXADECIMAL, 4) for _ in range(4))
        case _:
            raise ValueError(f"unknown kind of credential: {kind!r}")


def sources(document: Mapping[str, Any]) -> Iterator[str]:
    """Every file that a parsed store file names, as a path below the incoming folder."""
    for product in document.get("products", ()):
        for entry in product.get("files", ()):
            yield entry["source"]


def make_files(incoming: Path, documents: Iterable[Mapping[str, Any]], *, largest: int | None = None) -> None:
    """Write every file that the parsed store files name and that is not there yet.

    A file opens with a line of text that says what it is; the rest is noise worked out from its name.
    `largest` caps the size in bytes, for tests. An interrupted run leaves no half file under the final name.
    """
    for document in documents:
        for source in sources(document):
            path = incoming / source
            if path.exists():
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_name(f"{path.name}.{os.getpid()}.part")
            try:
                _write_file(partial, source, largest)
                partial.replace(path)
            finally:
                partial.unlink(missing_ok=True)


def _write_file(path: Path, source: str, largest: int | None) -> None:
    dice = random.Random(source)
    header = f"WebStore demo file {source}: noise to try a download with, not a program or a book.\n".encode()
    size = SPARSE_FILES.get(source)
    sparse = size is not None
    if size is None:
        # the cube makes small files frequent, so that three stores stay near 200 MB
        size = SMALLEST_FILE + int((LARGEST_FILE - SMALLEST_FILE) * dice.random() ** 3)
    if largest is not None:
        size = min(size, largest)
    with path.open("wb") as stream:
        stream.write(header[:size])
        if not sparse:
            stream.write(dice.randbytes(max(0, size - len(header))))
        stream.truncate(size)
