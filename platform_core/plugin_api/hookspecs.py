"""The hooks. Each docstring says when it is called, what it may answer and how many answers are merged.

Arguments are passed by name. Implementations take those that they need, without defaults. `shop` is the store
that the call is for; hooks that run at start-up have none.
"""

from pathlib import Path
from typing import Any

from platform_core.plugin_api.markers import hookspec
from platform_core.plugin_api.types import (
    AccessTerms,
    Fragment,
    PlacedItem,
    PlacedOrder,
    PluginInfo,
    Settings,
    Shop,
    SlotContext,
)


@hookspec
def webstore_plugin_info() -> PluginInfo:  # type: ignore[empty-body]
    """Start-up. Who the plugin is. Every plugin answers; `name` equals the entry point's."""


@hookspec
def webstore_includeme(config: Any) -> None:
    """Start-up. Register views with Pyramid's `config`, which already carries the plugin's package.

    Paths stand under `/+<name>/`, `/admin/+<name>/`, `/api/v1/+<name>/` or `/hooks/<name>/`. A store that has
    the plugin off answers 404 there. The answer is ignored.
    """


@hookspec
def webstore_settings_schema() -> type[Settings]:  # type: ignore[empty-body]
    """Start-up. The typed settings of `[plugins.<name>]` in a store's file. One answer a plugin; none: no settings."""


@hookspec
def webstore_migrations() -> Path:  # type: ignore[empty-body]
    """Start-up and `db upgrade`. The folder that holds `versions/`. Tables are named `<plugin>_…`."""


@hookspec
def webstore_access_terms(shop: Shop, order: PlacedOrder, item: PlacedItem) -> AccessTerms | None:
    """While an order is fulfilled, for each item: until when keys and downloads stay reachable.

    Every enabled plugin is asked; the most generous answer wins, the store's own policy included. A failure
    leaves the plugin's answer out. A product page asks too, to say what an order placed now would bring: then
    `order` has no number, its ids are zero, and `shop.db` is None.
    """


@hookspec
def webstore_order_placed(shop: Shop, order: PlacedOrder) -> None:
    """Inside the transaction that places an order. Write the plugin's own tables through `shop.db`, no others.

    The answer is ignored; what a failing plugin wrote is undone, and the order stands.
    """


@hookspec
def webstore_slot(shop: Shop, name: str, context: SlotContext) -> list[Fragment] | Fragment | None:
    """While a page is made: fragments for the place `name`. All answers are shown, by `order`, then plugin.

    Places: `receipt` (below the items of an order; `context.order` is set). A failure leaves the fragment out.
    """
