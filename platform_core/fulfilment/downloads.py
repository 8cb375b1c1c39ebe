"""Downloads: which files belong to an item, how often each was had, whether one may be had now, and where.

A download is one file of one entitlement. It is named by a token on pages (stable, tells nothing), and towards
the download server by an id made of the entitlement's and 32 bits of the file's, so that neither needs a row.
"""

import base64
import hashlib
import hmac
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

import sqlalchemy as sa

from platform_core.catalog.models import ProductFile
from platform_core.clock import Clock
from platform_core.db import TenantSession
from platform_core.fulfilment.delivery.meter import Meter
from platform_core.fulfilment.delivery.signing import Signer
from platform_core.fulfilment.delivery.uses import Use
from platform_core.fulfilment.models import FILE_TAG_BITS, Download, Entitlement, EntitlementState
from platform_core.keyring import KeyRing
from platform_core.orders.models import HoldKind, Order, OrderHold, OrderLine, OrderState
from platform_core.plugin_api.types import Criterion, Decision, Mend, Outcome, Words
from platform_core.tenancy.store import Store
from platform_core.web.i18n import _

TOKEN_PURPOSE = "download-token"
ADDRESS_PURPOSE = "download-address"
_TOKEN_BYTES = 16
_TAG_MASK = (1 << FILE_TAG_BITS) - 1


# --- names -----------------------------------------------------------------------------------------------------


def download_id(entitlement_id: UUID, file_id: UUID) -> UUID:
    """The download server's name for a file of an entitlement."""
    return UUID(int=entitlement_id.int | _tag(file_id))


def entitlement_of(named: UUID) -> UUID:
    """The entitlement of a download's id."""
    return UUID(int=named.int & ~_TAG_MASK)


def is_file_of(named: UUID, file_id: UUID) -> bool:
    """Is this the file that a download's id means?"""
    return named.int & _TAG_MASK == _tag(file_id)


def _tag(file_id: UUID) -> int:
    return int.from_bytes(hashlib.sha256(file_id.bytes).digest()[: FILE_TAG_BITS // 8])


def token(keys: KeyRing, entitlement_id: UUID, file_id: UUID, key_id: str | None = None) -> str:
    """The download's name in `/orders/{number}/files/{token}`; the same as long as the ring keeps its key."""
    mac = keys.fingerprint(TOKEN_PURPOSE, entitlement_id.bytes + file_id.bytes, key_id)[:_TOKEN_BYTES]
    return base64.urlsafe_b64encode(mac).rstrip(b"=").decode()


def is_token(keys: KeyRing, given: str, entitlement_id: UUID, file_id: UUID) -> bool:
    """Does a token name this download? Tokens made before a rotation go on working."""
    return any(
        hmac.compare_digest(given.encode(), token(keys, entitlement_id, file_id, key_id).encode())
        for key_id in keys.ids
    )


def signer(keys: KeyRing, clock: Clock) -> Signer:
    """Signs and checks addresses of the download server, with every key of the ring."""
    return Signer({key_id: keys.derive(ADDRESS_PURPOSE, key_id) for key_id in keys.ids}, clock)


# --- files and uses --------------------------------------------------------------------------------------------


def files_of(
    session: TenantSession, entitlements: Iterable[Entitlement]
) -> Mapping[UUID, Sequence[ProductFile]]:
    """The files of each entitlement's product and variant, in the store's order; one statement.

    Buyers get what is on the shelf now. When nothing of an item is there any more, they get what was there last.
    """
    wanted = list(entitlements)
    by_product: defaultdict[UUID, list[ProductFile]] = defaultdict(list)
    if wanted:
        query = sa.select(ProductFile).where(ProductFile.product_id.in_({each.product_id for each in wanted}))
        for file in session.scalars(query.order_by(ProductFile.position, ProductFile.id)):
            by_product[file.product_id].append(file)
    return {each.id: _fitting(by_product[each.product_id], each.variant) for each in wanted}


def _fitting(files: Sequence[ProductFile], variant: str | None) -> Sequence[ProductFile]:
    fitting = [file for file in files if variant is None or file.variant in (None, variant)]
    if now := [file for file in fitting if file.retired_at is None]:
        return now
    last = max((file.retired_at for file in fitting if file.retired_at), default=None)
    return [file for file in fitting if file.retired_at == last]


Uses = Mapping[UUID, Sequence[Download]]
"""Rows of downloads by file."""


def uses_of(session: TenantSession, entitlement_ids: Iterable[UUID]) -> Mapping[UUID, Uses]:
    """The uses of each entitlement, by file, first one first; one statement."""
    found: defaultdict[UUID, defaultdict[UUID, list[Download]]] = defaultdict(lambda: defaultdict(list))
    ids = list(entitlement_ids)
    if ids:
        query = sa.select(Download).where(Download.entitlement_id.in_(ids))
        for row in session.scalars(query.order_by(Download.number, Download.id)):
            found[row.entitlement_id][row.file_id].append(row)
    return found


def meters(files: Sequence[ProductFile], uses: Uses, wall: datetime) -> Mapping[str, Meter]:
    """What was used, by meter: files with the same one share the count. Files of older versions count too."""
    names = {file.id: file.meter for file in files}
    shared = next(iter(names.values()), "main") if len(set(names.values())) <= 1 else "main"
    sums: defaultdict[str, Meter] = defaultdict(Meter)
    for file_id, rows in uses.items():
        for row in rows:
            sums[names.get(file_id, shared)] += Use.from_json(row.state, row.size).meter(wall)
    return sums


# --- the decision ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """What the decision needs to know of the order."""

    number: str
    state: OrderState
    held_by: HoldKind | None


def order_facts(session: TenantSession, order_id: UUID) -> OrderFacts:
    """State of an order and why it is held, in one statement."""
    row = session.execute(_facts().where(Order.id == order_id)).one()
    return OrderFacts(row.number, row.state, row.held_by)


def _facts() -> sa.Select[tuple[str, OrderState, HoldKind | None]]:
    held_by = (
        sa.select(OrderHold.kind)
        .where(OrderHold.order_id == Order.id, OrderHold.outcome.is_(None))
        .order_by(OrderHold.since, OrderHold.id)
        .limit(1)
        .correlate(Order)
        .scalar_subquery()
    )
    return sa.select(Order.number, Order.state, held_by.label("held_by"))


def permission(
    order: OrderFacts, entitlement: Entitlement, file: ProductFile | None, used: int, now: datetime
) -> Decision:
    """May this file be had now? Asked for the receipt, for an address, and at each request of the server.

    `used` is what the file's meter has counted, `now` business time. Criteria: order, revoked, access, file,
    count.
    """
    return Decision((*access_criteria(order, entitlement, now), _file(file), _count(used, entitlement)))


def access_criteria(order: OrderFacts, entitlement: Entitlement, now: datetime) -> tuple[Criterion, ...]:
    """What keys and downloads of an item have in common: order, revoked, access (KEY-04, DLD-07)."""
    return (order_criterion(order), _revoked(entitlement), _access(entitlement, now))


def _criterion(
    code: str,
    passed: bool,
    title: Words,
    detail: Words,
    wanted: object = None,
    found: object = None,
    source: str = "",
    mend: Mend | None = None,
) -> Criterion:
    outcome = Outcome.PASSED if passed else Outcome.FAILED
    return Criterion(
        code, outcome, title, "" if passed else detail, wanted, found, source, None if passed else mend
    )


def order_criterion(order: OrderFacts) -> Criterion:
    """Is the order neither held nor cancelled (ORD-09)?"""
    cancelled = order.state is OrderState.CANCELLED
    detail = (
        _("This order was cancelled, so nothing of it can be downloaded.")
        if cancelled
        else _("This order is on hold. Its keys and downloads appear here when it is released.")
    )
    released = not cancelled and order.held_by is None
    found = order.held_by.value if order.held_by and not cancelled else order.state.value
    mend = Mend(_("Back to your order"), "order", {"number": order.number})
    return _criterion("order", released, _("The order is released"), detail, "released", found, mend=mend)


def _revoked(entitlement: Entitlement) -> Criterion:
    return _criterion(
        "revoked",
        entitlement.state is not EntitlementState.REVOKED,
        _("The item is yours"),
        _("This item was withdrawn. The store can tell you why."),
        found=entitlement.state.value,
    )


def _access(entitlement: Entitlement, now: datetime) -> Criterion:
    until = entitlement.access_until
    return _criterion(
        "access",
        until is None or now < until,
        _("Access lasts"),
        _("The time in which keys and downloads of this item are kept here is over."),
        wanted=until,
        found=now,
        source=entitlement.access_source,
    )


def _file(file: ProductFile | None) -> Criterion:
    return _criterion(
        "file",
        file is not None,
        _("The file is there"),
        _("This file is not part of the item any more. The order shows what is."),
    )


def _count(used: int, entitlement: Entitlement) -> Criterion:
    allowed = entitlement.downloads_allowed
    return _criterion(
        "count",
        used < allowed,
        _("Downloads are left"),
        _(
            "All downloads of this item are used: ${used} of ${allowed}. The store can grant more.",
            mapping={"used": used, "allowed": allowed},
        ),
        wanted=allowed,
        found=used,
        source="downloads.per_item",
    )


# --- the address -----------------------------------------------------------------------------------------------


class HasDownloadOrigin(Protocol):
    """Settings that know where the download server is."""

    @property
    def download_origin(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Way:
    """Where a file can be had for 24 hours, or why it cannot: `url` is there when the decision allows it."""

    decision: Decision
    url: str | None


def address(
    session: TenantSession, store: Store, keys: KeyRing, settings: HasDownloadOrigin, order: Order, given: str
) -> Way | None:
    """The signed address for a token of this order's page; None for a token that names nothing of it.

    Reads only. The caller has made sure that the order is this person's.
    """
    entitlements = session.scalars(
        sa.select(Entitlement)
        .join(
            OrderLine,
            sa.and_(OrderLine.tenant_id == Entitlement.tenant_id, OrderLine.id == Entitlement.line_id),
        )
        .where(OrderLine.order_id == order.id)
        .order_by(OrderLine.position, Entitlement.unit)
    ).all()
    files = files_of(session, entitlements)
    for entitlement in entitlements:
        for file in files[entitlement.id]:
            if is_token(keys, given, entitlement.id, file.id):
                uses = uses_of(session, [entitlement.id])[entitlement.id]
                used = meters(files[entitlement.id], uses, store.clock.wall())[file.meter].used
                facts = order_facts(session, order.id)
                decision = permission(facts, entitlement, file, used, store.clock.now())
                path = signer(keys, store.clock).path(store.id, download_id(entitlement.id, file.id))
                return Way(decision, settings.download_origin + path if decision.allowed else None)
    return None
