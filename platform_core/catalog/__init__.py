"""The catalogue: publishers, products, offers, prices, search, and the pages of the shelf."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from platform_core.catalog.covers import cover_url
from platform_core.catalog.pricing import Quote, quote
from platform_core.catalog.services import NUMBERS, use_numbers, uses_of
from platform_core.catalog.shelf import Product


def _uses(request: Any) -> Mapping[UUID, int]:
    return uses_of(request.personal[NUMBERS], request.store)


def _quote(request: Any, product: Product, in_cart: int = 1) -> Quote:
    return quote(
        request.store,
        product,
        person=request.person.terms if request.person else None,
        currency=request.currency,
        uses=request.uses,
        in_cart=in_cart,
        locale=request.locale_name,
    )


def _page_address(request: Any, elements: Any, kw: dict[str, Any]) -> Any:
    kw["name"] = kw["name"].replace("_", "-")
    return elements, kw


def includeme(config: Any) -> None:
    """Register the pages, `request.quote(product)`, `request.uses` and `request.cover_url(product)`."""
    config.include("platform_core.catalog.pagecache")
    config.add_personal_numbers(NUMBERS, use_numbers)
    config.add_request_method(_uses, "uses", reify=True)
    config.add_request_method(_quote, "quote")
    config.add_request_method(cover_url, "cover_url")
    config.add_route("front", "/", site="store")
    config.add_route("products", "/products", site="store")
    config.add_route("product", "/products/{slug}", site="store")
    config.add_route("product_cover", "/products/{slug}/cover.svg", site="store")
    config.add_route("page", "/pages/{name}", site="store", pregenerator=_page_address)
    config.scan("platform_core.catalog.views")
