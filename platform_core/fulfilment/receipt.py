"""What a receipt shows of each item: keys, downloads with what is left of them, licence and access.

The number of statements does not depend on the number of items.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from platform_core.db import TenantSession
from platform_core.fulfilment.delivery.meter import Meter
from platform_core.fulfilment.downloads import (
    OrderFacts,
    access_criteria,
    files_of,
    meters,
    order_criterion,
    order_facts,
    permission,
    token,
    uses_of,
)
from platform_core.fulfilment.keys import Place, open_key
from platform_core.fulfilment.models import (
    Credential,
    CredentialState,
    Entitlement,
    EntitlementState,
    KeyPool,
)
from platform_core.keyring import KeyRing
from platform_core.orders.models import LineState, Order, OrderLine
from platform_core.plugin_api.types import Decision
from platform_core.tenancy.store import Store


@dataclass(frozen=True, slots=True)
class ShownCredential:
    """One key in plain text. `label` is in the order's language; `kind` as in KEY-01."""

    code: str
    kind: str
    label: str
    value: str


@dataclass(frozen=True, slots=True)
class ReceiptDownload:
    """One file: its token for `/orders/{number}/files/{token}`, what its meter says, and whether it may be had.

    `meter` is shared by the files with the same `meter_name`; `allowed` is how often they may be had.
    """

    token: str
    code: str
    title: Mapping[str, Any]
    name: str
    size: int
    meter_name: str
    meter: Meter
    allowed: int
    decision: Decision

    @property
    def left(self) -> int:
        """How many downloads are left."""
        return max(0, self.allowed - self.meter.used)


@dataclass(frozen=True, slots=True)
class ReceiptItem:
    """One unit of one line. `state` is None while nothing has been given out yet (a held order).

    `credentials` is empty while the item waits, and once access is over; `reading` says why. `place_in_line`
    counts from 1 and is there while the item waits.
    """

    line_id: UUID
    position: int
    unit: int
    quantity: int
    variant: str | None
    snapshot: Mapping[str, Any]
    line_state: LineState
    state: EntitlementState | None
    reading: Decision
    credentials: tuple[ShownCredential, ...] = ()
    downloads: tuple[ReceiptDownload, ...] = ()
    licence_kind: str = "perpetual"
    licence_from: datetime | None = None
    licence_until: datetime | None = None
    licence_over: bool = False
    access_until: datetime | None = None
    access_source: str = ""
    access_over: bool = False
    place_in_line: int | None = None

    @property
    def waits(self) -> bool:
        """Is a key still to come?"""
        return self.state is EntitlementState.WAITING


def items(session: TenantSession, store: Store, keys: KeyRing, order: Order) -> list[ReceiptItem]:
    """All items of an order as they stand now, in the order's own sequence."""
    now, wall = store.clock.now(), store.clock.wall()
    facts = order_facts(session, order.id)
    rows: Sequence[tuple[OrderLine, Entitlement | None]] = session.execute(
        sa.select(OrderLine, Entitlement)
        .outerjoin(
            Entitlement,
            sa.and_(Entitlement.tenant_id == OrderLine.tenant_id, Entitlement.line_id == OrderLine.id),
        )
        .where(OrderLine.order_id == order.id)
        .order_by(OrderLine.position, Entitlement.unit)
    ).all()
    found = [entitlement for _line, entitlement in rows if entitlement is not None]
    reading = {each.id: Decision(access_criteria(facts, each, now)) for each in found}
    shown = [each for each in found if each.state is EntitlementState.ACTIVE and reading[each.id].allowed]
    values = _credentials(session, keys, shown)
    files = files_of(session, found)
    uses = uses_of(session, [each.id for each in found])
    places = _places(session, [each for each in found if each.state is EntitlementState.WAITING])

    result = []
    for line, entitlement in rows:
        if entitlement is None:
            result.append(_nothing_yet(line, facts))
            continue
        counted = meters(files[entitlement.id], uses[entitlement.id], wall)
        downloads = tuple(
            ReceiptDownload(
                token=token(keys, entitlement.id, file.id),
                code=file.slug,
                title=file.title,
                name=file.name,
                size=file.size,
                meter_name=file.meter,
                meter=counted[file.meter],
                allowed=entitlement.downloads_allowed,
                decision=permission(facts, entitlement, file, counted[file.meter].used, now),
            )
            for file in files[entitlement.id]
        )
        result.append(
            ReceiptItem(
                line_id=line.id,
                position=line.position,
                unit=entitlement.unit,
                quantity=line.quantity,
                variant=line.variant,
                snapshot=line.snapshot,
                line_state=line.state,
                state=entitlement.state,
                reading=reading[entitlement.id],
                credentials=_in_order(entitlement, values.get(entitlement.id, {})),
                downloads=downloads,
                licence_kind=entitlement.snapshot["licence"]["kind"],
                licence_from=entitlement.licence_from,
                licence_until=entitlement.licence_until,
                licence_over=entitlement.licence_until is not None and now >= entitlement.licence_until,
                access_until=entitlement.access_until,
                access_source=entitlement.access_source,
                access_over=entitlement.access_until is not None and now >= entitlement.access_until,
                place_in_line=places.get(entitlement.id),
            )
        )
    return result


def _nothing_yet(line: OrderLine, facts: OrderFacts) -> ReceiptItem:
    return ReceiptItem(
        line_id=line.id,
        position=line.position,
        unit=1,
        quantity=line.quantity,
        variant=line.variant,
        snapshot=line.snapshot,
        line_state=line.state,
        state=None,
        reading=Decision((order_criterion(facts),)),
        licence_kind=line.snapshot["licence"]["kind"],
    )


def _credentials(
    session: TenantSession, keys: KeyRing, entitlements: Sequence[Entitlement]
) -> Mapping[UUID, Mapping[str, str]]:
    found: defaultdict[UUID, dict[str, str]] = defaultdict(dict)
    if not entitlements:
        return found
    rows = session.execute(
        sa.select(Credential, KeyPool.code)
        .join(KeyPool, sa.and_(KeyPool.tenant_id == Credential.tenant_id, KeyPool.id == Credential.pool_id))
        .where(
            Credential.entitlement_id.in_([each.id for each in entitlements]),
            Credential.state == CredentialState.ISSUED,
        )
    )
    for row, code in rows:
        assert row.entitlement_id is not None
        place = Place(row.tenant_id, row.pool_id, row.id)
        found[row.entitlement_id][code] = open_key(keys, place, row.key_id, row.secret)
    return found


def _in_order(entitlement: Entitlement, values: Mapping[str, str]) -> tuple[ShownCredential, ...]:
    return tuple(
        ShownCredential(each["code"], each["kind"], each["label"], values[each["code"]])
        for each in entitlement.snapshot["credentials"]
        if each["code"] in values
    )


def _places(session: TenantSession, waiting: Sequence[Entitlement]) -> Mapping[UUID, int]:
    """Place in the line of those who wait for the same product."""
    if not waiting:
        return {}
    mine, other = orm.aliased(Entitlement), orm.aliased(Entitlement)
    rows = session.execute(
        sa.select(mine.id, sa.func.count())
        .join(
            other,
            sa.and_(
                other.tenant_id == mine.tenant_id,
                other.product_id == mine.product_id,
                other.state == EntitlementState.WAITING,
                other.id <= mine.id,
            ),
        )
        .where(mine.id.in_([each.id for each in waiting]))
        .group_by(mine.id)
    )
    return {row[0]: row[1] for row in rows}
