"""The shape of an answer: its header fields, and a body of file spans with part headers between them."""

import secrets
import string
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import format_datetime
from pathlib import PurePosixPath
from urllib.parse import quote

from .backend import Grant
from .coverage import Span

CONTENT_TYPES = {
    ".epub": "application/epub+zip",
    ".gz": "application/gzip",
    ".pdf": "application/pdf",
    ".zip": "application/zip",
}
"""Types that are told; everything else is `application/octet-stream`."""

_ATTR_CHARS = "!#$&+-.^_`|~"  # RFC 8187 section 3.2.1, attr-char, beyond letters and digits
_FALLBACK_CHARS = frozenset(string.ascii_letters + string.digits + " !#$&'()+,-.=@[]^_`{}~")


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of body bytes at offset `at`: either `literal`, or bytes `start` to `stop - 1` of the file."""

    at: int
    start: int = 0
    stop: int = 0
    literal: bytes = b""

    @property
    def length(self) -> int:
        """Bytes of body."""
        return len(self.literal) or self.stop - self.start


@dataclass(frozen=True, slots=True)
class Body:
    """The body of one answer. `file_end` = offset just behind its last byte that comes from the file."""

    pieces: tuple[Piece, ...]
    length: int
    file_end: int

    def spans(self, low: int, high: int) -> Iterator[Span]:
        """The spans of the file that lie in the body's bytes `low` to `high - 1`."""
        first = max(0, bisect_right(self.pieces, low, key=lambda piece: piece.at) - 1)
        for piece in self.pieces[first:]:
            if piece.at >= high:
                return
            start = piece.start + max(0, low - piece.at)
            stop = min(piece.stop, piece.start + high - piece.at)
            if not piece.literal and start < stop:
                yield start, stop


def plain_body(span: Span) -> Body:
    """A body of one span, without part headers."""
    length = span[1] - span[0]
    return Body((Piece(0, *span),), length, length)


def multipart_body(spans: tuple[Span, ...], size: int, content_type: str, boundary: str) -> Body:
    """A multipart/byteranges body (RFC 9110 section 14.6)."""
    pieces: list[Piece] = []
    at = file_end = 0
    for start, stop in spans:
        head = (
            f"{'' if at == 0 else chr(13) + chr(10)}--{boundary}\r\nContent-Type: {content_type}\r\n"
            f"Content-Range: bytes {start}-{stop - 1}/{size}\r\n\r\n"
        ).encode("ascii")
        pieces += [Piece(at, literal=head), Piece(at + len(head), start, stop)]
        at = file_end = at + len(head) + stop - start
    pieces.append(tail := Piece(at, literal=f"\r\n--{boundary}--\r\n".encode("ascii")))
    return Body(tuple(pieces), at + tail.length, file_end)


def file_fields(grant: Grant) -> dict[str, str]:
    """The header fields that every answer about a file has, whatever part of it is sent."""
    fields = {
        "Accept-Ranges": "bytes",
        "ETag": f'"{grant.etag}"',
        "Cache-Control": "private, no-store, no-transform",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        # Bytes count when the client's side acknowledges them, so a proxy in front must not take them early.
        "X-Accel-Buffering": "no",
    }
    if grant.modified is not None:
        fields["Last-Modified"] = format_datetime(grant.modified, usegmt=True)  # RFC 9110 section 5.6.7
    return fields


def answer(grant: Grant, spans: tuple[Span, ...] | None) -> tuple[int, dict[str, str], Body]:
    """Status, header fields and body of an answer that sends `spans`, or the whole file."""
    fields = file_fields(grant)
    content_type = content_type_of(grant.filename)
    fields["Content-Disposition"] = content_disposition(grant.filename)
    if spans is None:
        status, body = 200, plain_body((0, grant.size))
    elif len(spans) == 1:
        status, body = 206, plain_body(spans[0])
        fields["Content-Range"] = f"bytes {spans[0][0]}-{spans[0][1] - 1}/{grant.size}"
    else:
        boundary = secrets.token_hex(16)
        status, body = 206, multipart_body(spans, grant.size, content_type, boundary)
        content_type = f"multipart/byteranges; boundary={boundary}"
    fields["Content-Type"] = content_type
    fields["Content-Length"] = str(body.length)
    return status, fields, body


def content_type_of(filename: str) -> str:
    """The media type told for a file of this name."""
    return CONTENT_TYPES.get(PurePosixPath(filename).suffix.lower(), "application/octet-stream")


def content_disposition(filename: str) -> str:
    """`attachment`, the name in ASCII for old clients and in UTF-8 for all others (RFC 6266, RFC 8187)."""
    printable = "".join("_" if c in '/\\"' or unicodedata.category(c)[0] == "C" else c for c in filename)
    name = printable.strip(" .") or "download"
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode("ascii")
    fallback = "".join(c if c in _FALLBACK_CHARS else "_" for c in plain).strip(" .") or "download"
    value = f'attachment; filename="{fallback}"'
    if fallback != name:
        value += f"; filename*=UTF-8''{quote(name, safe=_ATTR_CHARS)}"
    return value
