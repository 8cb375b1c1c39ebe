"""Terms of the guarantee, and its state for a person to read."""

from datetime import datetime, timedelta

import sqlalchemy as sa

from platform_core.plugin_api import (
    Fragment,
    Mend,
    PlacedOrder,
    Shop,
    _,
    end_of_day_after,
    local_day,
)
from plugins.access_guarantee.models import Grant


def basic_until(shop: Shop, purchased_at: datetime) -> datetime:
    """The first instant after the last day that counts."""
    return end_of_day_after(purchased_at, shop.tenant.time_zone, days=shop.settings.days)


def grant(shop: Shop, order: PlacedOrder) -> None:
    """Write down what this order was promised."""
    assert shop.db is not None
    until = basic_until(shop, order.placed_at)
    shop.db.add(Grant(order_id=order.order_id, kind="basic", days=shop.settings.days, until=until))
    shop.db.flush()


def state_line(shop: Shop, order: PlacedOrder) -> Fragment | None:
    """What the order was promised, and whether it still holds; None for an order from before the plugin."""
    assert shop.db is not None
    row = shop.db.scalars(sa.select(Grant).where(Grant.order_id == order.order_id)).one_or_none()
    if row is None:
        return None
    last_day = local_day(row.until - timedelta(microseconds=1), shop.tenant.time_zone)
    more = Mend(_("How the access guarantee works"), "access_guarantee")
    values = {"days": row.days, "date": last_day}
    if shop.clock.now() < row.until:
        return Fragment(
            title=_("Access guarantee: basic, until ${date}", mapping=values),
            text=_(
                "Keys and downloads of this order stay here for ${days} days from the day of purchase. "
                "It makes no licence longer and allows no more installations.",
                mapping=values,
            ),
            link=more,
        )
    return Fragment(
        title=_("Access guarantee: ended on ${date}", mapping=values),
        text=_("You can still use what you have installed, but keys and downloads are no longer shown here."),
        tone="warn",
        link=more,
    )
