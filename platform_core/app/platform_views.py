"""Pages of the base domain: the institution finder, and whether this process is ready."""

from typing import Any

from pyramid.response import Response
from pyramid.view import view_config

from platform_core.app.health import problems
from platform_core.tenancy.finder import Finder


def _address(request: Any, host: str) -> str:
    port = request.host.rpartition(":")[2] if ":" in request.host else ""
    return f"{request.scheme}://{host}{':' + port if port.isdigit() else ''}/"


def finder_url(request: Any) -> str:
    """The finder's address, for pages of hosts that are no store's."""
    return _address(request, request.registry.stores.base_domain)


@view_config(route_name="finder", request_method="GET", renderer="platform_core.web:templates/finder.jinja2")
def finder(request: Any) -> dict[str, Any]:
    """`/`: which institution is yours? A plain form; its script asks for the same page as people type."""
    query = request.GET.get("q", "").strip()[:200]
    found, count = request.registry.finder.search(query)
    base = request.registry.stores.base_domain
    stores = [
        {
            "slug": item.slug,
            "name": item.name(request.locale_name),
            "url": _address(request, f"{item.slug}.{base}"),
        }
        for item in found
    ]
    return {"query": query, "stores": stores, "count": count}


@view_config(route_name="readyz", request_method="GET")
def readyz(request: Any) -> Response:
    """Database, migrations and role: 200 when all is well, else 503 with one line each."""
    found = problems(request.registry.database, request.registry.plugins)
    text = "".join(f"{line}\n" for line in found) or "ready\n"
    return Response(text, status=503 if found else 200, content_type="text/plain", charset="utf-8")


def includeme(config: Any) -> None:
    """Register the base domain's pages."""
    config.registry.finder = Finder(config.registry.database)
    config.add_request_method(finder_url, property=True)
    config.add_route("finder", "/", site="base")
    config.add_route("readyz", "/readyz", site="base")
    config.scan("platform_core.app.platform_views")
