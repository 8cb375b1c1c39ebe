"""Carries what the event loop recorded to storage: one thread, at most one batch a second.

Nothing here ever makes a download wait, and every loss is in the buyer's favour: what was delivered but not
yet applied when the process is killed (about two seconds) is forgotten, and while storage is away for so
long that more than `capacity` attempts are waiting, further attempts are not recorded at all (their number
is logged). The bytes of a live attempt cost no more memory the longer they wait, since they are kept as
merged spans.
"""

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from platform_core.clock import Clock

from .backend import Grant
from .coverage import Coverage

log = logging.getLogger("webstore.delivery")


@dataclass(frozen=True, slots=True)
class AttemptChange:
    """What became known of one attempt since the last batch. Applying it twice is the same as once.

    `began`, `heard` (last sign of life) and `ended` are wall times. `delivered` is to be united with what is
    stored. `ended` None = still running; an attempt that stays unheard of for long lost its server: take
    `heard` as its end, not complete. `complete` has a meaning only with `ended`.
    """

    tenant_id: UUID
    download_id: UUID
    attempt_id: UUID
    began: datetime
    heard: datetime
    delivered: Coverage
    ended: datetime | None
    complete: bool


@dataclass(frozen=True, slots=True)
class Batch:
    """Changes in order of tenant, download, beginning: a fixed order for row locks."""

    changes: tuple[AttemptChange, ...]

    def by_download(self) -> Iterator[tuple[UUID, UUID, tuple[AttemptChange, ...]]]:
        """(tenant, download, its changes), in the batch's order."""
        groups: defaultdict[tuple[UUID, UUID], list[AttemptChange]] = defaultdict(list)
        for change in self.changes:
            groups[change.tenant_id, change.download_id].append(change)
        for (tenant_id, download_id), changes in groups.items():
            yield tenant_id, download_id, tuple(changes)


class Sink(Protocol):
    """Storage. Called by one thread only; a batch that raises comes again, unchanged, until it is applied."""

    def apply(self, batch: Batch) -> None:
        """Store all changes, or raise. Rows that no longer exist are skipped, not an error."""


class _Live:
    """The mutable side of one attempt, guarded by the writer's lock."""

    __slots__ = ("began", "complete", "delivered", "ended", "grant", "heard")

    def __init__(self, grant: Grant, began: datetime) -> None:
        self.grant = grant
        self.began = self.heard = began
        self.delivered = Coverage()
        self.ended: datetime | None = None
        self.complete = False

    def change(self) -> AttemptChange:
        grant = self.grant
        return AttemptChange(
            grant.tenant_id,
            grant.download_id,
            grant.attempt_id,
            self.began,
            self.heard,
            self.delivered,
            self.ended,
            self.complete,
        )


class MeterWriter:
    """The recorder half of a `Backend`: call `begin`, `delivered` and `ended` from the event loop.

    `interval` and the backoff (doubling from `interval` to `longest_pause`) are in seconds.
    """

    def __init__(
        self,
        sink: Sink,
        clock: Clock,
        *,
        interval: float = 1.0,
        longest_pause: float = 30.0,
        capacity: int = 20_000,
    ) -> None:
        self._sink = sink
        self._clock = clock
        self._interval = interval
        self._longest_pause = longest_pause
        self._capacity = capacity
        self._known: dict[UUID, _Live] = {}
        self._changed: dict[UUID, _Live] = {}
        self._dropped = 0
        self._asked = self._answered = 0
        self._closing = self._stopped = False
        self._changes = threading.Condition()
        self._thread = threading.Thread(target=self._work, name="delivery-meter", daemon=True)
        self._thread.start()

    def begin(self, grant: Grant) -> None:
        """An attempt starts."""
        now = self._clock.wall()
        with self._changes:
            if self._closing or len(self._changed) >= self._capacity:
                self._dropped += 1
                return
            live = self._known[grant.attempt_id] = _Live(grant, now)
            self._touch(live)

    def delivered(self, attempt_id: UUID, start: int, stop: int) -> None:
        """Bytes `start` to `stop - 1` have arrived."""
        now = self._clock.wall()
        with self._changes:
            if live := self._known.get(attempt_id):
                live.delivered = live.delivered.add(start, stop)
                live.heard = now
                self._touch(live)

    def ended(self, attempt_id: UUID, complete: bool) -> None:
        """An attempt is over."""
        now = self._clock.wall()
        with self._changes:
            if live := self._known.pop(attempt_id, None):
                live.heard = live.ended = now
                live.complete = complete
                self._touch(live)

    def flush_now(self, timeout: float = 10.0) -> bool:
        """Apply everything recorded so far, without waiting for the interval; False if that failed."""
        with self._changes:
            self._asked += 1
            ticket = self._asked
            self._changes.notify_all()
            self._changes.wait_for(lambda: self._answered >= ticket or self._stopped, timeout)
            return self._answered >= ticket

    def close(self, timeout: float = 10.0) -> bool:
        """Apply what is left and end the thread; False if storage refused it: then it is lost, and logged."""
        if self._stopped:
            return not self._changed
        done = self.flush_now(timeout)
        with self._changes:
            self._closing = True
            self._changes.notify_all()
        self._thread.join(timeout)
        return done and not self._thread.is_alive()

    def _touch(self, live: _Live) -> None:
        if not self._changed:
            self._changes.notify_all()
        self._changed[live.grant.attempt_id] = live

    def _work(self) -> None:
        try:
            self._carry()
        finally:
            with self._changes:
                self._stopped = True
                self._changes.notify_all()

    def _carry(self) -> None:
        earliest = 0.0
        while True:
            with self._changes:
                self._changes.wait_for(lambda: self._changed or self._asked > self._answered or self._closing)
                # Within the interval only a flush or the end is a reason to go on.
                self._changes.wait_for(
                    lambda: self._asked > self._answered or self._closing,
                    max(0.0, earliest - time.monotonic()),
                )
                if self._closing and not self._changed:
                    return
                answers = self._asked
                batch = self._take()
                dropped, self._dropped = self._dropped, 0
            if dropped:
                log.error("%d download attempts were not recorded: storage is away for too long", dropped)
            earliest = time.monotonic() + self._interval
            if not self._apply(batch):
                log.error("download attempts were not recorded: storage was away at the stop")
                return
            with self._changes:
                self._answered = max(self._answered, answers)
                self._changes.notify_all()

    def _take(self) -> Batch:
        changes = [live.change() for live in self._changed.values()]
        for live in self._changed.values():
            live.delivered = Coverage()
        self._changed.clear()
        changes.sort(key=lambda c: (c.tenant_id, c.download_id, c.began, c.attempt_id))
        return Batch(tuple(changes))

    def _apply(self, batch: Batch) -> bool:
        """Whether the batch was applied; False only when the writer closes first."""
        pause = min(self._interval, self._longest_pause)
        while batch.changes:
            with self._changes:
                asked = self._asked
            try:
                self._sink.apply(batch)
            except Exception:
                log.exception("download attempts could not be stored; next try in %.1f s", pause)
            else:
                break
            with self._changes:
                self._changes.wait_for(lambda: self._closing or self._asked > asked, pause)  # noqa: B023
                if self._closing:
                    return False
            pause = min(pause * 2, self._longest_pause)
        return True
