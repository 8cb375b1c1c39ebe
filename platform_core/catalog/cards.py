"""A product as a card of the list and the front page."""

from dataclasses import dataclass
from typing import Any

from platform_core.catalog.pricing import Quote, open_prices, shown_price
from platform_core.catalog.shelf import OfferSpec
from platform_core.catalog.speech import Speech
from platform_core.eligibility.names import Names, names
from platform_core.eligibility.words import only_for
from platform_core.money import Money
from platform_core.plugin_api.types import Outcome, Words
from platform_core.tenancy.store import Store
from platform_core.web.i18n import _


@dataclass(frozen=True, slots=True)
class Card:
    """What the macro `card` shows. `why` is (icon, words) and stands for `foot`."""

    slug: str
    name: str
    url: str
    art: str
    by: str
    price: Money | Words
    foot: Words
    why: tuple[str, Words] | None


def card_of(request: Any, quote: Quote, speech: Speech) -> Card:
    """The card of a product with this reader's price, or with the words for whom it is."""
    product = quote.product
    by = " · ".join(part for part in (speech.text(product.publisher.name), speech.systems(product)) if part)
    price, why = _price(request, quote)
    foot: Words = speech.term(product.licence)
    if request.person is None and why is None and quote.offer is not None:
        foot = whom(request.store, quote, names(request.store, speech.locale)) or foot
    return Card(
        slug=product.slug,
        name=speech.text(product.name),
        url=request.route_path("product", slug=product.slug),
        art=request.cover_url(product),
        by=by,
        price=price,
        foot=foot,
        why=why,
    )


def _price(request: Any, quote: Quote) -> tuple[Money | Words, tuple[str, Words] | None]:
    store: Store = request.store
    n = names(store, request.locale_name)
    failed = {c.code: c for c in quote.decision.criteria if c.outcome is Outcome.FAILED}
    if "offer" in failed:
        return _("Not on offer"), None
    if "group" in failed:
        return _("Not for you"), ("lock", audience(failed["group"].wanted, n))
    if "organisation" in failed:
        return _("Not for you"), ("lock", _("Other faculties only"))
    if "country" in failed:
        return _("Not for you"), ("lock", _("Not in your country"))
    if "period" in failed:
        return _("Not on offer"), ("clock", failed["period"].title)
    if quote.price is None:
        currencies = ", ".join(sorted(quote.offer.prices)) if quote.offer else ""
        return failed["price"].title, ("info", _("Only in ${currencies}", mapping={"currencies": currencies}))
    price = shown_price(store, quote.price)
    if "limit" in failed:
        return price, ("check", _("You have had yours"))
    if quote.product.dry:
        return price, ("clock", _("Key comes later"))
    if request.person is None:
        entitled = _entitled(quote, store)
        if entitled is not None:
            return price, ("lock", audience(entitled, n))
    return price, None


def audience(groups: tuple[str, ...], n: Names) -> Words:
    """ "Faculty only"; for members of the store where every group may have it."""
    return only_for(groups, n) if set(groups) != set(n.all_groups) else _("Members only")


def _entitled(quote: Quote, store: Store) -> tuple[str, ...] | None:
    """The groups that may have the product at all, or None where every group may."""
    now = store.clock.now()
    offers: list[OfferSpec] = [offer for offer in quote.product.offers if offer.is_open(now)]
    if any(not offer.groups for offer in offers):
        return None
    groups = tuple(dict.fromkeys(code for offer in offers for code in offer.groups))
    return None if set(groups) >= {group.code for group in store.config.groups} else groups


def whom(store: Store, quote: Quote, n: Names) -> Words | None:
    """For a visitor: the groups that pay the lowest price, or None where everybody pays it."""
    if quote.offer is None or quote.price is None:
        return None
    lowest = quote.price.gross
    groups: dict[str, None] = {}
    for offer, price in open_prices(store, quote.product, lowest.currency):
        if price.gross == lowest:
            if not offer.groups:
                return None
            groups.update(dict.fromkeys(offer.groups))
    if not groups or set(groups) >= set(n.all_groups):
        return None
    return _("for ${groups}", mapping={"groups": n.groups(groups)})
