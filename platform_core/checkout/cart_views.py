"""The cart: what is in it, putting things in, changing and removing them, and its number in the head of a page."""

import re
from typing import Any

from pyramid.httpexceptions import HTTPNotFound, HTTPSeeOther
from pyramid.view import view_config

from platform_core.catalog.pricing import Quote
from platform_core.catalog.shelf import Product, shelf
from platform_core.checkout import cart, pages, words
from platform_core.checkout.basket import Basket, basket, limits_of, most_of
from platform_core.checkout.cleaning import ask_to_forget
from platform_core.web.formats import say_words
from platform_core.web.i18n import _

TEMPLATE = "platform_core.checkout:templates/cart.jinja2"
_WHOLE_NUMBER = re.compile(r"[0-9]{1,10}")


def browser_token(request: Any) -> str | None:
    """The value of the cart cookie, if there is one that could be ours."""
    token: str | None = request.cookies.get(cart.cookie_name(request.scheme))
    return token if token and len(token) <= 100 else None


def owner_of(request: Any) -> cart.Owner:
    """Whose cart a request means."""
    if request.person is not None:
        return cart.Owner(account_id=request.person.account_id)
    return cart.Owner(token=browser_token(request))


def cart_count(request: Any) -> int:
    """`request.cart_count`: how many things are in the cart; no statement for a visitor without one."""
    if request.store is None:
        return 0
    if request.person is not None:
        return int(request.personal["cart"].get("count", 0))
    if browser_token(request) is None:
        return 0
    return cart.count(request.reader, request.store, owner_of(request))


def current_basket(request: Any, session: Any) -> Basket:
    """The request's cart, priced for its reader."""
    store, person = request.store, request.person
    return basket(
        store,
        cart.read(session, store, owner_of(request)),
        person=person.terms if person else None,
        currency=request.currency,
        uses=request.uses,
        locale=request.locale_name,
    )


def page_values(request: Any, problem: Any = None) -> dict[str, Any]:
    """What the cart's template shows; `problem` says why a change was not made."""
    now = current_basket(request, request.reader)
    return {
        "basket": now,
        "lines": pages.lines(request, now),
        "notices": pages.notices(request, now),
        "problem": problem,
        "rows": pages.sum_rows(request, now),
        "total": pages.total_value(now),
        "payment": now.payment.open_points,
        "currencies": [(code, pages.currency_name(request, code)) for code in request.store.currencies],
    }


@view_config(route_name="cart", request_method="GET", renderer=TEMPLATE)
def show(request: Any) -> dict[str, Any]:
    """The cart with every reason why something in it cannot be ordered, and the next step."""
    return page_values(request)


def _refused(request: Any, problem: Any) -> dict[str, Any]:
    request.response.status_code = 422
    return page_values(request, problem)


def _say(request: Any, text: Any, tone: str = "ok") -> None:
    request.say(say_words(request, text), tone)


def _quantity(text: str, most: int) -> int | None:
    """A whole number from 1 to `most`, else None."""
    plain = text.strip()
    number = int(plain) if _WHOLE_NUMBER.fullmatch(plain) else 0
    return number if 1 <= number <= most else None


def _to_cart(request: Any, token: str | None) -> HTTPSeeOther:
    response = HTTPSeeOther(request.route_path("cart"))
    if token is not None:
        _set_cookie(request, response, token, int(cart.KEPT.total_seconds()))
    return response


def _set_cookie(request: Any, response: Any, value: str, seconds: int) -> None:
    """A `__Host-` cookie is only taken, and only taken away, with Secure and the path /."""
    secure = request.scheme == "https"
    name = cart.cookie_name(request.scheme)
    response.set_cookie(name, value, max_age=seconds, httponly=True, samesite="Lax", secure=secure)


def _seen(answer: Quote) -> tuple[int, str] | None:
    return (answer.price.gross.amount, answer.price.gross.currency) if answer.price else None


def _chosen_variant(request: Any, product: Product) -> str | None:
    """The variant that the form names, the only one there is, or "" for a product without; None: none was chosen."""
    code = request.POST.get("variant", "")
    if not product.variants:
        return ""
    if len(product.variants) == 1 and not code:
        return product.variants[0].code
    return code if product.variant(code) else None


@view_config(route_name="cart", request_method="POST", renderer=TEMPLATE)
def add(request: Any) -> Any:
    """Put something in. A visitor's first one makes the cart and its cookie.

    Where each person may have one, choosing another version takes the place of the first.
    """
    store, session = request.store, request.db
    product = shelf(store).by_slug.get(request.POST.get("product", ""))
    if product is None:
        raise HTTPNotFound()
    name = pages.name_of(request, product.name)
    variant = _chosen_variant(request, product)
    if variant is None:
        _say(
            request,
            _("Choose a version of ${name}, then put it into the cart.", mapping={"name": name}),
            "warn",
        )
        return HTTPSeeOther(request.route_path("product", slug=product.slug))
    answer = request.quote(product)
    most = most_of(answer)
    typed = request.POST.get("quantity", "1")
    wanted = _quantity(typed, most)
    if wanted is None:
        limited = bool(answer.offer and answer.offer.limit)
        return _refused(request, words.bad_quantity(name, typed, most, limited))
    owner = owner_of(request)
    if owner.account_id is None:
        token = cart.usable(session, store, owner.token)
        if token != owner.token:
            ask_to_forget(session, store.clock)
        owner = cart.Owner(token=token)
    mine = cart.open_cart(session, store, owner, request.currency)
    others = cart.quantity_of(session, mine, product.id, besides=variant)
    before = cart.quantity_of(session, mine, product.id) - others
    if most == 1 and others and not before:
        for other in product.variants:
            cart.remove(session, mine, product.id, other.code)
        others = 0
    if others + before + wanted > most:
        _say(request, words.too_many(name, most, others + before), "info")
        return _to_cart(request, owner.token)
    cart.put(session, store, mine, product.id, variant, before + wanted, _seen(answer))
    _say(request, _("${name} is in your cart.", mapping={"name": name}))
    return _to_cart(request, owner.token)


@view_config(route_name="cart_line", request_method="POST", renderer=TEMPLATE)
def change_line(request: Any) -> Any:
    """Take one line out (`remove`), or change its quantity. A line that is gone already is no error."""
    store, session = request.store, request.db
    slug, variant = request.matchdict["product"], request.matchdict["variant"]
    variant = "" if variant == pages.NO_VARIANT else variant
    mine = cart.lock(session, store, owner_of(request))
    now = current_basket(request, session)
    item = next((each for each in now.items if (each.row.slug, each.row.variant) == (slug, variant)), None)
    if mine is None or item is None:
        _say(request, _("That is not in your cart any more."), "info")
        return HTTPSeeOther(request.route_path("cart"))
    name = pages.name_of(request, item.row.name)
    if "remove" in request.POST:
        _told(session, mine, now)
        cart.remove(session, mine, item.row.product_id, variant)
        _say(request, _("${name} is out of your cart.", mapping={"name": name}))
        return _to_cart(request, None if request.person else browser_token(request))
    typed = request.POST.get("quantity", "")
    others = cart.quantity_of(session, mine, item.row.product_id, besides=variant)
    wanted = _quantity(typed, item.most - others)
    if wanted is None:
        limited = bool(item.quote and item.quote.offer and item.quote.offer.limit)
        return _refused(request, words.bad_quantity(name, typed, max(item.most - others, 1), limited))
    _told(session, mine, now)
    seen = _seen(item.quote) if item.quote else None
    cart.put(session, store, mine, item.row.product_id, variant, wanted, seen)
    _say(request, _("${name}: the quantity is ${n} now.", mapping={"name": name, "n": str(wanted)}))
    return _to_cart(request, None if request.person else browser_token(request))


def _told(session: Any, mine: Any, now: Basket) -> None:
    prices = (
        (item.row.product_id, item.quote.price.gross.amount, item.quote.price.gross.currency)
        for item in now.items
        if item.quote and item.quote.price
    )
    cart.told(session, mine, prices)


def tell(request: Any, now: Basket) -> None:
    """The reader has seen the cart and goes on: keep what they have seen."""
    mine = cart.lock(request.db, request.store, owner_of(request))
    if mine is not None:
        _told(request.db, mine, now)


def on_signed_in(event: Any) -> None:
    """What a browser put aside joins the cart of the person who has just signed in, in the same transaction."""
    request = event.request
    token = browser_token(request)
    if token is None:
        return
    changes = cart.merge(request.db, request.store, token, event.account.id, limits_of(request.store))
    request.add_response_callback(lambda asked, response: _set_cookie(asked, response, "", 0))
    if summary := words.merge_summary(changes):
        _say(request, summary, "info")
