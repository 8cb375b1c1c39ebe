"""What an apply would change, as values: the same list for `diff`, a dry run, the apply itself and the console."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

_MISSING = object()
_NAMES = ("slug", "code")


class ChangeKind(StrEnum):
    """What happens to a row or a value; `keep_screen`: nothing, since a person wrote it on a screen."""

    ADD = "add"
    CHANGE = "change"
    RETIRE = "retire"
    KEEP_SCREEN = "keep_screen"


@dataclass(frozen=True, slots=True)
class Change:
    """`what` (setting, plugin, product, offer …) with this `key` goes from `old` to `new` (None: not there)."""

    kind: ChangeKind
    what: str
    key: str
    old: Any = None
    new: Any = None

    @property
    def is_pending(self) -> bool:
        """Would an apply write something?"""
        return self.kind is not ChangeKind.KEEP_SCREEN

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    def text(self) -> str:
        """One line for a terminal: `~ product stat-workbench.version: '11.1' -> '11.2'`."""
        sign = {"add": "+", "change": "~", "retire": "-", "keep_screen": "="}[self.kind]
        line = f"{sign} {self.what} {self.key}"
        if self.kind is ChangeKind.CHANGE:
            return f"{line}: {_short(self.old)} -> {_short(self.new)}"
        if self.kind is ChangeKind.KEEP_SCREEN:
            return (
                f"{line}: kept as edited on a screen ({_short(self.old)}); the file says {_short(self.new)}"
            )
        return line


def _short(value: Any) -> str:
    if value is None:
        return "nothing"
    text = repr(value)
    return text if len(text) <= 100 else text[:97] + "…"


def value_changes(
    what: str, old: Mapping[str, Any], new: Mapping[str, Any], key: str = ""
) -> Iterator[Change]:
    """The differences of two JSON documents by dotted path; list entries with a slug or code by that name."""
    for name in [*old, *(name for name in new if name not in old)]:
        here = f"{key}.{name}" if key else name
        before, after = old.get(name, _MISSING), new.get(name, _MISSING)
        if before is _MISSING:
            yield Change(ChangeKind.ADD, what, here, None, after)
        elif after is _MISSING:
            yield Change(ChangeKind.RETIRE, what, here, before, None)
        elif isinstance(before, dict) and isinstance(after, dict):
            yield from value_changes(what, before, after, here)
        elif before != after:
            yield from _list_changes(what, before, after, here)


def _list_changes(what: str, before: Any, after: Any, key: str) -> Iterator[Change]:
    """By entry where both are lists of named tables; else the whole value."""
    old, new = _by_name(before), _by_name(after)
    if old is None or new is None:
        yield Change(ChangeKind.CHANGE, what, key, before, after)
        return
    if [name for name in old if name in new] != [name for name in new if name in old]:
        yield Change(ChangeKind.CHANGE, what, f"{key} (order)", list(old), list(new))
    yield from value_changes(what, old, new, key)


def _by_name(rows: Any) -> dict[str, Any] | None:
    """A list of tables as a mapping by slug or by code, if each has one of its own."""
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        return None
    for key in _NAMES:
        named = {str(row[key]): row for row in rows if key in row}
        if rows and len(named) == len(rows):
            return named
    return None
