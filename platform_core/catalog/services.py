"""How often a person has had an offer: read as small numbers, raised by one guarded UPDATE."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from platform_core.catalog.models import LimitPeriod, OfferUse
from platform_core.catalog.shelf import OfferSpec, shelf
from platform_core.db import TenantSession, uuid7
from platform_core.eligibility.periods import academic_year
from platform_core.tenancy.store import Store

NUMBERS = "offer_use"
"""The name of these numbers in `request.personal`; a key is `<offer id>:<period>`."""


def use_numbers(account_id: UUID) -> sa.Select[str, int]:
    """(key, used) of every offer that the account has had, for `config.add_personal_numbers`."""
    offer = sa.cast(OfferUse.offer_id, sa.String(36))
    key = (offer + ":" + OfferUse.period).label("key")
    return sa.select(key, OfferUse.used.label("value")).where(OfferUse.account_id == account_id)


def period_key(store: Store, offer: OfferSpec, now: datetime) -> str:
    """What a use is counted under: `ever`, the academic year such as `2026/27`, or `order` (not kept)."""
    if offer.period is not LimitPeriod.YEAR:
        return offer.period.value
    first, after = academic_year(store, now)
    return f"{first.year}/{after.year % 100:02}"


def uses_of(numbers: Mapping[str, int], store: Store, now: datetime | None = None) -> dict[UUID, int]:
    """By offer, how many the person has had in the period that counts at `now` (business time)."""
    if not numbers:
        return {}
    moment = now or store.clock.now()
    offers = shelf(store).offers
    uses = {}
    for key, used in numbers.items():
        text, _sep, period = key.partition(":")
        offer = offers.get(UUID(text))
        if offer is not None and period == period_key(store, offer, moment):
            uses[offer.id] = used
    return uses


def take_use(
    session: TenantSession,
    store: Store,
    account_id: UUID,
    offer: OfferSpec,
    quantity: int,
    now: datetime | None = None,
) -> bool:
    """Count `quantity` more of an offer for a person, inside the order's transaction; False: over the limit.

    Nothing is written where the limit would be passed. Two orders of one person at once cannot both pass: the
    row is made if it is missing, then raised by one UPDATE that carries the limit.
    """
    if quantity < 1:
        raise ValueError("a use is one or more")
    if offer.limit <= 0:
        return True
    if offer.period is LimitPeriod.ORDER or quantity > offer.limit:
        return quantity <= offer.limit
    period = period_key(store, offer, now or store.clock.now())
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    row = {"tenant_id": session.tenant, "id": uuid7(), "account_id": account_id, "offer_id": offer.id}
    session.execute(
        insert(OfferUse)
        .values(**row, period=period, used=0)
        .on_conflict_do_nothing(index_elements=["tenant_id", "account_id", "offer_id", "period"])
    )
    raised = session.execute(
        sa.update(OfferUse)
        .where(
            OfferUse.account_id == account_id,
            OfferUse.offer_id == offer.id,
            OfferUse.period == period,
            OfferUse.used + quantity <= offer.limit,
        )
        .values(used=OfferUse.used + quantity)
        .execution_options(synchronize_session=False)
    )
    return bool(raised.rowcount == 1)  # type: ignore[attr-defined]
