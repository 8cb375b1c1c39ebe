"""The front page: what is free, what has a price, and the subjects."""

from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from platform_core.catalog.cards import Card, card_of
from platform_core.catalog.listing import is_free, may_have
from platform_core.catalog.pricing import Quote
from platform_core.catalog.shelf import shelf
from platform_core.catalog.speech import Speech
from platform_core.eligibility.names import names
from platform_core.eligibility.words import last_day
from platform_core.web.formats import day_text
from platform_core.web.i18n import pick_text

ROW = 4
OFFERED = 2


@dataclass(frozen=True, slots=True)
class Subject:
    """A category with a picture of its most chosen product and how many products it has, how many free."""

    name: str
    url: str
    art: str
    count: int
    free: int


@dataclass(frozen=True, slots=True)
class Front:
    """All that the front page's template shows. `part_of_day` is morning, afternoon or evening."""

    part_of_day: str
    people: str
    verified_until: str | None
    free: tuple[Card, ...]
    free_count: int
    priced: tuple[Card, ...]
    priced_count: int
    offered: tuple[Card, ...]
    subjects: tuple[Subject, ...]
    top_subjects: tuple[Subject, ...]
    who_may_buy: str
    has_mac: bool


def front_page(request: Any) -> Front:
    """The front page for this reader."""
    store, speech = request.store, Speech(request)
    products = sorted(shelf(store).products, key=lambda product: -product.popularity)
    quotes: list[Quote] = [request.quote(product) for product in products]
    mine = [quote for quote in quotes if may_have(quote)]
    free = [quote for quote in mine if is_free(quote)]
    priced = [quote for quote in mine if not is_free(quote)]
    person = request.person
    fresh = [quote for quote in free if not quote.failed("limit")]
    offered = fresh[:OFFERED] if person is not None else mine[:OFFERED]
    subjects = tuple(_subjects(request, quotes, speech))
    now = store.clock.now()
    until = person.verified_until if person is not None and person.verified else None
    n = names(store, speech.locale)
    return Front(
        part_of_day=_part_of_day(now.astimezone(ZoneInfo(store.zone)).hour),
        people=n.people(person.groups) if person is not None and person.groups else "",
        verified_until=day_text(last_day(until, store.zone), speech.locale) if until else None,
        free=tuple(card_of(request, quote, speech) for quote in free[:ROW]),
        free_count=len(free),
        priced=tuple(card_of(request, quote, speech) for quote in priced[:ROW]),
        priced_count=len(priced),
        offered=tuple(card_of(request, quote, speech) for quote in offered),
        subjects=subjects,
        top_subjects=tuple(sorted(subjects, key=lambda subject: -subject.count)[:2]),
        who_may_buy=_first_paragraph(request),
        has_mac=any("mac" in product.systems for product in products),
    )


def _part_of_day(hour: int) -> str:
    return "morning" if 4 <= hour < 12 else "afternoon" if 12 <= hour < 18 else "evening"


def _subjects(request: Any, quotes: list[Quote], speech: Speech) -> list[Subject]:
    found: list[Subject] = []
    for category in shelf(request.store).categories.values():
        own = [quote for quote in quotes if quote.product.category.slug == category.slug]
        if own:
            found.append(
                Subject(
                    name=speech.text(category.name),
                    url=request.route_path("products", _query={"subject": category.slug}),
                    art=request.cover_url(own[0].product),
                    count=len(own),
                    free=sum(map(is_free, own)),
                )
            )
    return found


def _first_paragraph(request: Any) -> str:
    texts = request.store.config.texts
    if texts.who_may_buy is None:
        return ""
    return (
        pick_text(texts.who_may_buy.root, request.locale_name, request.store.languages)
        .strip()
        .split("\n\n")[0]
    )
