"""Translation files: `update` brings them up to date with the texts in the code, `check` says what is outstanding.

English is the message itself, so it has no file. The languages are those that the core has a folder for; each
package (the core, each plugin) keeps its own files, all in the domain `webstore`.
"""

import io
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parent.parent
DOMAIN = "webstore"
# Pyramid's localizer.pluralize(singular, plural, n) beside gettext's own names.
KEYWORDS = {**DEFAULT_KEYWORDS, "pluralize": (1, 2)}
_COMMENT = "i18n:"
_PLACEHOLDER = re.compile(r"\$\{\w+\}|%\(\w+\)[sd]|\{\w*\}|%[sd]")


@dataclass(frozen=True, slots=True)
class Package:
    """A folder with texts and its own `locale/`."""

    folder: Path

    @property
    def name(self) -> str:
        """As in the path: `platform_core`, `plugins/access_guarantee`."""
        return self.folder.relative_to(ROOT).as_posix()

    def file(self, language: str) -> Path:
        """Where the translations into `language` stand."""
        return self.folder / "locale" / language / "LC_MESSAGES" / f"{DOMAIN}.po"


def packages() -> list[Package]:
    """The core, then the plugins by name."""
    plugins = sorted(path for path in (ROOT / "plugins").glob("*") if any(path.rglob("*.py")))
    return [Package(ROOT / "platform_core"), *map(Package, plugins)]


def languages() -> list[str]:
    """Languages that everything has to be translated into."""
    return sorted(path.parent.name for path in (ROOT / "platform_core/locale").glob("*/LC_MESSAGES"))


def texts_of(package: Package) -> Catalog:
    """Every text in a package's Python and templates, with the files that it stands in."""
    with (ROOT / "babel.cfg").open() as config:
        methods, options = parse_mapping_cfg(config)
    found = Catalog(domain=DOMAIN)
    rows = extract_from_dir(package.folder, methods, options, KEYWORDS, comment_tags=(_COMMENT,))
    for name, _line, message, comments, context in rows:
        place = (f"{package.name}/{name}", 0)
        found.add(message, None, [place], auto_comments=comments, context=context)
    return found


def translations(package: Package, language: str) -> Catalog:
    """What a file holds, empty if there is none."""
    path = package.file(language)
    if not path.exists():
        comment = f"# WebStore, {package.name}: translations. New texts come in by `make messages`."
        return Catalog(
            locale=language,
            domain=DOMAIN,
            header_comment=comment,
            project="WebStore",
            version="0.1",
            last_translator="the WebStore authors",
            language_team="the WebStore authors",
            msgid_bugs_address="see README.md",
            fuzzy=False,
        )
    with path.open("rb") as file:
        return read_po(file, locale=language, domain=DOMAIN)


def _parts(value: object) -> list[str]:
    return [str(part or "") for part in value] if isinstance(value, (tuple, list)) else [str(value or "")]


def _placeholders(text: str) -> set[str]:
    return set(_PLACEHOLDER.findall(text.replace("%%", "")))


def _flaw(message: Message) -> str | None:
    strings = _parts(message.string)
    if not all(strings):
        return "not translated"
    if message.fuzzy:
        return "marked fuzzy"
    # One plural form may leave the number out ("one item"), but none may name what the text does not have.
    wanted = set().union(*map(_placeholders, _parts(message.id)))
    used = set().union(*map(_placeholders, strings))
    if wanted != used:
        return f"placeholders differ: {', '.join(sorted(wanted ^ used))}"
    return None


def outstanding(package: Package, language: str) -> Iterator[str]:
    """Each missing, unfinished or left-over translation, in words."""
    texts, done = texts_of(package), translations(package, language)
    for message in texts:
        if not message.id:
            continue
        place = message.locations[0][0] if message.locations else package.name
        known = done.get(message.id, message.context)
        if known is None:
            yield f"{place}: not in the {language} file: {_parts(message.id)[0]!r}"
        elif flaw := _flaw(known):
            yield f"{place}: {language}, {flaw}: {_parts(message.id)[0]!r}"
    for message in done:
        if message.id and texts.get(message.id, message.context) is None:
            yield f"{package.name}: {language}, no longer used: {_parts(message.id)[0]!r}"


def check() -> int:
    """Print what is outstanding; 1 if anything is."""
    flaws = [line for p in packages() for language in languages() for line in outstanding(p, language)]
    counted = sum(1 for p in packages() for message in texts_of(p) if message.id)
    print(*flaws, sep="\n", end="\n" if flaws else "")
    print(f"{counted} texts, languages: {', '.join(languages()) or 'none'}; outstanding: {len(flaws)}")
    return 1 if flaws else 0


def update() -> int:
    """Add new texts (empty), drop those that are gone, keep the rest; nothing is guessed by likeness."""
    for package in packages():
        texts = texts_of(package)
        if not any(message.id for message in texts):
            continue
        for language in languages():
            path = package.file(language)
            done = translations(package, language)
            done.update(texts, no_fuzzy_matching=True, update_creation_date=False)
            done.obsolete.clear()
            path.parent.mkdir(parents=True, exist_ok=True)
            buffer = io.BytesIO()
            write_po(buffer, done, width=110, sort_output=True, include_lineno=False)
            if not path.exists() or path.read_bytes() != buffer.getvalue():
                path.write_bytes(buffer.getvalue())
                print(f"written: {path.relative_to(ROOT)}")
    return check()


if __name__ == "__main__":
    if sys.argv[1:] not in (["check"], ["update"]):
        sys.exit("usage: tools/messages.py check|update")
    sys.exit(check() if sys.argv[1] == "check" else update())
