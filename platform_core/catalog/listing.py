"""The list of products: search, filters with their counts, order, pages. All of it stands in the address."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from platform_core.catalog.cards import Card, card_of
from platform_core.catalog.pricing import Quote, shown_price
from platform_core.catalog.search import index
from platform_core.catalog.shelf import Category, Product, shelf
from platform_core.catalog.speech import SYSTEM_NAMES, Speech, system_order, term_code, term_order
from platform_core.plugin_api.types import Words
from platform_core.tenancy.finder import fold
from platform_core.web.i18n import _

PAGE_SIZE = 48
MOST_TYPED = 120
SORTS: dict[str, Words] = {"popular": _("Most chosen"), "name": _("Name"), "price": _("Price")}
PARAMETERS = ("for", "os", "subject", "licence", "publisher", "sort", "page")
"""What the list depends on beside the search; requests with only these are kept in the page cache."""


@dataclass(frozen=True, slots=True)
class FacetValue:
    """One box to tick, with how many products it would leave."""

    value: str
    label: Words
    count: int
    chosen: bool


@dataclass(frozen=True, slots=True)
class Facet:
    """One group of boxes: products must meet one of the ticked ones (for `for`: all of them)."""

    name: str
    title: Words
    values: tuple[FacetValue, ...]


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter in force, with the address without it."""

    label: Words
    url: str


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A name with its address."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Listing:
    """All that the list's template shows. `hidden` are the fields that each of its two forms must carry on."""

    typed: str
    count: int
    total: int
    cards: tuple[Card, ...]
    facets: tuple[Facet, ...]
    chips: tuple[Chip, ...]
    sort: str
    sorts: tuple[tuple[str, Words], ...]
    page: int
    pages: int
    previous_url: str | None
    next_url: str | None
    clear_url: str
    currencies: tuple[Suggestion, ...]
    filter_hidden: tuple[tuple[str, str], ...]
    sort_hidden: tuple[tuple[str, str], ...]
    suggestions: tuple[Suggestion, ...]
    subjects: tuple[Suggestion, ...]


def may_have(quote: Quote) -> bool:
    """Is it meant for this person and on offer now, be it after a verification?"""
    return not quote.not_for_them and not quote.failed("offer", "period", "price")


def is_free(quote: Quote) -> bool:
    """Would this person (a visitor: somebody) pay nothing?"""
    return quote.free and may_have(quote)


_Test = Callable[[Quote], bool]


def _tests(name: str) -> Callable[[str], _Test]:
    def test(value: str) -> _Test:
        if name == "for":
            return is_free if value == "free" else may_have
        if name == "os":
            return lambda quote: value in quote.product.systems
        if name == "subject":
            return lambda quote: quote.product.category.slug == value
        if name == "publisher":
            return lambda quote: quote.product.publisher.slug == value
        return lambda quote: term_code(quote.product.licence) == value

    return test


class _Filters:
    """The filters of a request. Values that the store does not know are passed over."""

    def __init__(self, request: Any, quotes: Sequence[Quote], speech: Speech) -> None:
        self.options = _options(request, [quote.product for quote in quotes], speech)
        self.chosen: dict[str, list[str]] = {}
        for name, values in self.options.items():
            asked = request.GET.getall(name)
            self.chosen[name] = [value for value in values if value in asked]

    def passes(self, quote: Quote, but: str = "") -> bool:
        """Does a product pass every filter (`but` one)?"""
        for name, values in self.chosen.items():
            if values and name != but:
                answers = (_tests(name)(value)(quote) for value in values)
                if not (all(answers) if name == "for" else any(answers)):
                    return False
        return True

    def facet(self, name: str, title: Words, quotes: Iterable[Quote]) -> Facet:
        """The boxes of one filter, counted among what the other filters leave; those that leave none are left out."""
        left = [quote for quote in quotes if self.passes(quote, but=name)]
        values = []
        for value, label in self.options[name].items():
            count = sum(map(_tests(name)(value), left))
            chosen = value in self.chosen[name]
            if count or chosen:
                values.append(FacetValue(value, label, count, chosen))
        return Facet(name, title, tuple(values))


def _options(request: Any, products: Sequence[Product], speech: Speech) -> dict[str, dict[str, Words]]:
    person = request.person is not None
    licences = {term_code(p.licence): p.licence for p in products}
    systems = {system for p in products for system in p.systems}
    present = {p.category.slug for p in products}
    return {
        "for": {"free": _("Free for me"), "me": _("I may have")} if person else {"free": _("Free")},
        "os": {system: SYSTEM_NAMES[system] for system in sorted(systems, key=system_order)},
        "subject": {
            category.slug: speech.text(category.name)
            for category in shelf(request.store).categories.values()
            if category.slug in present
        },
        "licence": {
            code: speech.term(licence)
            for code, licence in sorted(licences.items(), key=lambda i: term_order(i[1]))
        },
        "publisher": {p.publisher.slug: speech.text(p.publisher.name) for p in products},
    }


def _sorted(quotes: list[Quote], sort: str, speech: Speech, request: Any) -> list[Quote]:
    if sort == "name":
        return sorted(quotes, key=lambda q: fold(speech.text(q.product.name)))
    if sort == "price":

        def amount(q: Quote) -> tuple[bool, int]:
            return (not may_have(q), shown_price(request.store, q.price).amount if q.price else 0)

        return sorted(quotes, key=amount)
    return sorted(quotes, key=lambda q: -q.product.popularity)


def listing(request: Any) -> Listing:
    """The list as the address asks for it."""
    speech = Speech(request)
    typed = " ".join(request.GET.get("q", "").split())[:MOST_TYPED]
    products = [hit.product for hit in index(request.store).search(typed)] if typed else None
    quotes = [request.quote(p) for p in (shelf(request.store).products if products is None else products)]
    every = quotes if products is None else [request.quote(p) for p in shelf(request.store).products]
    filters = _Filters(request, every, speech)
    found = [quote for quote in quotes if filters.passes(quote)]
    sort = request.GET.get("sort", "")
    if sort in SORTS or not typed:  # what was searched for stands in the order of fit
        found = _sorted(found, sort, speech, request)
    pages = max(1, -(-len(found) // PAGE_SIZE))
    page = _page(request.GET.get("page", "1"), pages)
    state = [(name, value) for name, values in filters.chosen.items() for value in values]
    keep = [("q", typed)] if typed else []
    order = [("sort", sort)] if sort in SORTS else []

    def url(pairs: Iterable[tuple[str, str]]) -> str:
        query = urlencode(list(pairs))
        return str(request.route_path("products")) + (f"?{query}" if query else "")

    shown = found[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
    chips = [Chip(_("“${typed}”", mapping={"typed": typed}), url([*state, *order]))] if typed else []
    for name, value in state:
        rest = [pair for pair in state if pair != (name, value)]
        chips.append(Chip(filters.options[name][value], url([*keep, *rest, *order])))
    return Listing(
        typed=typed,
        count=len(found),
        total=len(every),
        cards=tuple(card_of(request, quote, speech) for quote in shown),
        facets=tuple(
            filters.facet(name, title, quotes)
            for name, title in (
                ("for", _("For you")),
                ("os", _("Runs on")),
                ("subject", _("Subject")),
                ("licence", _("Licence")),
            )
        ),
        chips=tuple(chips),
        sort=sort if sort in SORTS else ("fit" if typed else "popular"),
        sorts=((("fit", _("Best match")),) if typed else ()) + tuple(SORTS.items()),
        page=page,
        pages=pages,
        previous_url=url([*keep, *state, *order, ("page", str(page - 1))]) if page > 1 else None,
        next_url=url([*keep, *state, *order, ("page", str(page + 1))]) if page < pages else None,
        clear_url=url([]),
        currencies=tuple(
            Suggestion(currency, url([*keep, *state, *order, ("currency", currency)]))
            for currency in request.store.currencies
            if currency != request.currency
        ),
        filter_hidden=(*keep, *order, *(("publisher", value) for value in filters.chosen["publisher"])),
        sort_hidden=(*keep, *state),
        suggestions=_suggestions(request, typed, speech) if typed and not quotes else (),
        subjects=_subjects(url, every, speech) if not found else (),
    )


def _page(text: str, pages: int) -> int:
    return min(max(int(text), 1), pages) if text.isdecimal() and len(text) < 6 else 1


def _suggestions(request: Any, typed: str, speech: Speech) -> tuple[Suggestion, ...]:
    return tuple(
        Suggestion(speech.text(product.name), request.route_path("product", slug=product.slug))
        for product in index(request.store).did_you_mean(typed)
    )


def _subjects(
    url: Callable[[Iterable[tuple[str, str]]], str], quotes: Sequence[Quote], speech: Speech
) -> tuple[Suggestion, ...]:
    """The three fullest subjects."""
    counts: dict[str, int] = {}
    categories: dict[str, Category] = {}
    for quote in quotes:
        category = quote.product.category
        categories[category.slug] = category
        counts[category.slug] = counts.get(category.slug, 0) + 1
    fullest = sorted(counts, key=lambda slug: -counts[slug])[:3]
    return tuple(Suggestion(speech.text(categories[slug].name), url([("subject", slug)])) for slug in fullest)
