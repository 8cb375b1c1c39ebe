"""View models of the receipt and of Orders & Downloads. Titles are those of the order, in the order's language."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from platform_core.checkout import pages
from platform_core.checkout.clocks import Clocks, clocks
from platform_core.fulfilment.receipt import ReceiptDownload, ReceiptItem, ShownCredential
from platform_core.money import Money
from platform_core.orders import words
from platform_core.orders.models import Order, OrderAgreement, OrderContact, OrderHold, OrderLine
from platform_core.orders.services import Listed
from platform_core.orders.transitions import Label, first_open, public_label
from platform_core.plugin_api.types import Fragment, Words
from platform_core.web.i18n import DOMAIN, _, pick_text

SOON = timedelta(minutes=10)
"""How long after ordering a page with a waiting key looks again by itself."""

KEY_ASKED: dict[str, Words] = {
    "installation": _("The installer asks for it."),
    "first_start": _("The program asks for it when it first starts."),
}
ON_A_PHONE = frozenset({"web", "any"})


@dataclass(frozen=True, slots=True)
class Download:
    """One file of an item; `url`, its instructions, is None when it cannot be had now, and `why` says so."""

    token: str
    title: str
    size: int
    url: str | None
    used: int
    allowed: int
    broken: int
    running: bool
    first: bool
    why: Words | None


@dataclass(frozen=True, slots=True)
class Unit:
    """One piece of a line: its keys and files, or why there are none (yet)."""

    number: int
    waiting: Words | None
    why_not: Words | None
    credentials: tuple[ShownCredential, ...]
    downloads: tuple[Download, ...]


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the order, as ordered."""

    id: str
    name: str
    text: str
    art: str
    sum: Money
    asked: Words | None
    needs: tuple[tuple[str, str], ...]
    publisher: str
    support_url: str | None
    units: tuple[Unit, ...]


@dataclass(frozen=True, slots=True)
class Acceptance:
    """A licence agreement as it was accepted."""

    title: str
    version: str
    language: str
    accepted_at: datetime


@dataclass(frozen=True, slots=True)
class Receipt:
    """The whole page."""

    number: str
    placed_at: datetime
    language: str
    state: tuple[str, Words]
    waiting: bool
    look_again: bool
    items: tuple[Item, ...]
    clocks: Clocks | None
    rows: tuple[tuple[Any, Any], ...]
    total: Any
    paid: bool
    contact: OrderContact | None
    seller: str
    agreements: tuple[Acceptance, ...]
    fragments: tuple[Fragment, ...]
    for_computer: bool
    address: str


def receipt(
    request: Any,
    order: Order,
    lines: Sequence[OrderLine],
    given: Sequence[ReceiptItem],
    *,
    contact: OrderContact | None,
    holds: Sequence[OrderHold],
    agreements: dict[Any, OrderAgreement],
    fragments: Sequence[Fragment],
) -> Receipt:
    """The page of an order as it stands now."""
    label = public_label(order.state, first_open(holds))
    waiting = any(item.waits for item in given)
    recent = request.store.clock.now() - order.placed_at < SOON
    total = Money(order.total, order.currency)
    return Receipt(
        number=order.number,
        placed_at=order.placed_at,
        language=order.language,
        state=_state(label, waiting),
        waiting=waiting,
        look_again=waiting and recent,
        items=_items(request, order, lines, given),
        clocks=clocks(request, given, order.placed_at),
        rows=tuple(_rows(request, order, lines)),
        total=_("Free") if total.is_zero else total,
        paid=not total.is_zero,
        contact=contact,
        seller=_seller(order),
        agreements=tuple(_acceptances(request, lines, agreements)),
        fragments=tuple(fragments),
        for_computer=any(_needs_computer(line) for line in lines),
        address=request.route_url("order", number=order.number),
    )


def _state(label: Label, waiting: bool) -> tuple[str, Words]:
    if waiting and label in {Label.PLACED, Label.PROCESSING}:
        return words.WAITING
    return words.STATES[label]


def _items(
    request: Any, order: Order, lines: Sequence[OrderLine], given: Sequence[ReceiptItem]
) -> tuple[Item, ...]:
    first = next((d.token for item in given for d in item.downloads if d.decision.allowed), None)
    return tuple(
        _item(request, order, line, [item for item in given if item.line_id == line.id], first)
        for line in lines
    )


def _item(
    request: Any, order: Order, line: OrderLine, given: Sequence[ReceiptItem], first: str | None
) -> Item:
    snapshot = line.snapshot
    licence = snapshot["licence"]
    return Item(
        id=f"item-{line.position}",
        name=snapshot["name"],
        text=pages.joined(
            request,
            snapshot["publisher"]["name"],
            snapshot["variant"]["label"] if snapshot["variant"] else None,
            _("version ${version}", mapping={"version": snapshot["version"]})
            if snapshot["version"]
            else None,
            words.licence_words(licence["kind"], licence["months"], licence["days"]),
            f"× {line.quantity}" if line.quantity > 1 else None,
        ),
        art=_picture(request, snapshot),
        sum=Money(line.total, order.currency),
        asked=KEY_ASKED.get(snapshot["key_asked"]),
        needs=tuple((row["label"], row["value"]) for row in snapshot["requirements"]),
        publisher=snapshot["publisher"]["name"],
        support_url=snapshot["publisher"]["support_url"],
        units=tuple(_unit(request, order, item, first) for item in given),
    )


def _unit(request: Any, order: Order, item: ReceiptItem, first: str | None) -> Unit:
    failed = item.reading.open_points
    return Unit(
        number=item.unit,
        waiting=waiting_words(request, item) if item.waits else None,
        why_not=failed[0].detail or failed[0].title if failed else None,
        credentials=item.credentials,
        downloads=tuple(
            _download(request, order, each, each.token == first) for each in item.downloads if not failed
        ),
    )


def waiting_words(request: Any, item: ReceiptItem) -> Words:
    """How many others come before, in words."""
    before = (item.place_in_line or 1) - 1
    if before == 0:
        return _("You are next in line. Your key will stand here as soon as the publisher sends more.")
    text = request.localizer.pluralize(
        "${n} order is before yours. Your key will stand here as soon as it is your turn.",
        "${n} orders are before yours. Your key will stand here as soon as it is your turn.",
        before,
        domain=DOMAIN,
        mapping={"n": before},
    )
    return str(text)


def _download(request: Any, order: Order, each: ReceiptDownload, first: bool) -> Download:
    open_points = each.decision.open_points
    return Download(
        token=each.token,
        title=pick_text(each.title, request.locale_name, request.store.languages),
        size=each.size,
        url=None
        if open_points
        else request.route_path("order_download", number=order.number, token=each.token),
        used=each.meter.used,
        allowed=each.allowed,
        broken=each.meter.broken_tries,
        running=each.meter.in_progress,
        first=first,
        why=open_points[0].detail or open_points[0].title if open_points else None,
    )


def _rows(request: Any, order: Order, lines: Sequence[OrderLine]) -> list[tuple[Any, Any]]:
    rows: list[tuple[Any, Any]] = []
    taxes: dict[tuple[str, str, str], int] = {}
    for line in lines:
        name = f"{line.snapshot['name']} × {line.quantity}" if line.quantity > 1 else line.snapshot["name"]
        rows.append((name, Money(line.net, order.currency)))
        if line.tax:
            key = (line.tax_code, line.tax_rate, line.snapshot["tax_label"])
            taxes[key] = taxes.get(key, 0) + line.tax
    for (code, rate, label), amount in taxes.items():
        rows.append((pages.tax_words(request, code, rate, label), Money(amount, order.currency)))
    return rows


def _seller(order: Order) -> str:
    """Who sold (CAT-12), as it was then."""
    seller = order.snapshot["distributor"]
    return f"{seller['name']}, {seller['place']}" if seller["place"] else str(seller["name"])


def _acceptances(
    request: Any, lines: Sequence[OrderLine], agreements: dict[Any, OrderAgreement]
) -> list[Acceptance]:
    found: dict[tuple[str, str], Acceptance] = {}
    for line in lines:
        row, shown = agreements.get(line.id), line.snapshot["agreement"]
        if row is not None and shown is not None:
            name = pages.language_name(request, row.language)
            found.setdefault(
                (shown["slug"], row.version), Acceptance(shown["title"], row.version, name, row.accepted_at)
            )
    return list(found.values())


def _needs_computer(line: OrderLine) -> bool:
    """Can it not run on a phone? An e-book can, and what runs in a browser."""
    return line.snapshot["kind"] != "ebook" and not ON_A_PHONE & set(line.snapshot["systems"])


@dataclass(frozen=True, slots=True)
class ListedOrder:
    """One order of Orders & Downloads."""

    number: str
    url: str
    placed_at: datetime
    language: str
    state: tuple[str, Words]
    total: Any
    items: tuple[tuple[str, str, int], ...]
    """Name, picture, quantity."""


def _picture(request: Any, shown: Mapping[str, Any]) -> str:
    return pages.picture_url(request, shown["slug"], shown["pattern"], shown["monogram"])


def listed(request: Any, found: Listed) -> ListedOrder:
    """One order as the list shows it, from its own snapshot."""
    order = found.order
    total = Money(order.total, order.currency)
    return ListedOrder(
        number=order.number,
        url=request.route_path("order", number=order.number),
        placed_at=order.placed_at,
        language=order.language,
        state=_state(public_label(order.state, found.held_by), found.waiting > 0),
        total=total,
        items=tuple(
            (
                item["name"],
                pages.picture_url(request, item["slug"], item["pattern"], item["monogram"]),
                item["quantity"],
            )
            for item in order.snapshot["items"]
        ),
    )
