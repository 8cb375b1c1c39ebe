"""A CSV file of credentials, one a line, read as a stream: values and flaws with their line numbers."""

import csv
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TextIO

LONGEST = 500
_PIECE = 64 * 1024

HEADERS = frozenset(
    {
        "key",
        "keys",
        "code",
        "value",
        "serial",
        "serial number",
        "product key",
        "activation code",
        "authorisation code",
        "authorization code",
        "licence number",
        "license number",
        "licence key",
        "license key",
        "clé",
        "clé de produit",
        "code d'activation",
        "code d'autorisation",
        "numéro de série",
        "numéro de licence",
    }
)
"""What a first line may say instead of a key, lower case, with a space for each _ and -."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: a value, or what is wrong with it."""

    line: int
    value: str
    flaw: str | None = None


class Entries(Protocol):
    """Credentials that can be gone through more than once."""

    def __iter__(self) -> Iterator[Entry]: ...


@dataclass(frozen=True, slots=True)
class Values:
    """Credentials that are in memory already (demo, tests), numbered from line 1."""

    values: tuple[str, ...]

    def __iter__(self) -> Iterator[Entry]:
        for line, value in enumerate(self.values, 1):
            yield checked(line, value)


@dataclass(frozen=True, slots=True)
class CsvKeys:
    """A CSV file: UTF-8 with or without a mark, any line ends, quotes where needed, one column.

    A first line that names the column (`HEADERS`, or `code`, the pool's own) is passed over; blank lines are too.
    """

    path: Path
    code: str = ""

    def __iter__(self) -> Iterator[Entry]:
        with self.path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            rows = csv.reader(_lines(file), strict=True)
            first, line = True, 1
            while True:
                flaw, row = None, []
                try:
                    row = next(rows)
                except StopIteration:
                    return
                except csv.Error:
                    flaw = "the quotes do not fit: one is open, or text follows a closed one"
                start, line = line, rows.line_num + 1
                if flaw is not None:
                    yield Entry(start, "", flaw)
                elif not row or (len(row) == 1 and row[0] and not row[0].strip()):
                    continue
                elif first and self._is_header(row):
                    pass
                elif len(row) != 1:
                    yield Entry(
                        start, "", f"{len(row)} columns, one is wanted; put a key with a comma in quotes"
                    )
                else:
                    yield checked(start, row[0])
                first = False

    def _is_header(self, row: list[str]) -> bool:
        words = row[0].strip().lower().replace("_", " ").replace("-", " ").replace("’", "'")
        own = self.code.replace("_", " ").replace("-", " ")
        return len(row) == 1 and (words in HEADERS or (own != "" and words == own))


def checked(line: int, text: str) -> Entry:
    """The value of a line without the space around it, or its flaw."""
    value = text.strip()
    if not value:
        return Entry(line, "", "empty")
    if len(value) > LONGEST:
        return Entry(
            line, "", f"{len(value) if len(value) < _PIECE else 'too many'} characters, at most {LONGEST}"
        )
    for character in value:
        category = unicodedata.category(character)
        if category == "Cs":
            return Entry(line, "", "not UTF-8 text")
        if category == "Cc" or character in "\u2028\u2029":
            return Entry(line, "", f"a control character (U+{ord(character):04X})")
    return Entry(line, value)


def _lines(file: TextIO) -> Iterator[str]:
    """The file's lines; of one that never ends only the first piece, which is too long for a key anyway."""
    while piece := file.readline(_PIECE):
        if len(piece) == _PIECE and piece[-1] not in "\r\n":
            while (rest := file.readline(_PIECE)) and len(rest) == _PIECE and rest[-1] not in "\r\n":
                pass
            piece = piece.replace('"', "").replace(",", "") + "\n"
        yield piece
