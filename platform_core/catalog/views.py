"""Pages of the shelf: front, list, product, covers, and the store's own texts."""

from typing import Any

from pyramid.httpexceptions import HTTPMovedPermanently, HTTPNotFound
from pyramid.response import Response
from pyramid.view import view_config

from platform_core.catalog.covers import cover_of
from platform_core.catalog.detail import product_page
from platform_core.catalog.front import front_page
from platform_core.catalog.listing import PARAMETERS, listing
from platform_core.catalog.shelf import Product, shelf
from platform_core.eligibility.names import names
from platform_core.web.i18n import _

TEMPLATES = "platform_core.catalog:templates/"
DAY = 24 * 3600
YEAR = 365 * DAY

PAGES = {
    "who_may_buy": _("Who may buy"),
    "downloads": _("How downloads work"),
    "licence_terms": _("Licence terms"),
    "accessibility": _("Accessibility"),
    "terms": _("Terms of use"),
    "privacy": _("Privacy policy"),
    "contact": _("Contact"),
}
"""The store's texts that have a page of their own, with its title."""


@view_config(route_name="front", request_method="GET", renderer=TEMPLATES + "front.jinja2", cached=())
def front(request: Any) -> dict[str, Any]:
    """`/`."""
    return {"front": front_page(request)}


@view_config(
    route_name="products", request_method="GET", renderer=TEMPLATES + "list.jinja2", cached=PARAMETERS
)
def products(request: Any) -> dict[str, Any]:
    """`/products`: search, filters, order and page all stand in the address."""
    person = request.person
    people = (
        names(request.store, request.locale_name).people(person.groups) if person and person.groups else ""
    )
    return {"listing": listing(request), "people": people}


def _product(request: Any) -> Product:
    """The product of the address; an old slug leads on, an unknown one is not found."""
    slug = request.matchdict["slug"]
    own = shelf(request.store)
    found = own.by_slug.get(slug)
    if found is not None:
        return found
    if slug in own.former:
        values = dict(request.matchdict, slug=own.former[slug])
        raise HTTPMovedPermanently(
            request.route_path(request.matched_route.name, _query=request.GET, **values)
        )
    raise HTTPNotFound()


@view_config(route_name="product", request_method="GET", renderer=TEMPLATES + "product.jinja2")
def product(request: Any) -> dict[str, Any]:
    """`/products/{slug}`; `?variant=` chooses (EXT-15)."""
    return {"page": product_page(request, _product(request))}


@view_config(route_name="product_cover", request_method="GET")
def product_cover(request: Any) -> Response:
    """`/products/{slug}/cover.svg`: the picture. An address with its hash may be kept for a year."""
    cover = cover_of(request.store, _product(request))
    response = Response(cover.svg, content_type="image/svg+xml", charset="utf-8")
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.etag = cover.digest
    response.conditional_response = True
    current = request.GET.get("v") == cover.digest
    response.headers["Cache-Control"] = (
        f"public, max-age={YEAR}, immutable" if current else f"public, max-age={DAY}"
    )
    return response


@view_config(route_name="page", request_method="GET", renderer=TEMPLATES + "page.jinja2")
def page(request: Any) -> dict[str, Any]:
    """`/pages/{name}`: one of the store's own texts, if it has that one."""
    name = request.matchdict["name"].replace("-", "_")
    text = getattr(request.store.config.texts, name, None) if name in PAGES else None
    if text is None or "_" in request.matchdict["name"]:
        raise HTTPNotFound()
    return {"title": PAGES[name], "text": text.get(request.locale_name, request.store.languages)}
