"""Access guarantee, the basic kind: keys and downloads stay reachable for some days after the purchase.

It comes free with every order of a store that has it on (AGR-01, AGR-03), says so on the receipt (AGR-06,
AGR-07), and lengthens neither licence nor number of installations.
"""

from pathlib import Path
from typing import Any

from platform_core.plugin_api import (
    AccessTerms,
    Fragment,
    PlacedItem,
    PlacedOrder,
    PluginInfo,
    Settings,
    Shop,
    SlotContext,
    _,
    hookimpl,
)
from plugins.access_guarantee import models, services
from plugins.access_guarantee.settings import AccessGuaranteeSettings

__all__ = ["models"]


@hookimpl
def webstore_plugin_info() -> PluginInfo:
    """Who the plugin is."""
    return PluginInfo(
        name="access_guarantee",
        title=_("Access guarantee"),
        description=_("Keys and downloads of an order stay reachable for a promised time."),
        category="delivery",
    )


@hookimpl
def webstore_settings_schema() -> type[Settings]:
    """`[plugins.access_guarantee]` in a store's file."""
    return AccessGuaranteeSettings


@hookimpl
def webstore_migrations() -> Path:
    """The plugin's own table."""
    return Path(__file__).parent / "migrations"


@hookimpl
def webstore_includeme(config: Any) -> None:
    """The page that explains the guarantee."""
    config.add_route("access_guarantee", "/+access_guarantee/", site="store")
    config.scan("plugins.access_guarantee.views")


@hookimpl
def webstore_access_terms(shop: Shop, order: PlacedOrder, item: PlacedItem) -> AccessTerms:
    """Until the end of the last day, in the store's time zone (FEATURES Q4)."""
    return AccessTerms(services.basic_until(shop, order.placed_at), "access_guarantee:basic")


@hookimpl
def webstore_order_placed(shop: Shop, order: PlacedOrder) -> None:
    """Keep what was promised, so that a later change of the setting changes no receipt."""
    services.grant(shop, order)


@hookimpl
def webstore_slot(shop: Shop, name: str, context: SlotContext) -> Fragment | None:
    """The state line on the receipt."""
    if name != "receipt" or context.order is None:
        return None
    return services.state_line(shop, context.order)
