"""What the download server asks of the rest of the platform: a decision per request, and a recorder."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol
from uuid import UUID

from .signing import Ticket

Text = Mapping[str, str]
"""One text per language code; English ("en") is always there."""


@dataclass(frozen=True, slots=True)
class Grant:
    """Yes: this file may be sent for this request.

    `path` is relative to the server's files root. `etag` is the SHA-256 of the content in hex, without
    quotes. `filename` is what the browser saves. `attempt_id` is new for each request; it becomes an attempt
    only if the server calls `begin`. `modified` (aware) adds a Last-Modified field; content-addressed files
    need none.
    """

    tenant_id: UUID
    download_id: UUID
    attempt_id: UUID
    path: str
    size: int
    etag: str
    filename: str
    modified: datetime | None = None
    back_url: str | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """No, and why, in the buyer's words, with the page where they can do something about it."""

    code: str
    message: Text
    status: Literal[403, 404, 410]
    back_url: str | None = None


class Recorder(Protocol):
    """Takes down what happens. Every call returns at once and never raises: it only fills a queue."""

    def begin(self, grant: Grant) -> None:
        """An answer to a GET starts. Never called for HEAD, 304, 412 or 416."""

    def delivered(self, attempt_id: UUID, start: int, stop: int) -> None:
        """The client's kernel has acknowledged bytes `start` to `stop - 1` of the file."""

    def ended(self, attempt_id: UUID, complete: bool) -> None:
        """The answer is over. `complete` = all that this request asked for was delivered."""


class Backend(Recorder, Protocol):
    """A recorder that also decides. `open` and `way_back` may wait; they must not block the event loop."""

    async def open(self, ticket: Ticket) -> Grant | Refusal:
        """The decision, asked anew at every request, HEAD included; so a right that is revoked ends at once.

        Must change nothing: opening is not using.
        """

    async def way_back(self, ticket: Ticket) -> str | None:
        """The page where the owner of an expired address gets a new one; None if there is none any more."""
