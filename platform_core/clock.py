"""Time. The only module that reads the machine's clock.

*Business time* (`Clock.now`) is wall time plus a stored offset: holds, licences, access, prices and reports
follow it, so that a demo or a test can be moved by eight days. *Wall time* (`Clock.wall`) is for what other
machines see or measure: protocols, sessions, tokens, leases, rate limits and ids.
"""

import threading
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from datetime import time as day_time
from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def machine_time() -> datetime:
    """The machine's clock, aware, in UTC."""
    return datetime.now(UTC)


def machine_ms() -> int:
    """Milliseconds since the epoch, for identifiers that sort by time (RFC 9562, UUIDv7)."""
    return time.time_ns() // 1_000_000


class ClockGoesBackwards(ValueError):
    """An offset was asked for that would make business time run backwards."""


class Clock:
    """Both times of one process. Thread-safe; `now` never returns less than it did before."""

    def __init__(self, wall: Callable[[], datetime] = machine_time, offset: timedelta = timedelta(0)) -> None:
        self._wall = wall
        self._offset = offset
        self._last = EPOCH
        self._lock = threading.Lock()

    @property
    def offset(self) -> timedelta:
        """How far business time is ahead of wall time."""
        return self._offset

    def wall(self) -> datetime:
        """Wall time, aware, in UTC."""
        return self._wall()

    def now(self) -> datetime:
        """Business time, aware, in UTC."""
        with self._lock:
            self._last = max(self._last, self._wall() + self._offset)
            return self._last

    def follow(self, offset: timedelta) -> None:
        """Take over the stored offset. A smaller one than before is ignored until wall time has caught up."""
        self._offset = offset


def local_day(moment: datetime, zone: str) -> date:
    """The calendar day that `moment` falls on for people in `zone`."""
    return moment.astimezone(ZoneInfo(zone)).date()


def day_start(day: date, zone: str) -> datetime:
    """The first instant of `day` in `zone`, in UTC."""
    return datetime.combine(day, day_time(), ZoneInfo(zone)).astimezone(UTC)


def end_of_day_after(moment: datetime, zone: str, *, days: int = 0, months: int = 0) -> datetime:
    """The first instant after the last day of a term of `days` or calendar `months` that starts at `moment`.

    The last day counts in full and months clip to the month's end (FEATURES Q3, Q4): the result is the next
    midnight in `zone`, for half-open comparison (`now < end`).
    """
    return day_start(add_months(local_day(moment, zone), months) + timedelta(days=days + 1), zone)


def add_months(day: date, months: int) -> date:
    """`day` moved by calendar months; 31 January plus one month is the last day of February."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    for last in (day.day, 30, 29, 28):
        try:
            return date(year, month + 1, last)
        except ValueError:
            continue
    raise AssertionError("every month has 28 days")
