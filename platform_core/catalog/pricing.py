"""`quote`: what this person pays for a product, and whether they may have it. One answer for list, product
page, cart and checkout."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from platform_core.catalog.shelf import OfferSpec, Product
from platform_core.eligibility.services import decide
from platform_core.money import Money, Taxed, tax_inside, tax_on_top
from platform_core.plugin_api.types import Criterion, Decision, Mend, OfferTerms, Outcome, PersonTerms, Quoted
from platform_core.tenancy.store import Store
from platform_core.web.i18n import _

# Where several offers are refused on as many points, the one is named whose points are easiest to mend.
_WEIGHT = {"verified": 0, "price": 1, "limit": 2, "period": 3, "country": 4, "organisation": 5, "group": 6}


@dataclass(frozen=True, slots=True)
class Quote:
    """The answer for one product: the offer that it is about, why or why not, and the price of one piece.

    `offer` is None only where the product has no offer at all; `price` is None also where the offer has no
    price in the currency (criterion `price`).
    """

    product: Product
    offer: OfferSpec | None
    decision: Decision
    price: Quoted | None

    @property
    def allowed(self) -> bool:
        """May the person have it, at this price?"""
        return self.decision.allowed

    @property
    def free(self) -> bool:
        """Is there a price, and is it nothing?"""
        return self.price is not None and self.price.gross.is_zero

    def failed(self, *codes: str) -> bool:
        """Did one of these criteria fail for certain?"""
        return any(c.code in codes and c.outcome is Outcome.FAILED for c in self.decision.criteria)

    @property
    def not_for_them(self) -> bool:
        """Is it refused for who the person is, rather than for something that can be mended or passes?"""
        return self.failed("group", "organisation", "country")


def terms_of(offer: OfferSpec, already_had: int = 0, in_cart: int = 1) -> OfferTerms:
    """The offer as the rules of eligibility see it."""
    return OfferTerms(
        offer_id=offer.id,
        product_slug=offer.product_slug,
        groups=offer.groups,
        organisations=offer.organisations,
        countries=offer.countries,
        limit=offer.limit,
        period=offer.period.value,
        starts_at=offer.starts_at,
        ends_at=offer.ends_at,
        already_had=already_had,
        in_cart=in_cart,
    )


def tax_rate(store: Store, country: str) -> tuple[str, Decimal]:
    """Code and percentage of the taxes on a sale to `country`; several at once are added up ("GST+QST")."""
    rates = [rate for rate in store.config.tax.rates if rate.country in (None, country)]
    return "+".join(rate.code for rate in rates), sum((rate.rate for rate in rates), Decimal(0))


def price_of(store: Store, offer: OfferSpec, currency: str, country: str | None = None) -> Quoted | None:
    """One piece of an offer with its tax, or None where it has no price in `currency`.

    A price that contains tax stays the same for a buyer whose country has no rate in the store's table.
    """
    amount = offer.amount(currency)
    if amount is None:
        return None
    code, rate = tax_rate(store, country or store.config.store.country)
    money = Money(amount, currency)
    taxed: Taxed = tax_inside(money, rate) if store.config.tax.included else tax_on_top(money, rate)
    return Quoted(taxed.gross, taxed.net, taxed.tax, code, rate, offer.code)


def shown_price(store: Store, price: Quoted) -> Money:
    """The amount that a page names as the price: with or without tax, as the store says."""
    return price.gross if store.config.tax.included else price.net


def quote(
    store: Store,
    product: Product,
    *,
    person: PersonTerms | None,
    currency: str,
    uses: Mapping[UUID, int],
    in_cart: int = 1,
    country: str | None = None,
    locale: str | None = None,
) -> Quote:
    """The best offer for this person: an allowed one, the cheapest first; else the one with the fewest open
    points. Equal ones are told apart by price, then by the store's order.

    For a visitor that is the lowest price that any group pays, and the decision names what the store will ask
    over all of those offers. `uses` says how many of an offer the person has had (`services.uses_of`).
    """
    now = store.clock.now()
    asked = _Asked(store, person, currency, country, now, locale)
    best: tuple[tuple[int, int, int, int], OfferSpec, Decision] | None = None
    for position, offer in enumerate(product.offers):
        terms = terms_of(offer, uses.get(offer.id, 0), in_cart)
        decision = asked.decide(offer, terms)
        rank = (*_badness(decision), _sort_amount(offer, currency), position)
        if best is None or rank < best[0]:
            best = (rank, offer, decision)
    if best is None:
        source = f"products.{product.slug}.offers"
        nothing = Criterion("offer", Outcome.FAILED, _("Not on offer at the moment"), source=source)
        return Quote(product, None, Decision((nothing,)), None)
    _rank, offer, decision = best
    if any(c.code == "group" and c.outcome is not Outcome.PASSED for c in decision.criteria):
        terms = terms_of(offer, uses.get(offer.id, 0), in_cart)
        decision = asked.decide(offer, _for_all_of_them(product, terms, person, now))
    return Quote(product, offer, decision, price_of(store, offer, currency, asked.tax_country))


@dataclass(frozen=True, slots=True)
class _Asked:
    store: Store
    person: PersonTerms | None
    currency: str
    country: str | None
    now: datetime
    locale: str | None

    @property
    def tax_country(self) -> str | None:
        return self.country or (self.person.country if self.person else None)

    def decide(self, offer: OfferSpec, terms: OfferTerms) -> Decision:
        decision = decide(
            self.person, terms, store=self.store, country=self.country, now=self.now, locale=self.locale
        )
        if offer.amount(self.currency) is None:
            return Decision((*decision.criteria, _no_price(offer, self.currency)))
        return decision


def _badness(decision: Decision) -> tuple[int, int]:
    """Refusals count before what is only unknown, so that a visitor is shown an offer that stands."""
    refused = sum(1000 for c in decision.criteria if c.outcome is Outcome.FAILED)
    points = decision.open_points
    return refused + len(points), sum(_WEIGHT.get(c.code, 1) for c in points if c.outcome is Outcome.FAILED)


def _sort_amount(offer: OfferSpec, currency: str) -> int:
    amount = offer.amount(currency)
    return amount if amount is not None else 1 << 62


def _for_all_of_them(
    product: Product, terms: OfferTerms, person: PersonTerms | None, now: datetime
) -> OfferTerms:
    """`terms` for every group and organisation that some open offer is for and that the person is not in.

    "Faculty only" would be wrong of a product that staff may have on an offer of their own.
    """
    offers = [offer for offer in product.offers if offer.is_open(now)]
    if person is not None:
        offers = [offer for offer in offers if offer.groups and not person.groups.intersection(offer.groups)]
    if not offers or (person is not None and not terms.groups):
        return terms
    groups = () if any(not offer.groups for offer in offers) else _union(offer.groups for offer in offers)
    if person is not None:
        return replace(terms, groups=groups)
    organisations: tuple[str, ...] = ()
    if all(offer.organisations for offer in offers):
        organisations = _union(offer.organisations for offer in offers)
    countries: tuple[str, ...] = ()
    if all(offer.countries for offer in offers):
        countries = _union(offer.countries for offer in offers)
    return replace(terms, groups=groups, organisations=organisations, countries=countries)


def _union(lists: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(code for codes in lists for code in codes))


def _no_price(offer: OfferSpec, currency: str) -> Criterion:
    currencies = tuple(sorted(offer.prices))
    return Criterion(
        "price",
        Outcome.FAILED,
        _("No price in ${currency}", mapping={"currency": currency}),
        _("It is sold in ${currencies}.", mapping={"currencies": ", ".join(currencies)}),
        wanted=currencies,
        found=currency,
        source=f"products.{offer.product_slug}.offers.{offer.code}.prices",
    )


def open_prices(store: Store, product: Product, currency: str) -> list[tuple[OfferSpec, Quoted]]:
    """Every open offer that has a price in `currency`, cheapest first, for words such as "staff pay …"."""
    now = store.clock.now()
    found = []
    for offer in product.offers:
        price = price_of(store, offer, currency) if offer.is_open(now) else None
        if price is not None:
            found.append((offer, price))
    return sorted(found, key=lambda pair: pair[1].gross.amount)


def payment_methods(store: Store, total: Money, kind: str = "order") -> tuple[list[str], Decision]:
    """Codes of the payment methods for `total`, and why there are those or none (CRT-06, PAY-06).

    Nothing to pay needs no method. No method is built into the platform; `kind` is the kind of order.
    """
    source = "plugins"
    if total.is_zero:
        nothing = Criterion(
            "payment_method",
            Outcome.PASSED,
            _("Nothing to pay"),
            _("A free order needs no payment."),
            source=source,
        )
        return [], Decision((nothing,))
    refused = Criterion(
        "payment_method",
        Outcome.FAILED,
        _("This store has no way to pay yet"),
        _(
            "What costs something cannot be ordered until the store has set up a payment method. What is free can."
        ),
        wanted=kind,
        found=(),
        source=source,
        mend=Mend(_("See what is free"), "products"),
    )
    return [], Decision((refused,))
