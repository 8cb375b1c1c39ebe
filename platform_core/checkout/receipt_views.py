"""The receipt, the way to its files, and Orders & Downloads."""

import re
from typing import Any

from pyramid.httpexceptions import HTTPFound, HTTPNotFound, HTTPSeeOther
from pyramid.response import Response
from pyramid.view import view_config

from platform_core.accounts.permissions import Permission
from platform_core.catalog.art import cover
from platform_core.checkout.receipt_pages import Receipt, listed, receipt
from platform_core.fulfilment import downloads
from platform_core.fulfilment.receipt import items
from platform_core.orders import services as orders
from platform_core.orders.models import Order
from platform_core.plugin_api.types import Fragment, SlotContext
from platform_core.web.formats import say_words
from platform_core.web.qr import qr_svg

TEMPLATES = "platform_core.checkout:templates/"
YEAR = 365 * 24 * 3600
_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,99}")


def _own_order(request: Any) -> Order:
    """The signed-in person's order of that number. Anybody else's is as unknown as one that never was."""
    order = orders.by_number(request.reader, request.person.account_id, request.matchdict["number"])
    if order is None:
        raise HTTPNotFound()
    return order


@view_config(
    route_name="order",
    request_method="GET",
    renderer=TEMPLATES + "receipt.jinja2",
    permission=Permission.OWN_ACCOUNT,
)
def order_receipt(request: Any) -> dict[str, Any]:
    """The receipt (ORD-03): proof of what was ordered, with its keys and downloads. Never kept by a browser."""
    page = _page(request, _own_order(request))
    return {"page": page, "qr": qr_svg(page.address) if page.for_computer else None}


@view_config(
    route_name="order_download",
    request_method="GET",
    renderer=TEMPLATES + "instructions.jinja2",
    permission=Permission.OWN_ACCOUNT,
)
def download_instructions(request: Any) -> Any:
    """Download Instructions (DLD-05): what the computer needs, and how the download goes; it starts with a button."""
    page = _page(request, _own_order(request))
    token = request.matchdict["token"]
    for item in page.items:
        for unit in item.units:
            for download in unit.downloads:
                if download.token == token:
                    return {"page": page, "item": item, "unit": unit, "download": download}
    raise HTTPNotFound()


def _page(request: Any, order: Order) -> Receipt:
    session, store = request.reader, request.store
    lines = orders.lines_of(session, order.id)
    request.response.headers["Cache-Control"] = "no-store"
    return receipt(
        request,
        order,
        lines,
        items(session, store, request.registry.keys, order),
        contact=orders.contact_of(session, order),
        holds=orders.holds_of(session, order),
        agreements=orders.agreements_of(session, order),
        fragments=_fragments(request, order, lines),
    )


def _fragments(request: Any, order: Order, lines: Any) -> list[Fragment]:
    """What plugins say of the order: by their own order, then by plugin."""
    context = SlotContext(order=orders.as_placed(order, lines))
    answers = request.store.ask("webstore_slot", request.reader, name="receipt", context=context)
    return [answer.value for answer in sorted(answers, key=lambda each: (each.value.order, each.plugin))]


@view_config(route_name="order_file", request_method="GET", permission=Permission.OWN_ACCOUNT)
def order_file(request: Any) -> Any:
    """Ask whether the file may be had now, then lead to its address on the download server, good for 24 hours."""
    registry, order = request.registry, _own_order(request)
    way = downloads.address(
        request.reader, request.store, registry.keys, registry.webstore, order, request.matchdict["token"]
    )
    if way is None:
        raise HTTPNotFound()
    if way.url is not None:
        return HTTPFound(way.url, headers=[("Cache-Control", "no-store")])
    reason = way.decision.open_points[0]
    request.say(say_words(request, reason.detail or reason.title), "warn")
    return HTTPSeeOther(request.route_path("order", number=order.number))


@view_config(
    route_name="account_orders",
    request_method="GET",
    renderer=TEMPLATES + "orders.jinja2",
    permission=Permission.OWN_ACCOUNT,
)
def account_orders(request: Any) -> dict[str, Any]:
    """Orders & Downloads: newest first (ORD-01), each with View Details (ORD-02)."""
    after = request.GET.get("after")
    found = orders.list_of(request.reader, request.person.account_id, after)
    request.response.headers["Cache-Control"] = "no-store"
    return {
        "orders": [listed(request, each) for each in found.orders],
        "older": request.route_path("account_orders", _query={"after": found.following})
        if found.following
        else None,
        "first": not after,
    }


@view_config(route_name="picture", request_method="GET")
def picture(request: Any) -> Response:
    """The cover of something that is no longer on the shelf, drawn from what its address says."""
    slug = request.matchdict["slug"]
    if not _SLUG.fullmatch(slug):
        raise HTTPNotFound()
    try:
        svg = cover(slug, request.matchdict["pattern"], request.matchdict["monogram"])
    except ValueError:
        raise HTTPNotFound() from None
    response = Response(svg, content_type="image/svg+xml", charset="utf-8")
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.cache_control.public = True
    response.cache_control.max_age = YEAR
    return response
