"""Range requests (RFC 9110 section 14): what a `Range` and an `If-Range` field ask of a file."""

import re
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

from .coverage import Coverage, Span

__all__ = ["MAX_RANGES", "Coverage", "RangeNotSatisfiable", "Span", "if_range_holds", "parse_range"]

MAX_RANGES = 16
"""More ranges than this in one request are refused. Download managers ask for one range per connection."""

_RANGE = re.compile(r"(?:([0-9]+)-([0-9]*)|-([0-9]+))\Z")
_LARGEST = 2**63 - 1
_STRONG_TAG = re.compile(r'"[\x21\x23-\x7e\x80-\xff]*"\Z')


class RangeNotSatisfiable(Exception):
    """Answer 416 with `Content-Range: bytes */size` (RFC 9110 section 15.5.17)."""

    def __init__(self, size: int, reason: str) -> None:
        super().__init__(reason)
        self.size = size


def parse_range(header: str | None, size: int) -> tuple[Span, ...] | None:
    """The spans that a `Range` field asks of a file of `size` bytes; None = answer 200 with the whole file.

    * No field, an unknown unit and a malformed set are ignored, as RFC 9110 section 14.2 says: 200.
    * A set of which no range can be satisfied raises RangeNotSatisfiable: 416. Single ranges beyond the end
      are dropped from a set that has others.
    * Overlapping and touching ranges are merged (section 15.3.7.2), in the order of their first appearance,
      so that an answer is never longer than the file and its part headers. A set that merges into one span
      is answered as a plain 206.
    * More than MAX_RANGES ranges raise RangeNotSatisfiable, the answer that section 15.5.17 names for "an
      excessive request of small or overlapping ranges". Ignoring them instead (section 14.2 allows both)
      would send gigabytes to somebody who asked for a thousand small pieces.
    * An empty file has no byte to name in a Content-Range: a suffix range gets the whole of it, 200.
    """
    if header is None:
        return None
    unit, equals, listed = header.partition("=")
    if not equals or unit.strip().lower() != "bytes":
        return None
    asked: list[tuple[int | None, int | None]] = []
    for item in listed.split(","):
        item = item.strip(" \t")
        if not item:  # RFC 9110 section 5.6.1.2: a recipient accepts empty list elements
            continue
        found = _RANGE.match(item)
        if not found:
            return None
        first, last, suffix = (_number(text) for text in found.groups())
        if suffix is not None:
            asked.append((None, suffix))
        elif first is not None and last is not None and last < first:
            return None
        else:
            asked.append((first, last))
    if not asked:
        return None
    if len(asked) > MAX_RANGES:
        raise RangeNotSatisfiable(size, f"{len(asked)} ranges in one request; at most {MAX_RANGES}")
    if size == 0 and any(first is None and last for first, last in asked):
        return None
    spans = [span for first, last in asked if (span := _resolve(first, last, size))]
    if not spans:
        raise RangeNotSatisfiable(size, f"no byte of this range in a file of {size} bytes")
    return _merged_in_order(spans)


def _number(text: str | None) -> int | None:
    if not text:
        return None
    text = text.lstrip("0") or "0"
    return int(text) if len(text) < 19 else _LARGEST


def _resolve(first: int | None, last: int | None, size: int) -> Span | None:
    if first is None:
        assert last is not None
        return (max(0, size - last), size) if last and size else None
    if first >= size:
        return None
    return first, size if last is None else min(last + 1, size)


def _merged_in_order(spans: list[Span]) -> tuple[Span, ...]:
    merged = Coverage.of(spans).spans
    ordered: dict[Span, None] = {}
    for start, _ in spans:
        ordered.setdefault(next(span for span in merged if span[0] <= start < span[1]))
    return tuple(ordered)


def if_range_holds(header: str | None, etag: str, modified: datetime | None, now: datetime) -> bool:
    """Whether a `Range` field may be obeyed; False = the client's part is of another file, send it whole.

    `etag` is the bare strong tag (without quotes). Tags compare strongly, so a weak one never holds. A date
    holds only if it equals `modified` to the second and is a strong validator, at least one second older
    than the answer (RFC 9110 sections 8.8.2.2 and 13.1.5). No field holds.
    """
    if header is None:
        return True
    header = header.strip()
    if header.startswith(('"', "W/")):
        return bool(_STRONG_TAG.match(header)) and header[1:-1] == etag
    if modified is None:
        return False
    try:
        asked = parsedate_to_datetime(header)
    except ValueError:
        return False
    if asked.tzinfo is None:
        return False
    whole = modified.replace(microsecond=0)
    return asked == whole and now - whole >= timedelta(seconds=1)
