"""Until when an item's keys and downloads can be reached: the most generous of the store's policy and its plugins."""

from datetime import datetime

from platform_core.clock import end_of_day_after
from platform_core.db import TenantSession
from platform_core.plugin_api.types import AccessTerms, PlacedItem, PlacedOrder
from platform_core.tenancy.store import Store

POLICY = "store"


def store_policy(store: Store, placed_at: datetime) -> AccessTerms | None:
    """What `[access]` in the store's file promises (AGR-16); None where it says nothing."""
    policy = store.config.access
    if policy.months is None and policy.days is None:
        return None
    until = end_of_day_after(placed_at, store.zone, months=policy.months or 0, days=policy.days or 0)
    return AccessTerms(until, POLICY)


def access_terms(
    session: TenantSession | None, store: Store, order: PlacedOrder, item: PlacedItem
) -> AccessTerms:
    """Until when this item of the order can be reached; without policy and plugin there is no end.

    A plugin that fails is left out. No end beats every end; the first named wins a tie.
    """
    answers = store.ask("webstore_access_terms", session, order=order, item=item)
    policy = store_policy(store, order.placed_at)
    best = policy
    for offer in (answer.value for answer in answers):
        if best is None or (best.until is not None and (offer.until is None or offer.until > best.until)):
            best = offer
    return best or AccessTerms(None, POLICY)
