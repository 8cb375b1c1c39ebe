"""View models of the cart and the review: what their templates show, in the reader's language."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from babel.core import Locale, UnknownLocaleError
from babel.numbers import format_percent, get_currency_name

from platform_core.catalog.shelf import Product, shelf
from platform_core.checkout import words
from platform_core.checkout.basket import Basket, Item
from platform_core.eligibility.words import limit_title
from platform_core.money import Money
from platform_core.orders.snapshot import tax_label
from platform_core.orders.words import licence_words
from platform_core.plugin_api.types import Criterion, Words
from platform_core.web.formats import say_words
from platform_core.web.i18n import DOMAIN, _, pick_text

AGREE = "agree-"
"""Fields of this name, followed by a product's slug, say which agreement was accepted."""

NO_VARIANT = "-"
"""Stands for "no variant" in an address; no variant's code is spelled so."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the cart page."""

    name: str
    slug: str
    variant: str
    art: str
    url: str | None
    text: str
    sum: Money | None
    each: Money | None
    quantity: int
    most: int
    reasons: Sequence[Criterion]
    gone: Words | None
    later: bool
    """Have its keys run out, so that one follows later?"""
    other_version: bool

    @property
    def address(self) -> dict[str, str]:
        """The parts of the line's own address."""
        return {"product": self.slug, "variant": self.variant or NO_VARIANT}

    @property
    def counted(self) -> bool:
        """Can the quantity be chosen?"""
        return self.gone is None and (self.most > 1 or self.quantity > 1)


def name_of(request: Any, texts: Any) -> str:
    """A localised text in the reader's language."""
    return pick_text(texts, request.locale_name, request.store.languages)


def joined(request: Any, *parts: Words | None) -> str:
    """Short facts in a row, such as "Windows, 64-bit · 12-month licence"."""
    return " · ".join(say_words(request, part) for part in parts if part)


def item_count(request: Any, n: int) -> str:
    """ "1 item", "2 items"."""
    return str(request.localizer.pluralize("${n} item", "${n} items", n, domain=DOMAIN, mapping={"n": n}))


def item_text(request: Any, item: Item, *, limit: bool = True) -> str:
    """Version, licence and how many a person may have."""
    product = item.product
    if product is None:
        return ""
    licence = product.licence
    offer = item.quote.offer if item.quote else None
    return joined(
        request,
        pick_text(item.variant.label, request.locale_name, request.store.languages) if item.variant else None,
        licence_words(licence.kind, licence.months, licence.days),
        limit_title(offer.limit, offer.period) if limit and offer and offer.limit else None,
    )


def picture_url(request: Any, slug: str, pattern: str, monogram: str) -> str:
    """Where a product's picture is: the shelf's own, else one drawn from what a cart or an order keeps of it."""
    product = shelf(request.store).by_slug.get(slug)
    if product is not None and (product.pattern, product.monogram) == (pattern, monogram):
        return str(request.cover_url(product))
    return str(request.route_path("picture", slug=slug, pattern=pattern, monogram=monogram))


def language_name(request: Any, code: str) -> str:
    """What a language is called in the reader's."""
    try:
        return Locale.parse(code).get_display_name(request.locale_name) or code
    except (UnknownLocaleError, ValueError):
        return code


def currency_name(request: Any, code: str) -> str:
    """ "Canadian dollars (CAD)" in the reader's language."""
    name = get_currency_name(code, count=2, locale=request.locale_name)
    return f"{name[:1].upper()}{name[1:]} ({code})"


def lines(request: Any, now: Basket) -> list[Line]:
    """The lines of a cart, with what keeps each from being ordered.

    A visitor's open questions are no reasons yet: signing in answers them.
    """
    return [_line(request, item) for item in now.items]


def _line(request: Any, item: Item) -> Line:
    row, name = item.row, name_of(request, item.row.name)
    price = item.quote.price if item.quote else None
    return Line(
        name=name,
        slug=row.slug,
        variant=row.variant,
        art=picture_url(request, row.slug, row.pattern, row.monogram),
        url=request.route_path("product", slug=row.slug) if item.product else None,
        text=item_text(request, item),
        sum=item.total.gross if item.total else None,
        each=price.gross if price and row.quantity > 1 else None,
        quantity=row.quantity,
        most=item.most,
        reasons=item.failed,
        gone=words.gone(item, name),
        later=item.product is not None and item.product.dry,
        other_version=_has_versions(item.product),
    )


def _has_versions(product: Product | None) -> bool:
    return product is not None and len(product.variants) > 1


@dataclass(frozen=True, slots=True)
class AgreementBox:
    """One licence agreement to accept, with its text and the box beside it (EXT-02)."""

    slug: str
    value: str
    checked: bool
    missing: bool
    product: str
    title: str
    version: str
    language: str
    text: str

    @property
    def field(self) -> str:
        """The name of the box."""
        return AGREE + self.slug


def acceptance(version: str, language: str) -> str:
    """What a ticked box says: which version, read in which language."""
    return f"{version}|{language}"


def shown_language(texts: Mapping[str, str], locale: str, languages: Sequence[str]) -> str:
    """The language that `pick_text` shows a text in; the reader's own for a text without a language."""
    for language in (locale, locale.partition("_")[0], "", *languages):
        if language in texts:
            return language or locale
    return next(iter(texts), locale)


def agreements(
    request: Any,
    now: Basket,
    texts: Mapping[UUID, Mapping[str, str]],
    *,
    ticked: Mapping[str, str],
    missing: Collection[str],
) -> list[AgreementBox]:
    """The agreements of a basket, one for each product that has one. `ticked` is what was sent already."""
    boxes: dict[str, AgreementBox] = {}
    for item in now.items:
        agreement = item.product.agreement if item.product else None
        if agreement is None or item.row.slug in boxes:
            continue
        text = texts.get(agreement.id, {})
        language = shown_language(text, request.locale_name, request.store.languages)
        value = acceptance(agreement.version, language)
        boxes[item.row.slug] = AgreementBox(
            slug=item.row.slug,
            value=value,
            checked=ticked.get(AGREE + item.row.slug) == value,
            missing=item.row.slug in missing,
            product=name_of(request, item.row.name),
            title=name_of(request, agreement.title),
            version=agreement.version,
            language=language,
            text=name_of(request, text),
        )
    return list(boxes.values())


def sum_rows(request: Any, now: Basket) -> list[tuple[Any, Any]]:
    """The rows above a total: what it is without tax, and each tax. Nothing where there is nothing to pay."""
    if now.total.is_zero:
        return [(item_count(request, now.count), _("Free"))]
    rows: list[tuple[Any, Any]] = [(item_count(request, now.count), now.net)]
    return rows + [(tax_words(request, row.code, row.rate), row.amount) for row in now.taxes]


def tax_words(request: Any, code: str, rate: Decimal | str, label: str | None = None) -> Words:
    """Such as "Tax (HST 13%)"."""
    pattern = "#,##0.###\u00a0%" if request.locale_name.startswith("fr") else "#,##0.###%"
    percent = format_percent(Decimal(rate) / 100, pattern, locale=request.locale_name)
    name = label or tax_label(request.store, code, request.locale_name)
    return _("Tax (${tax})", mapping={"tax": f"{name} {percent}"})


def notices(request: Any, now: Basket) -> list[Words]:
    """What has changed since the reader last saw this cart: prices, and what came of it at sign-in."""
    names = {str(item.row.product_id): name_of(request, item.row.name) for item in now.items}
    told: list[Words] = [
        words.merge_notice(change, names[change["product"]])
        for change in now.notices
        if change["product"] in names
    ]
    seen: set[str] = set()
    for item in now.items:
        if item.was is not None and item.row.slug not in seen:
            seen.add(item.row.slug)
            told.append(words.price_change(item, name_of(request, item.row.name)))
    return told


def total_value(now: Basket) -> Any:
    """The total as money, or the word for nothing to pay."""
    return _("Free") if now.total.is_zero else now.total
