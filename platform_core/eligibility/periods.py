"""The academic year over which "one for each person and year" is counted (EXT-09)."""

from datetime import date, datetime

from platform_core.clock import local_day
from platform_core.tenancy.store import Store

# The month in which the academic year begins, by the store's country; elsewhere September.
_FIRST_MONTH = {"AU": 2, "BR": 2, "IN": 7, "JP": 4, "KR": 3, "NZ": 2, "SG": 8, "ZA": 2}
_SEPTEMBER = 9


def academic_year(store: Store, now: datetime) -> tuple[date, date]:
    """First day of the academic year that `now` falls in, and first day of the next, in the store's zone."""
    today = local_day(now, store.zone)
    month = _FIRST_MONTH.get(store.config.store.country, _SEPTEMBER)
    year = today.year if today.month >= month else today.year - 1
    return date(year, month, 1), date(year + 1, month, 1)
