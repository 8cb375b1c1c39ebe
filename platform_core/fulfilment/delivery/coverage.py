"""Which bytes of a file have been delivered: an immutable set of half-open intervals."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

Span = tuple[int, int]
"""Bytes `start` to `stop - 1` of a file, counted from 0."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """Sorted, disjoint, non-touching spans. Two coverages of the same bytes are equal."""

    spans: tuple[Span, ...] = ()

    @classmethod
    def of(cls, spans: Iterable[Span]) -> Self:
        """The union of any spans, in any order, overlapping or not."""
        merged: list[list[int]] = []
        for start, stop in sorted(spans):
            _check(start, stop)
            if start == stop:
                continue
            if merged and start <= merged[-1][1]:
                merged[-1][1] = max(merged[-1][1], stop)
            else:
                merged.append([start, stop])
        return cls(tuple((start, stop) for start, stop in merged))

    def add(self, start: int, stop: int) -> "Coverage":
        """This coverage and bytes `start` to `stop - 1`. An empty span adds nothing."""
        _check(start, stop)
        if start == stop:
            return self
        spans = self.spans
        first = bisect_left(spans, start, key=lambda span: span[1])
        last = bisect_right(spans, stop, key=lambda span: span[0])
        if first < last:
            start = min(start, spans[first][0])
            stop = max(stop, spans[last - 1][1])
        return Coverage((*spans[:first], (start, stop), *spans[last:]))

    def __or__(self, other: "Coverage") -> "Coverage":
        if len(other.spans) <= 1:
            return self.add(*other.spans[0]) if other.spans else self
        return Coverage.of((*self.spans, *other.spans))

    @property
    def bytes(self) -> int:
        """How many different bytes are covered."""
        return sum(stop - start for start, stop in self.spans)

    def is_complete(self, size: int) -> bool:
        """Whether every byte of a file of `size` bytes is covered; always so for an empty file."""
        return size == 0 or any(start == 0 and stop >= size for start, stop in self.spans[:1])

    def to_json(self) -> list[list[int]]:
        """The spans as `[[start, stop], …]`."""
        return [[start, stop] for start, stop in self.spans]

    @classmethod
    def from_json(cls, value: object) -> Self:
        """Read what `to_json` wrote. Raises ValueError for anything else; overlapping spans are merged."""
        if not isinstance(value, list):
            raise ValueError(f"a coverage is a list of [start, stop], not {type(value).__name__}")
        spans: list[Span] = []
        for pair in value:
            if not (isinstance(pair, list) and len(pair) == 2 and all(type(end) is int for end in pair)):
                raise ValueError(f"a span is [start, stop] in whole bytes, not {pair!r}")
            spans.append((pair[0], pair[1]))
        return cls.of(spans)


def _check(start: int, stop: int) -> None:
    if not 0 <= start <= stop:
        raise ValueError(f"no such span of bytes: {start} to {stop}")
