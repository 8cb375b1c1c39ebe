"""Problems of store files: where, what was found, what is allowed, what to do. Shown all at once, by line."""

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

from platform_core.tenancy.flaws import Flaw, Path
from platform_core.tenancy.locate import Locator
from platform_core.tenancy.plain_secrets import looks_secret
from platform_core.web.i18n import _
from platform_core.web.logo import logo_problem

Translate = Callable[[str], str]
_NAMES = ("slug", "code")
_PLACE = re.compile(r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)$")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that keeps a store file from being applied.

    `key` is the path as people write it: `products[stat-workbench].offers[student].prices.CADD`; entries
    without a slug or code are counted from 1. `found`, `allowed` and `hint` are translatable.
    """

    file: str
    line: int
    key: str
    found: str
    allowed: str
    hint: str = ""

    def text(self, translate: Translate | None = None) -> str:
        """`file:line: key: found …; allowed: …; …` on one line, in English or through `translate`."""
        say = translate or english
        parts = [
            say(_("found ${found}", mapping={"found": worded(self.found, say)})),
            say(_("allowed: ${allowed}", mapping={"allowed": worded(self.allowed, say)})),
        ]
        if self.hint:
            parts.append(worded(self.hint, say))
        place = f"{self.file}:{self.line}:" + (f" {self.key}:" if self.key else "")
        return f"{place} {'; '.join(parts)}"

    def plain(self) -> dict[str, Any]:
        """For JSON, in English."""
        return {
            "file": self.file,
            "line": self.line,
            "key": self.key,
            "found": worded(self.found, english),
            "allowed": worded(self.allowed, english),
            "hint": worded(self.hint, english),
        }


def english(text: str) -> str:
    """A message in its own words, its values filled in."""
    interpolate = getattr(text, "interpolate", None)
    return str(interpolate() if interpolate is not None else text)


def worded(text: str, translate: Translate) -> str:
    """`text` translated, and before it the translatable values inside it."""
    mapping = getattr(text, "mapping", None)
    if mapping and any(hasattr(value, "interpolate") for value in mapping.values()):
        text = _(text, mapping={name: worded(value, translate) for name, value in mapping.items()})
    return translate(text)


def key_text(path: Path, data: Any) -> str:
    """`path` as people read it; `data` is the parsed file, for the names of list entries."""
    text = ""
    for part in path:
        if isinstance(part, int):
            data = data[part] if isinstance(data, list) and part < len(data) else None
            name = (
                next((data[key] for key in _NAMES if isinstance(data.get(key), str)), None)
                if _is(data)
                else None
            )
            text += f"[{name or part + 1}]"
        else:
            data = data.get(part) if isinstance(data, dict) else None
            text += f".{part}" if text else part
    return text


def _is(data: Any) -> bool:
    return isinstance(data, dict)


def located(flaws: Iterable[Flaw], file: str, text: str, data: Any) -> list[Problem]:
    """`flaws` of the TOML `text` (parsed: `data`) with their lines, sorted, each once."""
    locator = Locator(text)
    found = {
        Problem(file, locator.line(flaw.path), key_text(flaw.path, data), flaw.found, flaw.allowed, flaw.hint)
        for flaw in flaws
    }
    return sorted(found, key=in_order)


def in_order(problem: Problem) -> tuple[str, int, str]:
    """The order in which problems are shown."""
    return problem.file, problem.line, problem.key


def parse_toml(raw: bytes, file: str) -> tuple[str, dict[str, Any], list[Problem]]:
    """Text and data of a TOML file's bytes, or the one problem that keeps it from being read at all."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        found = _("the byte ${byte}, which is no UTF-8", mapping={"byte": f"0x{raw[error.start]:02x}"})
        return "", {}, [Problem(file, line, "", found, _("UTF-8 text"), _("save the file as UTF-8"))]
    try:
        return text, tomllib.loads(text), []
    except tomllib.TOMLDecodeError as error:
        return text, {}, [_syntax(str(error), text, file)]


def _syntax(message: str, text: str, file: str) -> Problem:
    place = _PLACE.search(message)
    line = int(place.group(1)) if place and place.group(1) else text.count("\n") + (not text.endswith("\n"))
    lines = text.split("\n")
    source = lines[line - 1].strip() if 0 < line <= len(lines) else ""
    found = repr(source[:60]) if source else _("the end of the file")
    if looks_secret(source.split("=")[0].strip(" \t\"'")):
        found = _("a line that is not shown, since it may hold a secret")
    reason = _PLACE.sub("", message)
    allowed = _("TOML (${reason})", mapping={"reason": reason[:1].lower() + reason[1:]})
    return Problem(file, max(line, 1), "", found, allowed, _("see https://toml.io for the notation"))


def logo_flaws(folder: FilePath, name: object) -> Iterator[Flaw]:
    """What is wrong with the logo beside a store file."""
    if not isinstance(name, str) or "/" in name or not name.endswith(".svg"):
        return
    path = folder / name
    if not path.is_file():
        yield Flaw(
            ("brand", "logo"),
            _("no file ${name}", mapping={"name": name}),
            _("an SVG file beside the store file"),
        )
        return
    if reason := logo_problem(path.read_bytes()):
        yield Flaw(("brand", "logo"), reason, _("a one-colour SVG of paths"))


def name_flaws(path: FilePath, slug: object) -> Iterator[Flaw]:
    """The file's name says the store's slug, so that nobody edits the wrong one."""
    if isinstance(slug, str) and path.name != f"{slug}.toml":
        yield Flaw(
            ("store", "slug"),
            repr(slug),
            _("the name of the file: ${name}", mapping={"name": repr(path.stem)}),
            _("rename the file or change the slug"),
        )


def duplicates(slugs: Sequence[tuple[str, int, str]]) -> list[Problem]:
    """One problem for each (file, line, slug) whose slug another file claimed before; a slug is also a host."""
    first: dict[str, str] = {}
    problems = []
    for file, line, slug in slugs:
        if slug in first and first[slug] != file:
            allowed = _("a slug of its own; ${file} has this one", mapping={"file": first[slug]})
            problems.append(Problem(file, line, "store.slug", repr(slug), allowed))
        first.setdefault(slug, file)
    return problems


class StoreFileErrors(ValueError):
    """A store file cannot be used. `problems` has all of its faults, sorted by line."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(problem.text() for problem in problems))
        self.problems = tuple(problems)
