"""What can stand in a snapshot, and what a tax is called."""

from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from platform_core.orders.models import OrderState
from platform_core.orders.snapshot import plain
from platform_core.orders.words import licence_words


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (None, None),
        (True, True),
        (3, 3),
        ("x", "x"),
        (OrderState.PLACED, "placed"),
        (frozenset({"b", "a"}), ["a", "b"]),
        ((1, "x", None), [1, "x", None]),
        ({"k": date(2026, 11, 23)}, {"k": "2026-11-23"}),
        (datetime(2026, 11, 23, 12, tzinfo=UTC), "2026-11-23T12:00:00+00:00"),
        (Decimal("13.0"), "13.0"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    ],
)
def test_values_are_kept_as_json_can_hold_them(value: object, kept: object) -> None:
    assert plain(value) == kept


@pytest.mark.parametrize(
    ("licence", "words"),
    [
        (("perpetual", None, None), "licence without end"),
        (("enrolment", None, None), "while you study or work here"),
        (("evaluation", None, 30), "30-day trial"),
        (("evaluation", None, None), "trial"),
        (("rental", 12, None), "12-month licence"),
        (("rental", None, 90), "90-day licence"),
        (("rental", None, None), "licence for a time"),
    ],
)
def test_a_licence_says_how_long_it_runs(licence: tuple[str, int | None, int | None], words: str) -> None:
    said = licence_words(*licence)
    assert (said.interpolate() if hasattr(said, "interpolate") else said) == words
