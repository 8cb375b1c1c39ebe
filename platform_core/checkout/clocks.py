"""How long a buyer has what: licence, access and installations on one line of time, in days."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from platform_core.clock import local_day
from platform_core.fulfilment.receipt import ReceiptItem
from platform_core.orders.words import licence_words
from platform_core.plugin_api.types import Words
from platform_core.web.i18n import DOMAIN, _

_TICKS = 4
_SHORTEST = 30


@dataclass(frozen=True, slots=True)
class Lane:
    """One clock: its words, and for how many days it runs, from which day of the line. `kind` is its colour, or
    "maybe" for one that has not begun."""

    title: Words
    text: Words
    kind: int | str
    starts: int
    runs: int

    @property
    def spans(self) -> list[tuple[int, int, int | str]]:
        """As the macro `lane` takes them."""
        return [(self.starts, self.runs, self.kind)]


@dataclass(frozen=True, slots=True)
class Clocks:
    """The lanes, the length of their common line in days, today on it, and days for the axis."""

    lanes: tuple[Lane, ...]
    length: int
    now: int
    today: date
    ticks: tuple[date, ...]


@dataclass(frozen=True, slots=True)
class _Span:
    title: Words
    text: Words
    kind: int | str
    since: datetime
    until: datetime | None


def last_day(until: datetime, zone: str) -> date:
    """The last day of a half-open span."""
    return local_day(until - timedelta(microseconds=1), zone)


def clocks(request: Any, items: Sequence[ReceiptItem], placed_at: datetime) -> Clocks | None:
    """The lanes of an order's items; None while nothing has been given out."""
    zone, now = request.store.zone, request.store.clock.now()
    given = [item for item in items if item.state is not None]
    if not given:
        return None
    one = len({item.line_id for item in given}) == 1
    spans = [*_licences(request, given, with_installs=not one), *_access(request, given)]
    spans += _installs(request, given) if one else []
    start, today = local_day(placed_at, zone), local_day(now, zone)
    ends = [local_day(span.until, zone) for span in spans if span.until is not None]
    last = max([*ends, today, start + timedelta(days=_SHORTEST)])
    length = (last - start).days
    if any(span.until is None for span in spans):
        length += max(length // 12, 1)  # what has no end runs on past every end
    lanes = []
    for span in spans:
        begins = max((local_day(span.since, zone) - start).days, 0)
        ends_at = length if span.until is None else min((local_day(span.until, zone) - start).days, length)
        lanes.append(Lane(span.title, span.text, span.kind, begins, max(ends_at - begins, 0)))
    ticks = tuple(start + timedelta(days=length * n // _TICKS) for n in range(_TICKS + 1))
    return Clocks(tuple(lanes), length, min((today - start).days, length), today, ticks)


def _firsts(items: Sequence[ReceiptItem], key: Any) -> list[ReceiptItem]:
    """One item for each value of `key`, in order."""
    found: dict[Any, ReceiptItem] = {}
    for item in items:
        found.setdefault(key(item), item)
    return list(found.values())


def _licences(request: Any, items: Sequence[ReceiptItem], *, with_installs: bool) -> list[_Span]:
    return [
        _Span(
            _("Licence of ${product}", mapping={"product": item.snapshot["name"]}),
            _with_installs(request, item) if with_installs else licence_text(request, item),
            "maybe" if item.waits else 1,
            item.licence_from or request.store.clock.now(),
            item.licence_until,
        )
        for item in _firsts(items, lambda each: (each.line_id, each.licence_until, each.waits))
    ]


def _with_installs(request: Any, item: ReceiptItem) -> Words:
    if not item.snapshot.get("installs"):
        return licence_text(request, item)
    values = {"term": licence_text(request, item), "computers": _computers(request, item)}
    return _("${term}, on ${computers}", mapping=values)


def _computers(request: Any, item: ReceiptItem) -> str:
    n = item.snapshot["installs"]
    text = request.localizer.pluralize("${n} computer", "${n} computers", n, domain=DOMAIN, mapping={"n": n})
    return str(text)


def licence_text(request: Any, item: ReceiptItem) -> Words:
    """The term of a licence with its end, such as "12-month licence, until 11 November 2027"."""
    licence = item.snapshot["licence"]
    term = licence_words(licence["kind"], licence["months"], licence["days"])
    if item.waits and item.licence_until is not None:
        return _("${term}, begins when the key is here", mapping={"term": term})
    if item.licence_until is None:
        return term
    day = last_day(item.licence_until, request.store.zone)
    if item.licence_over:
        return _("${term}, ended on ${day}", mapping={"term": term, "day": day})
    return _("${term}, until ${day}", mapping={"term": term, "day": day})


def _access(request: Any, items: Sequence[ReceiptItem]) -> list[_Span]:
    different = _firsts(items, lambda each: each.access_until)
    several = len(different) > 1
    return [
        _Span(
            _("Access to ${product}", mapping={"product": item.snapshot["name"]})
            if several
            else _("Access to keys and downloads"),
            access_text(request, item),
            2,
            request.store.clock.now() if item.licence_from is None else item.licence_from,
            item.access_until,
        )
        for item in (_firsts(items, lambda each: (each.line_id, each.access_until)) if several else different)
    ]


def access_text(request: Any, item: ReceiptItem) -> Words:
    """Until when keys and downloads can be reached."""
    if item.access_until is None:
        return _("without end")
    values = {"day": last_day(item.access_until, request.store.zone)}
    return _("ended on ${day}", mapping=values) if item.access_over else _("until ${day}", mapping=values)


def _installs(request: Any, items: Sequence[ReceiptItem]) -> list[_Span]:
    counted = [item for item in items if item.snapshot.get("installs")]
    spans = []
    for item in _firsts(counted, lambda each: each.line_id):
        values = {"product": item.snapshot["name"], "computers": _computers(request, item)}
        spans.append(
            _Span(
                _("Installing ${product}", mapping=values),
                _("on ${computers} in all, for as long as the licence runs", mapping=values),
                "maybe" if item.waits else 3,
                item.licence_from or request.store.clock.now(),
                item.licence_until,
            )
        )
    return spans
