"""The honest meter: "1 of 2 used; 3 broken tries did not count" (DLD-01, N14)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from .coverage import Coverage


@dataclass(frozen=True, slots=True)
class Attempt:
    """One answered GET of one download.

    `began` and `ended` are wall times; `ended` None = still running. `complete` = all that this request
    asked for was delivered, be it the whole file or one part. `covered` = bytes that the client's kernel has
    taken.
    """

    began: datetime
    ended: datetime | None
    complete: bool
    covered: Coverage


@dataclass(frozen=True, slots=True)
class Meter:
    """What a buyer is told. Meters of the downloads (first use, second use …) of one item add up."""

    used: int = 0
    broken_tries: int = 0
    in_progress: bool = False

    def __add__(self, other: "Meter") -> "Meter":
        return Meter(
            self.used + other.used,
            self.broken_tries + other.broken_tries,
            self.in_progress or other.in_progress,
        )


def meter(attempts: Iterable[Attempt], size: int) -> Meter:
    """The state of one download (one use of one file of `size` bytes) from all its attempts, in any order.

    *Used* is 1 when the attempts together have delivered every byte, in however many parts and tries, else 0.
    An empty file is used when one answer was delivered.

    A *try* is what a person would call one. Attempts that overlap in time are one try, so the parallel
    connections of a download manager are one, and so is a chain of them (A overlaps B, B overlaps C). An
    attempt that begins at the very instant another ends still belongs to it. Attempts that delivered no byte
    (a HEAD never becomes an attempt; a dialogue closed at once does) are no tries and link nothing.

    A try is *broken* when all of its attempts have ended, at least one of them was cut off before it had
    delivered what it was asked for, and the file was still not whole, counting the tries before it. Hence:

    * a transfer that breaks and is resumed later is one broken try and, when the rest has arrived, one use;
    * a part of a manager that breaks and is fetched again while others run is no broken try;
    * parts that were each delivered to their end are never broken, even if more parts are still to be asked
      for;
    * once the file is whole, nothing is broken any more.

    *In progress*: an attempt has not ended. One whose server died has no end: whoever reads attempts from
    storage gives it the time it was last heard of as its end.
    """
    known = list(attempts)
    running = any(attempt.ended is None for attempt in known)
    moved = sorted((a for a in known if a.covered.spans), key=lambda a: a.began)
    whole = Coverage.of(span for attempt in moved for span in attempt.covered.spans)
    if size == 0:
        return Meter(int(any(attempt.complete for attempt in known)), 0, running)
    used = whole.is_complete(size)
    broken = 0
    so_far = Coverage()
    for group in _tries(moved):
        for attempt in group:
            so_far |= attempt.covered
        if so_far.is_complete(size):
            break
        if all(a.ended is not None for a in group) and any(not a.complete for a in group):
            broken += 1
    return Meter(int(used), broken, running)


def _tries(attempts: list[Attempt]) -> list[list[Attempt]]:
    """Groups of attempts, sorted by beginning, that overlap in time directly or through others."""
    groups: list[list[Attempt]] = []
    until: datetime | None = None
    for attempt in attempts:
        if groups and (until is None or attempt.began <= until):
            groups[-1].append(attempt)
        else:
            groups.append([attempt])
            until = attempt.began
        until = None if until is None or attempt.ended is None else max(until, attempt.ended)
    return groups
