"""The steps from cart to order: your details, review, Proceed with Order."""

from typing import Any

from pyramid.httpexceptions import HTTPNotFound, HTTPSeeOther
from pyramid.view import view_config

from platform_core.accounts import sessions
from platform_core.accounts.permissions import Permission
from platform_core.catalog.services import NUMBERS
from platform_core.checkout import cart_views, pages, services, words
from platform_core.checkout.basket import Basket, Mark
from platform_core.checkout.forms import details_form
from platform_core.checkout.models import Checkout, CheckoutState
from platform_core.db.points import reached
from platform_core.orders import services as orders
from platform_core.orders.models import Order
from platform_core.plugin_api.types import Words

DETAILS = "platform_core.checkout:templates/details.jinja2"
REVIEW = "platform_core.checkout:templates/review.jinja2"


def _private(request: Any) -> None:
    request.response.headers["Cache-Control"] = "no-store"


def _basket(request: Any, currency: str) -> Basket:
    return services.read_basket(
        request.reader,
        request.store,
        request.person,
        currency,
        request.locale_name,
        request.personal[NUMBERS],
    )


def _summary(request: Any, now: Basket) -> dict[str, Any]:
    return {
        "basket": now,
        "lines": pages.lines(request, now),
        "rows": pages.sum_rows(request, now),
        "total": pages.total_value(now),
    }


@view_config(route_name="checkout", request_method="GET", renderer=DETAILS, permission=Permission.OWN_ACCOUNT)
def details_page(request: Any) -> Any:
    """To whom does the receipt go? A cart that cannot be ordered leads back to itself, where the reasons stand."""
    now = _basket(request, request.currency)
    if not now.orderable:
        return HTTPSeeOther(request.route_path("cart"))
    begun = services.current(request.reader, request.person.account_id)
    name, email = (begun.contact_name, begun.contact_email) if begun else ("", "")
    _private(request)
    form = details_form(request, name or request.person.display_name, email or request.person.email)
    return {"form": form, **_summary(request, now)}


@view_config(
    route_name="checkout", request_method="POST", renderer=DETAILS, permission=Permission.OWN_ACCOUNT
)
def details(request: Any) -> Any:
    """Keep the details, and go on to the review."""
    now = _basket(request, request.currency)
    if not now.orderable:
        return HTTPSeeOther(request.route_path("cart"))
    form = details_form(request, "", "")
    if not form.validate():
        request.response.status_code = 422
        _private(request)
        return {"form": form, **_summary(request, now)}
    checkout = services.save_details(
        request.db,
        request.store,
        request.person.account_id,
        currency=request.currency,
        name=form.name.data,
        email=form.email.data,
    )
    cart_views.tell(request, now)
    return HTTPSeeOther(request.route_path("checkout_review", token=checkout.token))


def _own(request: Any, session: Any) -> Checkout:
    checkout = services.find(session, request.person.account_id, request.matchdict["token"])
    if checkout is None:
        raise HTTPNotFound()
    return checkout


def _to_receipt(request: Any, order: Order) -> HTTPSeeOther:
    return HTTPSeeOther(request.route_path("order", number=order.number))


@view_config(
    route_name="checkout_review", request_method="GET", renderer=REVIEW, permission=Permission.OWN_ACCOUNT
)
def review(request: Any) -> Any:
    """Everything once more, with the licence agreements. Of a checkout that is an order: its receipt."""
    checkout = _own(request, request.reader)
    if checkout.state is CheckoutState.ORDERED:
        order = orders.of_checkout(request.reader, checkout.id)
        assert order is not None
        return _to_receipt(request, order)
    now = _basket(request, checkout.currency)
    if not now.orderable:
        return HTTPSeeOther(request.route_path("cart"))
    _private(request)
    return _review_values(request, checkout, now)


def _review_values(
    request: Any, checkout: Checkout, now: Basket, refused: services.Refused | None = None
) -> dict[str, Any]:
    return {
        "checkout": checkout,
        "agreements": pages.agreements(
            request,
            now,
            services.agreement_texts(request.reader, now),
            ticked=request.POST if request.method == "POST" else {},
            missing=refused.not_accepted if refused else frozenset(),
        ),
        "marks": [item.mark.text() for item in now.items],
        "changes": _change_words(request, refused, now) if refused else [],
        "refused": refused,
        "payment": now.payment.open_points,
        **_summary(request, now),
    }


def _change_words(request: Any, refused: services.Refused, now: Basket) -> list[Words]:
    names = {item.row.slug: pages.name_of(request, item.row.name) for item in now.items}
    return [
        words.change_words(change, now, names.get(change.slug, change.slug)) for change in refused.changed
    ]


@view_config(
    route_name="checkout_review", request_method="POST", renderer=REVIEW, permission=Permission.OWN_ACCOUNT
)
def proceed(request: Any) -> Any:
    """`Proceed with Order`. However often it is pressed, one checkout is one order (CRT-09, CRT-10)."""
    registry, session = request.registry, request.db
    published = services.published_revision(session, request.store)
    if published != request.store.revision:
        # Prices or rules have changed since this process read them: decide on what holds now.
        request.store = registry.stores.reload(request.store)
    found = sessions.load(
        session, request.store, request.cookies.get(sessions.cookie_name(request.scheme), "")
    )
    if found is None:
        return HTTPSeeOther(request.route_path("sign_in", _query={"next": request.route_path("cart")}))
    person, _row = found
    try:
        order = services.proceed(
            session,
            request.store,
            registry.keys,
            person,
            token=request.matchdict["token"],
            shown=[mark for text in request.POST.getall("shown") if (mark := Mark.read(text))],
            accepted={
                name.removeprefix(pages.AGREE): value
                for name, value in request.POST.items()
                if name.startswith(pages.AGREE) and isinstance(value, str)
            },
            locale=request.locale_name,
        )
    except services.NoCheckout:
        raise HTTPNotFound() from None
    except orders.AlreadyPlaced as already:
        # Somebody else's transaction was first: nothing of this one stays.
        request.tm.doom()
        return _to_receipt(request, already.order)
    except services.Refused as refused:
        return _refusal(request, person, refused)
    request.tm.get().addAfterCommitHook(lambda done: reached("checkout.committed") if done else None)
    return _to_receipt(request, order)


def _refusal(request: Any, person: Any, refused: services.Refused) -> Any:
    """The review again with every reason; the answer's status rolls back what the check has written."""
    store = request.store

    def keep(_request: Any) -> None:
        with request.registry.database.session(store.id) as session, session.begin():
            services.record_refusal(session, store, person.account_id, refused)

    request.add_finished_callback(keep)
    _private(request)
    if not refused.basket.items:
        return HTTPSeeOther(request.route_path("cart"))
    request.response.status_code = 409
    return _review_values(request, _own(request, request.reader), refused.basket, refused)
