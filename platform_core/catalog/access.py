"""How long keys and downloads of an order placed now would stay reachable, for the product page."""

from datetime import datetime
from uuid import UUID

from platform_core.catalog.shelf import Product
from platform_core.plugin_api.types import PlacedItem, PlacedOrder
from platform_core.tenancy.access import access_terms
from platform_core.tenancy.store import Store

_NOBODY = UUID(int=0)


def access_if_ordered(store: Store, product: Product, *, free: bool, now: datetime) -> datetime | None:
    """The end (half-open) of access to `product` if it were ordered at `now`; None: without end.

    Plugins are asked about an order without number and account, outside any transaction.
    """
    item = PlacedItem(_NOBODY, product.slug, product.slug, product.licence.kind.value, free)
    order = PlacedOrder(_NOBODY, "", _NOBODY, now, (item,))
    return access_terms(None, store, order, item).until
