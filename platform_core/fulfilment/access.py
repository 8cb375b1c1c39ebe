"""The end of access, moved for who had to wait."""

from datetime import datetime, timedelta

from platform_core.clock import day_start, local_day


def without_waiting(until: datetime | None, since: datetime, now: datetime, zone: str) -> datetime | None:
    """An end of access that gives back the days spent waiting for a key."""
    if until is None:
        return None
    waited = (local_day(now, zone) - local_day(since, zone)).days
    return day_start(local_day(until, zone) + timedelta(days=waited), zone)
