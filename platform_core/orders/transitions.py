"""The one table of what may become of an order, and the label that people read."""

from collections.abc import Iterable, Mapping
from enum import StrEnum

from platform_core.orders.models import HoldKind, OrderHold, OrderState

ALLOWED: Mapping[OrderState, frozenset[OrderState]] = {
    OrderState.PLACED: frozenset({OrderState.PROCESSING, OrderState.COMPLETE, OrderState.CANCELLED}),
    OrderState.PROCESSING: frozenset({OrderState.COMPLETE, OrderState.CANCELLED}),
    OrderState.COMPLETE: frozenset(),
    OrderState.CANCELLED: frozenset(),
}
"""From each state to those that may follow. Nothing follows a complete or a cancelled order."""


class NotAllowed(ValueError):
    """A change of state that the table does not hold, or that somebody else has made impossible meanwhile."""


class Label(StrEnum):
    """What a person reads as the state of an order."""

    PLACED = "placed"
    PROCESSING = "processing"
    COMPLETE = "complete"
    CANCELLED = "cancelled"
    AWAITING_PAYMENT = "awaiting_payment"
    AWAITING_VERIFICATION = "awaiting_verification"
    AWAITING_APPROVAL = "awaiting_approval"
    AWAITING_REVIEW = "awaiting_review"


_OF_HOLD: Mapping[HoldKind, Label] = {
    HoldKind.PAYMENT: Label.AWAITING_PAYMENT,
    HoldKind.VERIFICATION: Label.AWAITING_VERIFICATION,
    HoldKind.APPROVAL: Label.AWAITING_APPROVAL,
    HoldKind.REVIEW: Label.AWAITING_REVIEW,
}


def public_label(state: OrderState, held_by: HoldKind | None = None) -> Label:
    """The first open hold, else the stored state. An order that has ended is held by nothing."""
    if held_by is not None and ALLOWED[state]:
        return _OF_HOLD[held_by]
    return Label(state.value)


def first_open(holds: Iterable[OrderHold]) -> HoldKind | None:
    """The kind of the hold that has been open longest, or None."""
    waiting = [hold for hold in holds if hold.outcome is None]
    return min(waiting, key=lambda hold: (hold.since, hold.id)).kind if waiting else None
