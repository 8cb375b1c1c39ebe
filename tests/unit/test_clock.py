from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platform_core.clock import (
    Clock,
    add_months,
    day_start,
    end_of_day_after,
    local_day,
    machine_ms,
    machine_time,
)

NOON = datetime(2026, 3, 7, 12, tzinfo=UTC)
ZONES = ["America/Toronto", "Europe/Paris", "Asia/Tokyo", "Africa/Cairo", "America/Havana", "Pacific/Apia"]


class Wall:
    """A wall clock that a test moves."""

    def __init__(self) -> None:
        self.time = NOON

    def __call__(self) -> datetime:
        return self.time


def test_both_times_are_aware_and_in_utc() -> None:
    clock = Clock()
    assert clock.now().utcoffset() == clock.wall().utcoffset() == timedelta(0)
    assert machine_time().tzinfo is UTC
    assert abs(machine_ms() / 1000 - machine_time().timestamp()) < 60


def test_business_time_is_wall_time_plus_the_offset() -> None:
    wall = Wall()
    clock = Clock(wall, timedelta(days=8))
    assert clock.offset == timedelta(days=8)
    assert clock.wall() == NOON
    assert clock.now() == NOON + timedelta(days=8)


def test_business_time_never_runs_backwards() -> None:
    wall = Wall()
    clock = Clock(wall)
    clock.follow(timedelta(days=2))
    later = clock.now()
    clock.follow(timedelta(days=1))
    assert clock.now() == later
    wall.time = NOON - timedelta(hours=5)  # somebody set the machine's clock
    assert clock.now() == later
    wall.time = NOON + timedelta(days=1, minutes=1)
    assert clock.now() == later + timedelta(minutes=1)


def test_the_wall_clock_is_the_machines_own_even_backwards() -> None:
    wall = Wall()
    clock = Clock(wall)
    clock.wall()
    wall.time -= timedelta(hours=1)
    assert clock.wall() == NOON - timedelta(hours=1)


@pytest.mark.parametrize(
    ("moment", "zone", "day"),
    [
        (datetime(2026, 3, 8, 4, 59, tzinfo=UTC), "America/Toronto", date(2026, 3, 7)),
        (datetime(2026, 3, 8, 5, 0, tzinfo=UTC), "America/Toronto", date(2026, 3, 8)),
        (datetime(2026, 3, 7, 15, 0, tzinfo=UTC), "Asia/Tokyo", date(2026, 3, 8)),
    ],
)
def test_the_day_is_the_one_that_people_in_the_zone_have(moment: datetime, zone: str, day: date) -> None:
    assert local_day(moment, zone) == day


def test_a_day_begins_at_its_first_instant_even_where_midnight_is_missing_or_doubled() -> None:
    # Cairo sprang from 00:00 to 01:00 on 24 April 2026; Havana fell from 01:00 back to 00:00 on 1 November 2026.
    assert day_start(date(2026, 4, 24), "Africa/Cairo") == datetime(2026, 4, 23, 22, tzinfo=UTC)
    assert day_start(date(2026, 11, 1), "America/Havana") == datetime(2026, 11, 1, 4, tzinfo=UTC)


@given(
    moment=st.datetimes(datetime(2000, 1, 1), datetime(2037, 1, 1), timezones=st.just(UTC)),
    zone=st.sampled_from(ZONES),
    days=st.integers(0, 800),
)
def test_the_last_day_counts_in_full(moment: datetime, zone: str, days: int) -> None:
    end = end_of_day_after(moment, zone, days=days)
    last = local_day(moment, zone) + timedelta(days=days)
    assert end > moment
    assert local_day(end, zone) > last
    assert local_day(end - timedelta(microseconds=1), zone) <= last


@given(
    day=st.dates(date(1999, 1, 1), date(2100, 12, 31)),
    months=st.integers(-200, 200),
)
def test_months_are_calendar_months_and_clip_to_the_months_end(day: date, months: int) -> None:
    moved = add_months(day, months)
    assert (moved.year * 12 + moved.month) - (day.year * 12 + day.month) == months
    assert moved.day == day.day or (
        moved.day < day.day and (moved + timedelta(days=1)).day == 1 and day.day > 28
    )


@pytest.mark.parametrize(
    ("day", "months", "moved"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2028, 1, 31), 1, date(2028, 2, 29)),
        (date(2028, 2, 29), 12, date(2029, 2, 28)),
        (date(2026, 12, 31), 2, date(2027, 2, 28)),
        (date(2026, 8, 31), 1, date(2026, 9, 30)),
        (date(2026, 5, 5), 0, date(2026, 5, 5)),
    ],
)
def test_31_january_plus_one_month_is_the_last_of_february(day: date, months: int, moved: date) -> None:
    assert add_months(day, months) == moved


def test_a_term_over_a_change_of_summer_time_ends_at_the_zones_midnight() -> None:
    bought = datetime(2026, 3, 1, 17, 0, tzinfo=UTC)  # noon in Toronto, standard time
    assert end_of_day_after(bought, "America/Toronto", days=31) == datetime(2026, 4, 2, 4, tzinfo=UTC)
    assert end_of_day_after(bought, "America/Toronto", months=24) == datetime(2028, 3, 2, 5, tzinfo=UTC)
