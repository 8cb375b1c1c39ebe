"""The product page: what it costs this reader, whether they may have it, and all that one checks before ordering."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from platform_core.catalog.facts import Link, facts
from platform_core.catalog.models import ProductKind
from platform_core.catalog.pricing import Quote, open_prices, shown_price
from platform_core.catalog.shelf import SYSTEMS, Product, shelf
from platform_core.catalog.speech import SYSTEM_NAMES, Speech
from platform_core.eligibility.names import names
from platform_core.money import Money, format_money
from platform_core.plugin_api.types import Criterion, Mend, Outcome, Words
from platform_core.web.i18n import _
from platform_core.web.qr import qr_svg


@dataclass(frozen=True, slots=True)
class VariantChoice:
    """One variant to choose; `size` in bytes, 0 for unknown."""

    code: str
    label: str
    hint: Words
    size: int
    chosen: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer to "Are you eligible?" in a word and a sentence; `open` says whether the list matters now."""

    lead: Words
    text: Words
    open: bool


@dataclass(frozen=True, slots=True)
class Notice:
    """The one note beside the button."""

    tone: str
    title: Words
    text: Words
    icon: str
    link: Mend | None = None
    to_eligibility: bool = False


@dataclass(frozen=True, slots=True)
class Share:
    """The address of this page for a course page, with its QR code (EXT-15)."""

    url: str
    code: Markup


@dataclass(frozen=True, slots=True)
class ProductPage:
    """All that the product's template shows."""

    product: Product
    name: str
    art: str
    publisher: str
    publisher_url: str
    about: str
    price: Money | Words
    price_words: tuple[str, ...]
    other_currencies: tuple[Link, ...]
    variants: tuple[VariantChoice, ...]
    advice: Words
    can_add: bool
    sign_in_url: str | None
    notice: Notice | None
    verdict: Verdict
    criteria: tuple[Criterion, ...]
    trial: Link | None
    full: Link | None
    final: bool
    needs_computer: bool
    columns: tuple[str, ...]
    requirements: tuple[tuple[str, tuple[str, ...]], ...]
    facts: tuple[tuple[Words, str | tuple[Link, ...]], ...]
    share: Share


def product_page(request: Any, product: Product) -> ProductPage:
    """The page of a product for this reader."""
    speech = Speech(request)
    quote: Quote = request.quote(product)
    variant = chosen_variant(request, product)
    columns, rows = _requirements(product, speech)
    trial = shelf(request.store).trials.get(product.slug)
    full = shelf(request.store).by_slug.get(product.trial_of or "")
    can_add = _can_add(request, quote)
    return ProductPage(
        product=product,
        name=speech.text(product.name),
        art=request.cover_url(product),
        publisher=speech.text(product.publisher.name),
        publisher_url=request.route_path("products", _query={"publisher": product.publisher.slug}),
        about=" · ".join(_about(product, speech)),
        price=_price(request, quote),
        price_words=tuple(_price_words(request, quote, speech)),
        other_currencies=tuple(_other_currencies(request, quote, speech)),
        variants=tuple(
            VariantChoice(
                v.code, speech.text(v.label), speech.text(v.hint), product.size(v.code), v.code == variant
            )
            for v in product.variants
        ),
        advice=_advice(product),
        can_add=can_add,
        sign_in_url=_sign_in_url(request, variant) if request.person is None else None,
        notice=_notice(request, quote, can_add),
        verdict=_verdict(request, quote, speech),
        criteria=_in_order(quote),
        trial=_product_link(request, trial, speech),
        full=_product_link(request, full, speech),
        final=bool(product.credentials) and not quote.free and quote.price is not None,
        needs_computer=bool({"windows", "mac", "linux"}.intersection(product.systems)),
        columns=columns,
        requirements=rows,
        facts=tuple(facts(request, quote, speech)),
        share=_share(request, product),
    )


def chosen_variant(request: Any, product: Product) -> str | None:
    """The variant of the address (EXT-15), else one for the reader's own system, else the first."""
    asked = product.variant(request.GET.get("variant"))
    if asked is not None:
        return asked.code
    agent = request.headers.get("User-Agent", "")
    for system, marks in (("windows", ("Windows NT",)), ("mac", ("Macintosh",)), ("linux", ("X11; Linux",))):
        if any(mark in agent for mark in marks):
            mine = next((v for v in product.variants if v.os == system), None)
            if mine is not None:
                return mine.code
    return product.variants[0].code if product.variants else None


def _about(product: Product, speech: Speech) -> Iterable[str]:
    if product.version:
        yield speech.say(_("version ${version}", mapping={"version": product.version}))
    if product.kind is ProductKind.EBOOK:
        yield speech.say(_("E-book"))
    if product.languages:
        yield ", ".join(speech.language(code) for code in product.languages)


def _sign_in_url(request: Any, variant: str | None) -> str:
    here = request.route_path(
        "product", slug=request.matchdict["slug"], _query={"variant": variant} if variant else {}
    )
    return str(request.route_path("sign_in", _query={"next": here}))


def _product_link(request: Any, product: Product | None, speech: Speech) -> Link | None:
    if product is None:
        return None
    return Link(
        speech.text(product.name),
        request.route_path("product", slug=product.slug),
        note=speech.term(product.licence),
    )


def _price(request: Any, quote: Quote) -> Money | Words:
    if quote.offer is None or quote.failed("period"):
        return _("Not on offer")
    if quote.not_for_them:
        return _("Not for you")
    if quote.price is None:
        return next(c.title for c in quote.decision.criteria if c.code == "price")
    return shown_price(request.store, quote.price)


def _price_words(request: Any, quote: Quote, speech: Speech) -> Iterable[str]:
    """Whose price it is, with or without tax; for a visitor also what others pay."""
    if quote.price is None or quote.offer is None or quote.not_for_them or quote.failed("period"):
        return
    store = request.store
    n = names(store, speech.locale)
    if request.person is not None:
        own = [code for code in quote.offer.groups or n.all_groups if code in request.person.groups]
        values = {"people": n.people(own)} if own else {}
        if quote.free:
            yield speech.say(_("Free for you as ${people}.", mapping=values) if own else _("Free for you."))
        else:
            whose = _("Your price as ${people}", mapping=values) if own else _("Your price")
            yield speech.say(_with_tax(request, quote, speech.say(whose)))
        return
    prices = open_prices(store, quote.product, quote.price.gross.currency)
    amounts: dict[int, list[str]] = {}
    for offer, price in prices:
        groups = offer.groups or n.all_groups
        earlier = {code for codes in amounts.values() for code in codes}
        amounts.setdefault(shown_price(store, price).amount, []).extend(g for g in groups if g not in earlier)
    for amount, payers in amounts.items():
        if not payers:
            continue
        money = format_money(Money(amount, quote.price.gross.currency), speech.locale)
        values = {"groups": n.groups(payers), "price": money}
        if amount == shown_price(store, quote.price).amount:
            if quote.free:
                yield speech.say(_("Free for: ${groups}.", mapping=values))
            else:
                whose = _("Price for: ${groups}", mapping=values)
                yield speech.say(_with_tax(request, quote, speech.say(whose)))
        else:
            yield speech.say(_("For ${groups}: ${price}.", mapping=values))


def _with_tax(request: Any, quote: Quote, whose: str) -> Words:
    price = quote.price
    values = {"whose": whose}
    if price is None or not price.tax_rate:
        return _("${whose}.", mapping=values)
    if request.store.config.tax.included:
        return _("${whose}, tax included.", mapping=values)
    values["tax"] = format_money(price.tax, request.locale_name)
    return _("${whose}, plus ${tax} tax.", mapping=values)


def _other_currencies(request: Any, quote: Quote, speech: Speech) -> Iterable[Link]:
    if quote.offer is None or quote.offer.free or quote.not_for_them or quote.failed("period"):
        return
    query = [(key, value) for key, value in request.GET.items() if key not in {"currency", "lang"}]
    for currency in request.store.currencies:
        amount = quote.offer.amount(currency)
        if currency != request.currency and amount is not None:
            url = request.route_path(
                "product", slug=quote.product.slug, _query=[*query, ("currency", currency)]
            )
            yield Link(format_money(Money(amount, currency), speech.locale), url)


def _advice(product: Product) -> Words:
    """CAT-03: when in doubt, the 32-bit version."""
    for variant in product.variants:
        if variant.bits == 32 and not variant.hint:
            others = [v for v in product.variants if v.os == variant.os and v.bits == 64]
            if others:
                return _("Not sure which Windows you have? Take 32-bit: it runs on both.")
    return ""


def _can_add(request: Any, quote: Quote) -> bool:
    if request.store.closed or quote.not_for_them or quote.failed("offer", "period", "price"):
        return False
    limit = next((c for c in quote.decision.criteria if c.code == "limit"), None)
    return limit is None or limit.outcome is not Outcome.FAILED


def _in_order(quote: Quote) -> tuple[Criterion, ...]:
    """What is open first. That one must sign in is said above the list."""
    order = {Outcome.FAILED: 0, Outcome.UNKNOWN: 1, Outcome.PASSED: 2}
    criteria = [c for c in quote.decision.criteria if c.code != "signed_in"]
    return tuple(sorted(criteria, key=lambda c: order[c.outcome]))


def _verdict(request: Any, quote: Quote, speech: Speech) -> Verdict:
    if request.person is None and not quote.failed("offer", "period"):
        asked = _("We cannot say before you sign in. This is what the store will ask:")
        return Verdict("", asked, True)
    if quote.allowed:
        return Verdict(_("Yes."), _("You meet everything that the store asks for."), False)
    points = [c for c in quote.decision.open_points if c.code != "signed_in"]
    count = speech.ngettext("One point is open.", "${n} points are open.", len(points))
    if quote.failed("offer", "period"):
        return Verdict(_("Not at the moment."), count, True)
    if quote.not_for_them:
        return Verdict(_("Not with this account."), count, True)
    if quote.failed("limit"):
        return Verdict(_("You have had yours."), count, True)
    return Verdict(_("Nearly."), count, True)


def _notice(request: Any, quote: Quote, can_add: bool) -> Notice | None:
    failed: Mapping[str, Criterion] = {
        c.code: c for c in quote.decision.criteria if c.outcome is Outcome.FAILED
    }
    if request.store.closed:
        text = _("What you have ordered stays reachable.")
        return Notice("info", _("This store takes no new orders"), text, "info")
    icons = {"offer": "info", "group": "lock", "organisation": "lock", "country": "globe", "period": "clock"}
    for code, icon in icons.items():
        if code in failed:
            return Notice(
                "warn", failed[code].title, failed[code].detail, icon, to_eligibility=code != "offer"
            )
    if "price" in failed:
        return Notice("info", failed["price"].title, failed["price"].detail, "info")
    if "limit" in failed:
        limit = failed["limit"]
        return Notice("info", limit.title, limit.detail, "check", link=limit.mend)
    if request.person is None:
        title = (
            _("Sign in to see whether it is free for you")
            if quote.free
            else _("Sign in to see your own price")
        )
        return Notice("info", title, _("What is in your cart stays there."), "info")
    if "verified" in failed:
        title = _("Your status must be verified before you order")
        text = _("You can put it into the cart now; it waits there.")
        return Notice("warn", title, text, "clock", to_eligibility=True)
    if quote.product.dry and can_add:
        text = _("The keys have run out. Who orders first is served first, and your key comes by itself.")
        return Notice("warn", _("You can order now; your key follows"), text, "clock")
    return None


def _requirements(
    product: Product, speech: Speech
) -> tuple[tuple[str, ...], tuple[tuple[str, tuple[str, ...]], ...]]:
    used = [s for s in (*SYSTEMS, "any") if any(s in row.values for row in product.requirements)]
    rows = tuple(
        (speech.text(row.label), tuple(speech.text(row.values.get(system)) or "–" for system in used))
        for row in product.requirements
    )
    return tuple(speech.say(SYSTEM_NAMES[system]) for system in used), rows


def _share(request: Any, product: Product) -> Share:
    variant = product.variant(request.GET.get("variant"))
    query = {"variant": variant.code} if variant else {}
    url = request.route_url("product", slug=product.slug, _query=query)
    return Share(url, qr_svg(url))
