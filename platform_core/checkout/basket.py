"""What a cart comes to for one person now: prices, reasons, totals. Cart, review and final check share it."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from platform_core.catalog.pricing import Quote, payment_methods, quote
from platform_core.catalog.shelf import Product, Shelf, Variant, shelf
from platform_core.checkout.cart import MOST, Contents, Limits, Row
from platform_core.money import Money, Taxed, tax_inside, tax_on_top
from platform_core.orders.snapshot import OrderItem
from platform_core.plugin_api.types import Criterion, Decision, Outcome, PersonTerms, Quoted
from platform_core.tenancy.store import Store

ORDER_KIND = "order"
"""The kind of purchase that payment methods are asked about."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What a page showed of one line: how many, at what price each (None: no price)."""

    slug: str
    variant: str
    quantity: int
    amount: int | None
    currency: str

    def text(self) -> str:
        """As a form carries it."""
        return "|".join((self.slug, self.variant, str(self.quantity), str(self.amount), self.currency))

    @classmethod
    def read(cls, text: str) -> "Mark | None":
        """From a form; None for what no page of ours has written."""
        parts = text.split("|")
        if len(parts) != 5 or not parts[2].isdecimal() or len(text) > 400:
            return None
        slug, variant, quantity, amount, currency = parts
        return cls(slug, variant, int(quantity), int(amount) if amount.isdecimal() else None, currency)


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the cart. `product` is None once it has left the shelf, `variant_gone` says that its version has."""

    row: Row
    product: Product | None
    variant: Variant | None
    variant_gone: bool
    quote: Quote | None
    total: Taxed | None

    @property
    def decision(self) -> Decision | None:
        """May this person have it?"""
        return self.quote.decision if self.quote else None

    @property
    def most(self) -> int:
        """How many one person may put in."""
        return most_of(self.quote)

    @property
    def allowed(self) -> bool:
        """Is it on the shelf, priced, and open to this person?"""
        return (
            self.total is not None and not self.variant_gone and bool(self.decision and self.decision.allowed)
        )

    @property
    def failed(self) -> tuple[Criterion, ...]:
        """What keeps it from being ordered for certain; a visitor's open questions are not among it."""
        return (
            tuple(c for c in self.decision.open_points if c.outcome is Outcome.FAILED)
            if self.decision
            else ()
        )

    @property
    def mark(self) -> Mark:
        """What a page shows of it."""
        price = self.quote.price if self.quote else None
        gross = price.gross if price else None
        amount, currency = (gross.amount, gross.currency) if gross else (None, "")
        return Mark(self.row.slug, self.row.variant, self.row.quantity, amount, currency)

    @property
    def was(self) -> Money | None:
        """The price seen before, if it is another one now."""
        price = self.quote.price if self.quote else None
        seen = self.row.price_seen
        if price is None or seen is None or self.row.currency_seen != price.gross.currency:
            return None
        return Money(seen, price.gross.currency) if seen != price.gross.amount else None


@dataclass(frozen=True, slots=True)
class TaxRow:
    """One tax of a total."""

    code: str
    rate: Decimal
    amount: Money


@dataclass(frozen=True, slots=True)
class Basket:
    """A cart, priced for one person in one currency."""

    items: tuple[Item, ...]
    currency: str
    payment: Decision
    closed: bool = False
    notices: tuple[Any, ...] = ()

    @property
    def priced(self) -> list[Item]:
        """The items that count in the total."""
        return [item for item in self.items if item.total is not None]

    @property
    def count(self) -> int:
        """How many things are in it."""
        return sum(item.row.quantity for item in self.items)

    @property
    def net(self) -> Money:
        """Without tax."""
        return sum((item.total.net for item in self.priced if item.total), Money.zero(self.currency))

    @property
    def total(self) -> Money:
        """What there is to pay."""
        return sum((item.total.gross for item in self.priced if item.total), Money.zero(self.currency))

    @property
    def taxes(self) -> list[TaxRow]:
        """The taxes in it, one row for each rate; none for what is free of tax."""
        sums: dict[tuple[str, Decimal], Money] = {}
        for item in self.priced:
            if item.total and item.quote and item.quote.price and not item.total.tax.is_zero:
                key = (item.quote.price.tax_code, item.quote.price.tax_rate)
                sums[key] = sums.get(key, Money.zero(self.currency)) + item.total.tax
        return [TaxRow(code, rate, amount) for (code, rate), amount in sums.items()]

    @property
    def orderable(self) -> bool:
        """Could it be ordered now, by this person, as it stands?"""
        ready = bool(self.items) and self.payment.allowed and not self.closed
        return ready and all(item.allowed for item in self.items)

    @property
    def stuck(self) -> bool:
        """Is something in the way that signing in would not mend?"""
        lines = (item.total is None or item.variant_gone or bool(item.failed) for item in self.items)
        return self.closed or not self.payment.allowed or any(lines)

    def order_items(self) -> list[OrderItem]:
        """The items as an order takes them over; only of a basket that is `orderable`."""
        result = []
        for item in self.items:
            assert item.product and item.quote and item.quote.offer and item.quote.price and item.total
            result.append(
                OrderItem(
                    product=item.product,
                    variant=item.variant,
                    offer=item.quote.offer,
                    quantity=item.row.quantity,
                    unit=item.quote.price,
                    total=item.total,
                    decision=item.quote.decision,
                )
            )
        return result


def most_of(answer: Quote | None) -> int:
    """How many of an offer one person may put into a cart."""
    limit = answer.offer.limit if answer and answer.offer else 0
    return min(limit, MOST) if limit else MOST


def line_total(store: Store, unit: Quoted, quantity: int) -> Taxed:
    """The money of one line: tax is worked out and rounded on the line (totals are sums of rounded lines)."""
    if store.config.tax.included:
        return tax_inside(unit.gross * quantity, unit.tax_rate)
    return tax_on_top(unit.net * quantity, unit.tax_rate)


def basket(
    store: Store,
    contents: Contents,
    *,
    person: PersonTerms | None,
    currency: str,
    uses: Mapping[UUID, int],
    locale: str,
) -> Basket:
    """Price a cart and decide on each of its lines. `uses` is what the person has had, by offer."""
    on_sale = shelf(store)
    together = Counter[UUID]()
    for row in contents.rows:
        together[row.product_id] += row.quantity
    items = tuple(
        _item(store, on_sale, row, person, currency, uses, together[row.product_id], locale)
        for row in contents.rows
    )
    total = sum((item.total.gross for item in items if item.total), Money.zero(currency))
    _methods, payment = payment_methods(store, total, ORDER_KIND)
    return Basket(items, currency, payment, store.closed, contents.notices)


def _item(
    store: Store,
    on_sale: Shelf,
    row: Row,
    person: PersonTerms | None,
    currency: str,
    uses: Mapping[UUID, int],
    in_cart: int,
    locale: str,
) -> Item:
    product = on_sale.by_slug.get(row.slug)
    if product is None:
        return Item(row, None, None, False, None, None)
    variant = product.variant(row.variant)
    gone = variant is None and bool(row.variant or product.variants)
    answer = quote(
        store, product, person=person, currency=currency, uses=uses, in_cart=in_cart, locale=locale
    )
    total = line_total(store, answer.price, row.quantity) if answer.price else None
    return Item(row, product, variant, gone, answer, total)


def limits_of(store: Store) -> Limits:
    """How many of each product one person may order at most, by the most generous of its offers."""

    def make(of: Store) -> Limits:
        most = {}
        for product in shelf(of).products:
            found = [offer.limit for offer in product.offers]
            most[product.id] = MOST if not found or 0 in found else min(max(found), MOST)
        return Limits(most)

    return store.once("checkout.limits", make)


@dataclass(frozen=True, slots=True)
class Change:
    """What differs from what was shown: `before` or `after` is None for a line that came or went."""

    slug: str
    before: Mark | None
    after: Mark | None


def changes(shown: Iterable[Mark], now: Basket) -> Sequence[Change]:
    """How a basket differs from what a page showed of it."""
    before = {(mark.slug, mark.variant): mark for mark in shown}
    after = {(item.row.slug, item.row.variant): item.mark for item in now.items}
    return [
        Change(key[0], before.get(key), after.get(key))
        for key in [*before, *(key for key in after if key not in before)]
        if before.get(key) != after.get(key)
    ]
