"""The plugin gate: a view is the core's or exactly one plugin's, and a plugin's view answers only where it is on.

The rule is inverted on purpose: whatever is not the core's must belong to a plugin, whoever registered it.
"""

from collections.abc import Callable
from typing import Any

from pyramid.exceptions import ConfigurationError
from pyramid.httpexceptions import HTTPNotFound
from pyramid.viewderivers import INGRESS


def plugin_gate(view: Callable[..., Any], info: Any) -> Callable[..., Any]:
    """View deriver over everything else: 404 on a store that has the view's plugin off.

    Views below `/hooks/` belong to no store, and views with `obligation=True` outlive the switch: those go on.
    """
    package = info.package.__name__
    if package == "platform_core" or package.startswith("platform_core."):
        return view
    owner = info.registry.plugins.owner_of(package)
    if owner is None:
        raise ConfigurationError(
            f"a view of {package} belongs neither to the core nor to a plugin; "
            "register it from webstore_includeme with the config that the hook is given"
        )
    info.registry.plugin_views.append((owner, info))
    if info.options.get("obligation"):
        return view

    def gated(context: Any, request: Any) -> Any:
        if request.matched_route.pattern.startswith(f"/hooks/{owner}/"):
            return view(context, request)
        if request.store is None or owner not in request.store.hooks.enabled:
            raise HTTPNotFound()
        return view(context, request)

    return gated


plugin_gate.options = ("obligation",)  # type: ignore[attr-defined]


def allowed_prefixes(plugin: str) -> tuple[str, ...]:
    """Below which paths a plugin may answer."""
    return tuple(f"/{area}{plugin}/" for area in ("+", "admin/+", "api/v1/+", "hooks/"))


def include_plugins(config: Any) -> None:
    """Include the plugins, one after the other, and refuse to start with a route or view at the wrong place.

    Raises ConfigurationError for a route outside the plugin's own paths, for a route of another's name (Pyramid
    would let it take over the other's views), and for a view that stands at no route of the plugin.
    """
    config.commit()
    for plugin in config.registry.plugins.modules:
        before = _routes(config)
        config.registry.plugins.include(plugin, config)
        config.commit()
        after = _routes(config)
        own = {name: route for name, route in after.items() if route is not before.get(name)}
        for name, route in own.items():
            if name in before:
                raise ConfigurationError(
                    f"plugin {plugin}: the route {name} is another's; choose another name"
                )
            pattern = "/" + route["pattern"].lstrip("/")
            if not pattern.startswith(allowed_prefixes(plugin)):
                raise ConfigurationError(
                    f"plugin {plugin}: {pattern} must stand below {', '.join(allowed_prefixes(plugin))}"
                )
        for owner, info in config.registry.plugin_views:
            if owner == plugin and info.options.get("route_name") not in own:
                raise ConfigurationError(
                    f"plugin {plugin}: every view needs a route_name of the plugin's own"
                )


def _routes(config: Any) -> dict[str, Any]:
    found = config.introspector.get_category("routes") or ()
    return {entry["introspectable"]["name"]: entry["introspectable"] for entry in found}


def includeme(config: Any) -> None:
    """Put the gate before every other check."""
    config.registry.plugin_views = []
    config.add_view_deriver(plugin_gate, "webstore_plugin_gate", under=INGRESS, over="webstore_csrf")
