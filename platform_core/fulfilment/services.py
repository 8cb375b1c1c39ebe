"""Fulfilling an order: an entitlement for each item, with its keys, its licence and its access."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

import sqlalchemy as sa

from platform_core.db import TenantSession
from platform_core.db.points import reached
from platform_core.events.services import record
from platform_core.fulfilment.access import without_waiting
from platform_core.fulfilment.claiming import Missed, Taken, take, take_or_hold
from platform_core.fulfilment.licence import licence_until
from platform_core.fulfilment.models import (
    Credential,
    Entitlement,
    EntitlementState,
    KeyPool,
    entitlement_id,
)
from platform_core.fulfilment.pools import ask_to_serve
from platform_core.keyring import KeyRing
from platform_core.orders.models import LineState, Order, OrderHold, OrderLine, OrderState
from platform_core.orders.services import lines_of, placed_order, transition
from platform_core.plugin_api.types import AccessTerms
from platform_core.tenancy.access import access_terms
from platform_core.tenancy.store import Store

AGAIN_SECONDS = 2.0
"""When the job looks again at keys that others were just taking."""


class NotReleased(RuntimeError):
    """The order is held, or has been cancelled: nothing of it may be given out (ORD-09)."""


class RingIncomplete(RuntimeError):
    """A credential is sealed with a key that is not on this process's ring: its receipt could not be shown."""


def fulfil(session: TenantSession, store: Store, keys: KeyRing, order_id: UUID) -> None:
    """Give the buyer what they ordered, in the caller's transaction. Doing it again changes nothing.

    A line whose pool is empty waits, first come first served; the order is complete when none does. Raises
    NotReleased for an order that is held or cancelled.
    """
    order = _released(session, order_id)
    lines = lines_of(session, order.id)
    placed = placed_order(session, order)
    items = {item.line_id: item for item in placed.items}
    pools = pools_of(session, [line.product_id for line in lines])
    there = {
        (line_id, unit)
        for line_id, unit in session.execute(
            sa.select(Entitlement.line_id, Entitlement.unit).where(
                Entitlement.line_id.in_([line.id for line in lines])
            )
        )
    }
    serve: dict[UUID, float] = {}
    # In order of product, so that two orders never hold each other's pools.
    for line in sorted(lines, key=lambda each: (each.product_id, each.position)):
        units = [unit for unit in range(1, line.quantity + 1) if (line.id, unit) not in there]
        if not units or line.state is LineState.CANCELLED:
            continue
        terms = access_terms(session, store, placed, items[line.id])
        for unit in units:
            found = _grant(session, store, keys, order, line, unit, terms, pools[line.product_id])
            for each in found:
                _note(serve, line.product_id, each)
            reached("fulfilment.granted")
    _settle(session, store, order, lines)
    for product_id, seconds in sorted(serve.items()):
        ask_to_serve(session, store.clock, [product_id], seconds=seconds, together=False)


def _released(session: TenantSession, order_id: UUID) -> Order:
    order = session.scalars(
        sa.select(Order)
        .where(Order.id == order_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    if order.state is OrderState.CANCELLED:
        raise NotReleased(f"order {order.number} has been cancelled")
    held = session.scalars(
        sa.select(OrderHold.kind).where(OrderHold.order_id == order.id, OrderHold.outcome.is_(None))
    ).first()
    if held is not None:
        raise NotReleased(f"order {order.number} is held for {held.value}")
    return order


def pools_of(session: TenantSession, product_ids: Iterable[UUID]) -> Mapping[UUID, Mapping[str, UUID]]:
    """The pools of products, by product and code."""
    found: defaultdict[UUID, dict[str, UUID]] = defaultdict(dict)
    for pool in session.scalars(sa.select(KeyPool).where(KeyPool.product_id.in_(list(product_ids)))):
        found[pool.product_id][pool.code] = pool.id
    return found


def _note(serve: dict[UUID, float], product_id: UUID, found: Taken | Missed) -> None:
    if isinstance(found, Taken):
        if found.tend:
            serve[product_id] = 0.0
    elif found is Missed.LOCKED:
        serve.setdefault(product_id, AGAIN_SECONDS)


def _grant(
    session: TenantSession,
    store: Store,
    keys: KeyRing,
    order: Order,
    line: OrderLine,
    unit: int,
    terms: AccessTerms,
    pools: Mapping[str, UUID],
) -> list[Taken | Missed]:
    now = store.clock.now()
    licence = line.snapshot["licence"]
    credentials = line.snapshot["credentials"]
    entitlement = Entitlement(
        id=entitlement_id(),
        line_id=line.id,
        unit=unit,
        account_id=order.account_id,
        product_id=line.product_id,
        variant=line.variant,
        state=EntitlementState.ACTIVE,
        downloads_allowed=store.config.downloads.per_item,
        licence_from=now,
        licence_until=licence_until(licence, now, store.zone),
        access_from=order.placed_at,
        access_until=terms.until,
        access_source=terms.source[:64],
        snapshot={"licence": licence, "credentials": credentials},
        granted_at=now,
    )
    session.add(entitlement)
    session.flush()
    found: list[Taken | Missed] = []
    for code in sorted(each["code"] for each in credentials):
        if code not in pools:
            found.append(Missed.EMPTY)
            continue
        one = take_or_hold(session, store.clock, pools[code], entitlement.id, line.product_id)
        _refuse_unreadable(keys, one)
        found.append(one)
    if any(isinstance(one, Missed) for one in found):
        entitlement.state = EntitlementState.WAITING
        session.flush()
    _say(
        session, store, entitlement, "granted" if entitlement.state is EntitlementState.ACTIVE else "waiting"
    )
    return found


def _refuse_unreadable(keys: KeyRing, found: Taken | Missed) -> None:
    if isinstance(found, Taken) and found.key_id not in keys.ids:
        raise RingIncomplete(
            f"credential {found.credential_id} needs key {found.key_id}, which is not on the ring"
        )


def _say(session: TenantSession, store: Store, entitlement: Entitlement, what: str) -> None:
    record(
        session,
        store.clock,
        "system",
        f"fulfilment:item:{what}",
        "entitlement",
        entitlement.id,
        line=str(entitlement.line_id),
        unit=entitlement.unit,
    )


def _settle(session: TenantSession, store: Store, order: Order, lines: Sequence[OrderLine]) -> None:
    """States of lines and order from those of their entitlements. The order's row is held by the caller."""
    session.flush()
    waiting = set(
        session.scalars(
            sa.select(Entitlement.line_id).where(
                Entitlement.line_id.in_([line.id for line in lines]),
                Entitlement.state == EntitlementState.WAITING,
            )
        )
    )
    for line in lines:
        if line.state is not LineState.CANCELLED:
            line.state = LineState.WAITING if line.id in waiting else LineState.FULFILLED
    session.flush()
    state = OrderState.PROCESSING if waiting else OrderState.COMPLETE
    if order.state is not state and order.state is not OrderState.COMPLETE:
        transition(session, store, order, state)
    reached("fulfilment.settled")


def serve(session: TenantSession, store: Store, keys: KeyRing, entitlement: Entitlement) -> Missed | None:
    """Give a waiting entitlement the keys that it lacks; None when it has them all.

    What it was given stays with it (KEY-05), also while the rest is still to come. The days of waiting are
    given back to its access, and its licence begins now. The pools are held by the caller.
    """
    order, lines = _order_of(session, entitlement)
    if order.state is OrderState.CANCELLED:
        entitlement.state = EntitlementState.REVOKED
        return None
    codes = {each["code"] for each in entitlement.snapshot["credentials"]}
    pools = pools_of(session, [entitlement.product_id])[entitlement.product_id]
    has = session.scalars(
        sa.select(KeyPool.code)
        .join(
            Credential, sa.and_(Credential.tenant_id == KeyPool.tenant_id, Credential.pool_id == KeyPool.id)
        )
        .where(Credential.entitlement_id == entitlement.id)
    ).all()
    for code in sorted(codes - set(has)):
        if code not in pools:
            return Missed.EMPTY
        found = take(session, store.clock, pools[code], entitlement.id)
        if isinstance(found, Missed):
            return found
        _refuse_unreadable(keys, found)
    now = store.clock.now()
    entitlement.access_until = without_waiting(
        entitlement.access_until, entitlement.granted_at, now, store.zone
    )
    entitlement.licence_from = entitlement.granted_at = now
    entitlement.licence_until = licence_until(entitlement.snapshot["licence"], now, store.zone)
    entitlement.state = EntitlementState.ACTIVE
    _say(session, store, entitlement, "served")
    _settle(session, store, order, lines)
    reached("fulfilment.served")
    return None


def _order_of(session: TenantSession, entitlement: Entitlement) -> tuple[Order, list[OrderLine]]:
    """The entitlement's order, held until the transaction ends: two of its lines may be served at once."""
    order_id = session.scalars(sa.select(OrderLine.order_id).where(OrderLine.id == entitlement.line_id)).one()
    order = session.scalars(
        sa.select(Order)
        .where(Order.id == order_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    return order, lines_of(session, order.id)
