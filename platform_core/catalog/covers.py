"""Covers of a store's products, drawn when first asked for and kept for the revision."""

import hashlib
from dataclasses import dataclass
from typing import Any

from platform_core.catalog.art import cover
from platform_core.catalog.shelf import Product
from platform_core.tenancy.store import Store


@dataclass(frozen=True, slots=True)
class Cover:
    """An SVG picture and a digest of its bytes."""

    svg: str
    digest: str


def cover_of(store: Store, product: Product) -> Cover:
    """The cover of a product."""
    kept: dict[str, Cover] = store.once("covers", lambda _store: {})
    found = kept.get(product.slug)
    if found is None:
        svg = cover(product.slug, product.pattern, product.monogram)
        found = kept[product.slug] = Cover(svg, hashlib.sha256(svg.encode()).hexdigest()[:16])
    return found


def cover_url(request: Any, product: Product) -> str:
    """`request.cover_url(product)`: its address, with the digest, so that it may be kept for ever."""
    digest = cover_of(request.store, product).digest
    return str(request.route_path("product_cover", slug=product.slug, _query={"v": digest}))
