"""One use of one file as a row keeps it: what was delivered, and the tries, in little room.

`meter.meter` says what counts, from all attempts ever made. Keeping them all would let a download manager that
asks for a thousand parts grow a row without end, so attempts that have ended, and that belong to one try for
certain, are kept as one: same beginning, same end, same bytes, broken if one of them was. The answer of the
meter is the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from platform_core.clock import EPOCH

from .coverage import Coverage
from .meter import Attempt, Meter, meter
from .writer import AttemptChange

LOST_AFTER = timedelta(minutes=10)
"""An attempt that was not heard of for so long has lost its server; a stalled one is ended by it before."""
TRIES_KEPT = 20


@dataclass(frozen=True, slots=True)
class Try:
    """An attempt, or several that ended and are one try. `id` is there while a single one runs."""

    began: datetime
    heard: datetime
    ended: datetime | None
    complete: bool
    covered: Coverage
    id: UUID | None = None

    @property
    def until(self) -> datetime:
        """The last moment at which it is known to have been under way."""
        return self.ended or self.heard

    def unless_lost(self, now: datetime) -> "Try":
        """The same, ended when it was last heard of if that is too long before `now` (wall time)."""
        if self.ended is None and now - self.heard > LOST_AFTER:
            return replace(self, ended=self.heard, id=None)
        return self

    def attempt(self, now: datetime) -> Attempt:
        """As the meter sees it at `now` (wall time)."""
        end = self.unless_lost(now).ended
        return Attempt(self.began, end, self.complete, self.covered)


@dataclass(frozen=True, slots=True)
class Use:
    """The state of one download row. `whole_at` (wall time) is when the last missing byte arrived."""

    size: int
    tries: tuple[Try, ...] = ()
    earlier: Coverage = field(default_factory=Coverage)
    earlier_broken: int = 0
    whole_at: datetime | None = None

    @property
    def covered(self) -> Coverage:
        """All bytes that were delivered."""
        return Coverage.of(
            span for part in (self.earlier, *(t.covered for t in self.tries)) for span in part.spans
        )

    def knows(self, attempt_id: UUID) -> bool:
        """Is this attempt one of the running ones?"""
        return any(each.id == attempt_id for each in self.tries)

    def takes(self, change: AttemptChange) -> bool:
        """Does an attempt that no row knows yet belong here? Yes until the file was whole when it began."""
        return self.whole_at is None or change.began <= self.whole_at

    def meter(self, now: datetime) -> Meter:
        """What the buyer is told at `now` (wall time)."""
        attempts = [each.attempt(now) for each in self.tries]
        if self.earlier.spans:
            # Before everything else, delivered to its end: it adds its bytes and can break nothing.
            before = min((each.began for each in attempts), default=now) - timedelta(microseconds=1)
            attempts.append(Attempt(before, before, True, self.earlier))
        result = meter(attempts, self.size)
        return replace(
            result,
            used=int(self.whole_at is not None),
            broken_tries=result.broken_tries + self.earlier_broken,
        )

    def after(self, change: AttemptChange) -> "Use":
        """With what became known of one attempt. The same change twice comes to the same as once."""
        known = next((each for each in self.tries if each.id == change.attempt_id), None)
        others = [each for each in self.tries if each is not known]
        covered = change.delivered | known.covered if known else change.delivered
        heard = max(change.heard, known.heard) if known else change.heard
        new = Try(
            began=change.began,
            heard=heard,
            ended=change.ended,
            complete=change.complete and change.ended is not None,
            covered=covered,
            id=None if change.ended is not None else change.attempt_id,
        )
        after = replace(self, tries=tuple(sorted([*others, new], key=lambda each: each.began)))
        if after.whole_at is None and after._is_whole(new):
            after = replace(after, whole_at=heard)
        return after._compact(change.heard)

    def _is_whole(self, latest: Try) -> bool:
        if self.size == 0:
            return latest.ended is not None and latest.complete
        return self.covered.is_complete(self.size)

    def _compact(self, now: datetime) -> "Use":
        merged: list[Try] = []
        for group in _linked([each.unless_lost(now) for each in self.tries]):
            merged += _merge(group)
        merged.sort(key=lambda each: each.began)
        use = replace(self, tries=tuple(merged))
        # Tries that are over for good become a number, oldest first, once there are many of them.
        while len(use.tries) > TRIES_KEPT and use._can_fold(now):
            first, *rest = use.tries
            so_far = use.earlier | first.covered
            breaks = bool(first.covered.spans) and not first.complete and not so_far.is_complete(use.size)
            use = replace(use, tries=tuple(rest), earlier=so_far, earlier_broken=use.earlier_broken + breaks)
        return use

    def _can_fold(self, now: datetime) -> bool:
        first, second = self.tries[0], self.tries[1]
        return first.ended is not None and first.ended < second.began and now - first.ended > LOST_AFTER

    def to_json(self) -> dict[str, Any]:
        """What the row's `state` holds; times in microseconds since the epoch."""
        return {
            "tries": [
                {
                    "began": _us(each.began),
                    "heard": _us(each.heard),
                    "ended": _us(each.ended) if each.ended else None,
                    "complete": each.complete,
                    "covered": each.covered.to_json(),
                    "id": str(each.id) if each.id else None,
                }
                for each in self.tries
            ],
            "earlier": self.earlier.to_json(),
            "earlier_broken": self.earlier_broken,
            "whole_at": _us(self.whole_at) if self.whole_at else None,
        }

    @classmethod
    def from_json(cls, value: dict[str, Any], size: int) -> "Use":
        """Read what `to_json` wrote."""
        tries = tuple(
            Try(
                began=_moment(each["began"]),
                heard=_moment(each["heard"]),
                ended=_moment(each["ended"]) if each["ended"] is not None else None,
                complete=each["complete"],
                covered=Coverage.from_json(each["covered"]),
                id=UUID(each["id"]) if each["id"] else None,
            )
            for each in value["tries"]
        )
        whole_at = _moment(value["whole_at"]) if value["whole_at"] is not None else None
        return cls(size, tries, Coverage.from_json(value["earlier"]), value["earlier_broken"], whole_at)


def _linked(tries: Sequence[Try]) -> list[list[Try]]:
    """Tries, sorted by beginning, in groups that overlap for certain: a running one only until last heard of.

    Those that delivered nothing link nothing and stand alone, as the meter has it.
    """
    groups: list[list[Try]] = []
    until: datetime | None = None
    alone = []
    for each in tries:
        if not each.covered.spans:
            alone.append([each])
        elif until is not None and each.began <= until:
            groups[-1].append(each)
            until = max(until, each.until)
        else:
            groups.append([each])
            until = each.until
    return [*groups, *alone]


def _merge(group: list[Try]) -> list[Try]:
    """The group with its ended members as one. Ended ones without a byte mean nothing and go (unless complete)."""
    ended = [each for each in group if each.ended is not None]
    running = [each for each in group if each.ended is None]
    kept = [each for each in ended if each.covered.spans or each.complete]
    if not kept:
        return running
    one = Try(
        began=min(each.began for each in kept),
        heard=max(each.heard for each in kept),
        ended=max(each.ended for each in kept if each.ended is not None),
        complete=all(each.complete for each in kept),
        covered=Coverage.of(span for each in kept for span in each.covered.spans),
    )
    return [one, *running]


def _us(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


def _moment(microseconds: int) -> datetime:
    return EPOCH + timedelta(microseconds=microseconds)
