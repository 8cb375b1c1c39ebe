"""Placing orders and finding them again. Whoever places one has decided before that it may be."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from platform_core.accounts.person import Person
from platform_core.db import TenantSession
from platform_core.db.points import reached
from platform_core.events.services import record
from platform_core.money import Money
from platform_core.orders.models import (
    HoldKind,
    LineState,
    Order,
    OrderAgreement,
    OrderContact,
    OrderHold,
    OrderLine,
    OrderState,
)
from platform_core.orders.numbers import new_number, read_number
from platform_core.orders.snapshot import OrderItem, line_snapshot, order_snapshot
from platform_core.orders.transitions import ALLOWED, NotAllowed
from platform_core.plugin_api.types import PlacedItem, PlacedOrder
from platform_core.tenancy.store import Store

PAGE = 20
_TRIES = 5


class AlreadyPlaced(Exception):
    """The same checkout was made an order by somebody else a moment ago: `order` is that one."""

    def __init__(self, order: Order) -> None:
        super().__init__(order.number)
        self.order = order


@dataclass(frozen=True, slots=True)
class Agreed:
    """A licence agreement as a person accepted it (EXT-02): `language` is that of the text they were shown."""

    agreement_id: UUID
    version: str
    language: str
    accepted_at: datetime


def place(
    session: TenantSession,
    store: Store,
    person: Person,
    *,
    checkout_id: UUID,
    items: Sequence[OrderItem],
    contact_name: str,
    contact_email: str,
    language: str,
    currency: str,
    agreed: Mapping[UUID, Agreed],
) -> Order:
    """Write an order with the snapshot of all that was shown, in the caller's transaction.

    `agreed` is by product. Placing a checkout that has become an order already answers that order and changes
    nothing. Raises AlreadyPlaced if another transaction was first: the caller rolls back what it did itself.
    """
    earlier = of_checkout(session, checkout_id)
    if earlier is not None:
        return earlier
    gross = sum((item.total.gross for item in items), Money.zero(currency))
    net = sum((item.total.net for item in items), Money.zero(currency))
    order = _insert(
        session,
        dict(
            account_id=person.account_id,
            checkout_id=checkout_id,
            state=OrderState.PLACED,
            language=language,
            currency=currency,
            net=net.amount,
            tax=(gross - net).amount,
            total=gross.amount,
            placed_at=store.clock.now(),
            snapshot=order_snapshot(store, items, language),
        ),
    )
    reached("orders.numbered")
    session.add(OrderContact(order_id=order.id, name=contact_name, email=contact_email))
    lines = [_line(order, position, item, store, language) for position, item in enumerate(items, 1)]
    session.add_all(lines)
    session.flush()
    for line in lines:
        if acceptance := agreed.get(line.product_id):
            session.add(
                OrderAgreement(
                    line_id=line.id,
                    agreement_id=acceptance.agreement_id,
                    version=acceptance.version,
                    language=acceptance.language,
                    accepted_at=acceptance.accepted_at,
                )
            )
    record(
        session,
        store.clock,
        f"person:{person.account_id}",
        "orders:order:placed",
        "order",
        order.id,
        total=order.total,
        currency=order.currency,
        lines=[{"product": line.snapshot["slug"], "quantity": line.quantity} for line in lines],
    )
    session.flush()
    store.ask("webstore_order_placed", session, order=as_placed(order, lines))
    return order


def _insert(session: TenantSession, values: dict[str, Any]) -> Order:
    for _ in range(_TRIES):
        order = Order(number=new_number(), **values)
        try:
            with session.begin_nested():
                session.add(order)
                session.flush()
        except sa.exc.IntegrityError:
            # Either the number exists (one time in 10^15), or this checkout was placed a moment ago.
            if earlier := of_checkout(session, values["checkout_id"]):
                raise AlreadyPlaced(earlier) from None
        else:
            return order
    raise RuntimeError("no free order number was found")


def _line(order: Order, position: int, item: OrderItem, store: Store, language: str) -> OrderLine:
    return OrderLine(
        order_id=order.id,
        position=position,
        product_id=item.product.id,
        offer_id=item.offer.id,
        variant=item.variant.code if item.variant else None,
        quantity=item.quantity,
        state=LineState.OPEN,
        net=item.total.net.amount,
        tax=item.total.tax.amount,
        total=item.total.gross.amount,
        tax_code=item.unit.tax_code,
        tax_rate=str(item.unit.tax_rate),
        tax_source="store" if item.unit.tax_code else "",
        snapshot=line_snapshot(store, item, language),
    )


def of_checkout(session: TenantSession, checkout_id: UUID) -> Order | None:
    """The order that a checkout has become, or None."""
    return session.scalars(sa.select(Order).where(Order.checkout_id == checkout_id)).one_or_none()


def by_number(session: TenantSession, account_id: UUID, number: str) -> Order | None:
    """A person's own order of that number, however it was typed; None for any other."""
    wanted = read_number(number)
    if wanted is None:
        return None
    return session.scalars(
        sa.select(Order).where(Order.number == wanted, Order.account_id == account_id)
    ).one_or_none()


def contact_of(session: TenantSession, order: Order) -> OrderContact | None:
    """To whom the receipt goes; None when the contact has been erased."""
    return session.scalars(sa.select(OrderContact).where(OrderContact.order_id == order.id)).one_or_none()


def lines_of(session: TenantSession, order_id: UUID) -> list[OrderLine]:
    """The items of an order, as ordered."""
    return list(
        session.scalars(
            sa.select(OrderLine).where(OrderLine.order_id == order_id).order_by(OrderLine.position)
        )
    )


def holds_of(session: TenantSession, order: Order) -> list[OrderHold]:
    """Why an order waits or has waited, oldest first."""
    return list(
        session.scalars(
            sa.select(OrderHold).where(OrderHold.order_id == order.id).order_by(OrderHold.since, OrderHold.id)
        )
    )


def agreements_of(session: TenantSession, order: Order) -> dict[UUID, OrderAgreement]:
    """The agreements accepted with an order, by line."""
    same_line = sa.and_(
        OrderLine.tenant_id == OrderAgreement.tenant_id, OrderLine.id == OrderAgreement.line_id
    )
    rows = session.scalars(
        sa.select(OrderAgreement).join(OrderLine, same_line).where(OrderLine.order_id == order.id)
    )
    return {row.line_id: row for row in rows}


@dataclass(frozen=True, slots=True)
class Listed:
    """One order of a list: its first open hold, and how many of its lines wait for a key."""

    order: Order
    held_by: HoldKind | None
    waiting: int


@dataclass(frozen=True, slots=True)
class OrderPage:
    """Some orders, newest first; `following` is the number to ask on from, None at the end."""

    orders: tuple[Listed, ...]
    following: str | None


def list_of(
    session: TenantSession, account_id: UUID, after: str | None = None, limit: int = PAGE
) -> OrderPage:
    """A person's orders, newest first (ORD-01), in one statement. `after` is the last number of the page before."""
    waiting = (
        sa.select(sa.func.count())
        .select_from(OrderLine)
        .where(OrderLine.order_id == Order.id, OrderLine.state == LineState.WAITING)
        .correlate(Order)
        .scalar_subquery()
    )
    held_by = (
        sa.select(OrderHold.kind)
        .where(OrderHold.order_id == Order.id, OrderHold.outcome.is_(None))
        .order_by(OrderHold.since, OrderHold.id)
        .limit(1)
        .correlate(Order)
        .scalar_subquery()
    )
    query = sa.select(Order, held_by.label("held_by"), waiting.label("waiting"))
    query = query.where(Order.account_id == account_id)
    last = read_number(after) if after else None
    if last is not None:
        before = orm.aliased(Order)
        query = query.join(
            before,
            sa.and_(
                before.tenant_id == Order.tenant_id,
                before.number == last,
                before.account_id == account_id,
                sa.or_(
                    Order.placed_at < before.placed_at,
                    sa.and_(Order.placed_at == before.placed_at, Order.id < before.id),
                ),
            ),
        )
    query = query.order_by(Order.placed_at.desc(), Order.id.desc()).limit(limit + 1)
    rows = [Listed(row.Order, row.held_by, row.waiting) for row in session.execute(query)]
    return OrderPage(tuple(rows[:limit]), rows[limit - 1].order.number if len(rows) > limit else None)


def transition(
    session: TenantSession, store: Store, order: Order, to: OrderState, *, actor: str = "system", **data: Any
) -> None:
    """Move an order to another state, once, and record it. Raises NotAllowed for what the table does not hold.

    The change is guarded: it happens only if the order still is in the state that `order` was read with.
    """
    before = order.state
    if to not in ALLOWED[before]:
        raise NotAllowed(f"an order does not go from {before.value} to {to.value}")
    session.flush()
    changed: Any = session.execute(
        sa.update(Order)
        .where(Order.id == order.id, Order.state == before)
        .values(state=to)
        .execution_options(synchronize_session=False)
    )
    if changed.rowcount != 1:
        raise NotAllowed(f"the order is no longer {before.value}")
    orm.attributes.set_committed_value(order, "state", to)
    record(
        session,
        store.clock,
        actor,
        f"orders:order:{to.value}",
        "order",
        order.id,
        before=before.value,
        **data,
    )


def placed_order(session: TenantSession, order: Order) -> PlacedOrder:
    """An order as plugins see it."""
    return as_placed(order, lines_of(session, order.id))


def as_placed(order: Order, lines: Sequence[OrderLine]) -> PlacedOrder:
    """The same, of lines that have been read already."""
    items = tuple(
        PlacedItem(
            line.id,
            line.snapshot["slug"],
            line.snapshot["name"],
            line.snapshot["licence"]["kind"],
            line.total == 0,
        )
        for line in lines
    )
    return PlacedOrder(order.id, order.number, order.account_id, order.placed_at, items)
