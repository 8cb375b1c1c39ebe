"""All that a plugin may import."""

from platform_core.clock import Clock, add_months, day_start, end_of_day_after, local_day
from platform_core.db import Base, JSONValue, TenantOwned, TenantSession, UTCDateTime, enum_type, tenant_fk
from platform_core.db.wall import wall
from platform_core.money import Money
from platform_core.plugin_api.markers import hookimpl
from platform_core.plugin_api.types import (
    AccessTerms,
    Criterion,
    Decision,
    Fragment,
    Mend,
    Outcome,
    PlacedItem,
    PlacedOrder,
    PluginInfo,
    Settings,
    Shop,
    ShopTenant,
    SlotContext,
)
from platform_core.web.i18n import _

API_VERSION = 1

__all__ = [
    "API_VERSION",
    "AccessTerms",
    "Base",
    "Clock",
    "Criterion",
    "Decision",
    "Fragment",
    "JSONValue",
    "Mend",
    "Money",
    "Outcome",
    "PlacedItem",
    "PlacedOrder",
    "PluginInfo",
    "Settings",
    "Shop",
    "ShopTenant",
    "SlotContext",
    "TenantOwned",
    "TenantSession",
    "UTCDateTime",
    "_",
    "add_months",
    "day_start",
    "end_of_day_after",
    "enum_type",
    "hookimpl",
    "local_day",
    "tenant_fk",
    "wall",
]
