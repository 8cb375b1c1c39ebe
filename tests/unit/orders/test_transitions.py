"""The one table of what may become of an order."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from platform_core.orders.models import HoldKind, OrderHold, OrderState
from platform_core.orders.transitions import ALLOWED, Label, first_open, public_label
from platform_core.orders.words import STATES

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def hold(kind: HoldKind, minutes: int, outcome: str | None = None) -> OrderHold:
    return OrderHold(
        id=UUID(int=minutes + 1),
        order_id=UUID(int=1),
        kind=kind,
        since=NOW + timedelta(minutes=minutes),
        outcome=outcome,
    )


def test_the_table_names_every_state_and_nothing_follows_an_end() -> None:
    assert set(ALLOWED) == set(OrderState)
    ended = {state for state, after in ALLOWED.items() if not after}
    assert ended == {OrderState.COMPLETE, OrderState.CANCELLED}
    assert all(state not in after for state, after in ALLOWED.items())


def test_every_label_has_a_tone_and_words() -> None:
    assert set(STATES) == set(Label)


@pytest.mark.parametrize("kind", list(HoldKind))
def test_the_public_label_is_that_of_the_hold_open_longest(kind: HoldKind) -> None:
    other = next(each for each in HoldKind if each is not kind)
    holds = [hold(other, 5), hold(kind, 3), hold(other, 1, outcome="released")]
    assert first_open(holds) is kind
    assert public_label(OrderState.PLACED, first_open(holds)).value == f"awaiting_{kind.value}"


def test_without_an_open_hold_the_stored_state_is_the_label() -> None:
    assert (
        public_label(OrderState.PROCESSING, first_open([hold(HoldKind.PAYMENT, 1, "released")]))
        is Label.PROCESSING
    )


def test_an_order_that_has_ended_is_held_by_nothing() -> None:
    assert public_label(OrderState.CANCELLED, HoldKind.PAYMENT) is Label.CANCELLED
