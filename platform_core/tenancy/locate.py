"""Where does a key of a TOML text stand? tomllib and tomlkit give values without lines; this gives the lines.

The scanner expects a text that tomllib accepts. On anything else it stops where it no longer understands and
answers with what it has seen: it never raises.
"""

import re
import tomllib
from bisect import bisect_right
from collections.abc import Sequence

Path = tuple[str | int, ...]

_BLANK = re.compile(r"[ \t]*")
_GAP = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_BASIC = re.compile(r'"(?:[^"\\\n]|\\.)*"')
_LITERAL = re.compile(r"'[^'\n]*'")
_LONG_BASIC = re.compile(r'"""(?:[^"\\]|\\.|"{1,2}(?!"))*"{3,5}', re.DOTALL)
_LONG_LITERAL = re.compile(r"'''(?:[^']|'{1,2}(?!'))*'{3,5}", re.DOTALL)
_SCALAR = re.compile(r"[^,\]}#\n]+")


class Locator:
    """The lines of one TOML text. Positions are worked out once, at the first question."""

    def __init__(self, text: str) -> None:
        self._text = text.replace("\r\n", "\n")
        self._places: dict[Path, int] | None = None

    def line(self, path: Sequence[str | int]) -> int:
        """The line (from 1) of the key at `path`; of the nearest table or list around it if it is not there.

        Entries of lists and of arrays of tables are numbers from 0: `("products", 2, "offers", 0, "prices")`.
        """
        places = self._known()
        wanted = tuple(path)
        for length in range(len(wanted), 0, -1):
            if (line := places.get(wanted[:length])) is not None:
                return line
        return 1

    def has(self, path: Sequence[str | int]) -> bool:
        """Does the text itself write down `path`?"""
        return tuple(path) in self._known()

    def _known(self) -> dict[Path, int]:
        if self._places is None:
            self._places = _Scanner(self._text).places()
        return self._places


class _Stop(Exception):
    """The text is no TOML from here on."""


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]
        self._places: dict[Path, int] = {}
        self._last_index: dict[Path, int] = {}

    def places(self) -> dict[Path, int]:
        """Every path of the text with its line."""
        try:
            self._document()
        except _Stop:
            pass
        return self._places

    def _note(self, path: Path, at: int) -> None:
        self._places.setdefault(path, bisect_right(self._starts, at))

    def _match(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self._text, self._at)
        if found is None:
            raise _Stop
        self._at = found.end()
        return found.group()

    def _sees(self, text: str) -> bool:
        return self._text.startswith(text, self._at)

    def _take(self, text: str) -> None:
        if not self._sees(text):
            raise _Stop
        self._at += len(text)

    def _document(self) -> None:
        table: Path = ()
        while True:
            self._match(_GAP)
            if self._at >= len(self._text):
                return
            if self._sees("["):
                table = self._header()
            else:
                self._pair(table)

    def _header(self) -> Path:
        start = self._at
        brackets = 2 if self._sees("[[") else 1
        self._at += brackets
        keys = [key for key, _start in self._keys()]
        self._take("]" * brackets)
        path: Path = ()
        for key in keys[:-1]:
            path = self._inside((*path, key))
            self._note(path, start)
        path = (*path, keys[-1])
        if brackets == 2:
            self._note(path, start)
            index = self._last_index.get(path, -1) + 1
            self._last_index[path] = index
            path = (*path, index)
        else:
            path = self._inside(path)
        self._note(path, start)
        return path

    def _inside(self, path: Path) -> Path:
        """The path of a table; of the newest one where `path` is an array of tables."""
        index = self._last_index.get(path)
        return path if index is None else (*path, index)

    def _keys(self) -> list[tuple[str, int]]:
        keys: list[tuple[str, int]] = []
        while True:
            self._match(_BLANK)
            start = self._at
            keys.append((self._key(), start))
            self._match(_BLANK)
            if not self._sees("."):
                return keys
            self._at += 1

    def _key(self) -> str:
        for quote, pattern in (('"', _BASIC), ("'", _LITERAL)):
            if self._sees(quote):
                try:
                    return str(tomllib.loads(f"key = {self._match(pattern)}")["key"])
                except tomllib.TOMLDecodeError as error:
                    raise _Stop from error
        return self._match(_BARE_KEY)

    def _pair(self, table: Path) -> None:
        path = table
        for key, start in self._keys():
            path = (*path, key)
            self._note(path, start)
        self._take("=")
        self._match(_BLANK)
        self._value(path)

    def _value(self, path: Path) -> None:
        if self._sees('"""'):
            self._match(_LONG_BASIC)
        elif self._sees("'''"):
            self._match(_LONG_LITERAL)
        elif self._sees('"'):
            self._match(_BASIC)
        elif self._sees("'"):
            self._match(_LITERAL)
        elif self._sees("["):
            self._list(path)
        elif self._sees("{"):
            self._inline_table(path)
        else:
            self._match(_SCALAR)

    def _list(self, path: Path) -> None:
        self._take("[")
        index = 0
        while True:
            self._match(_GAP)
            if self._sees("]"):
                break
            item = (*path, index)
            self._note(item, self._at)
            self._value(item)
            index += 1
            self._match(_GAP)
            if not self._sees(","):
                break
            self._at += 1
        self._take("]")

    def _inline_table(self, path: Path) -> None:
        self._take("{")
        while True:
            self._match(_GAP)
            if self._sees("}"):
                break
            self._pair(path)
            self._match(_GAP)
            if not self._sees(","):
                break
            self._at += 1
        self._take("}")
