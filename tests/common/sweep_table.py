"""How each route is asked: the owner's ids, and the forms that an owner sends. A new route gets its line here."""

from collections.abc import Mapping

from tests.common.shop import PASSWORD
from tests.common.sweep import BOUGHT, VARIANT, Case, Fields, Things, Who


def _sign_in(who: Who, things: Things) -> Fields:
    """Everybody as themselves; who is nobody there tries the owner's name."""
    return [
        ("username", who.username or "odile.sweep1"),
        ("password", PASSWORD if who.own else "guess"),
        ("next", "/"),
    ]


def _profile(who: Who, things: Things) -> Fields:
    return [
        ("display_name", f"New {who.username}"),
        ("email", f"{who.username}@new.example"),
        ("language", "fr"),
    ]


def _password(who: Who, things: Things) -> Fields:
    return [("current", PASSWORD), ("new", PASSWORD), ("confirm", PASSWORD)]


def _put(who: Who, things: Things) -> Fields:
    return [("product", "stackyard"), ("variant", VARIANT), ("quantity", "1")]


def _remove(who: Who, things: Things) -> Fields:
    return [("remove", "1")]


def _details(who: Who, things: Things) -> Fields:
    return [("name", f"Buyer {who.username}"), ("email", f"{who.username}@buyer.example")]


def _review(who: Who, things: Things) -> Fields:
    return things.review


def _nothing(who: Who, things: Things) -> Fields:
    return []


TABLE: Mapping[tuple[str, str], Case] = {
    # the base domain
    ("finder", "GET"): Case(),
    ("readyz", "GET"): Case(),
    # on every host
    ("__static/", "GET"): Case(parts={"subpath": "store.css"}),
    ("theme", "GET"): Case(parts={"hash": "0123456789abcdef", "kind": "css"}),
    # accounts
    ("sign_in", "GET"): Case(303),
    ("sign_in", "POST"): Case(303, form=_sign_in, bound=False),
    ("sign_out", "GET"): Case(),
    ("sign_out", "POST"): Case(303, form=_nothing),
    ("account_profile", "GET"): Case(),
    ("account_profile", "POST"): Case(303, form=_profile),
    ("account_password", "GET"): Case(),
    ("account_password", "POST"): Case(303, form=_password),
    ("account_eligibility", "GET"): Case(),
    # catalogue
    ("front", "GET"): Case(),
    ("products", "GET"): Case(),
    ("product", "GET"): Case(parts={"slug": BOUGHT}),
    ("product_cover", "GET"): Case(parts={"slug": BOUGHT}),
    ("page", "GET"): Case(parts={"name": "privacy"}),
    # checkout
    ("cart", "GET"): Case(),
    ("cart", "POST"): Case(303, form=_put),
    ("cart_line", "POST"): Case(303, {"product": "product", "variant": "variant"}, form=_remove),
    ("checkout", "GET"): Case(),
    ("checkout", "POST"): Case(303, form=_details),
    ("checkout_review", "GET"): Case(parts={"token": "checkout"}),
    ("checkout_review", "POST"): Case(303, {"token": "checkout"}, form=_review),
    ("account_orders", "GET"): Case(query={"after": "order"}),
    ("order", "GET"): Case(parts={"number": "order"}),
    ("order_download", "GET"): Case(parts={"number": "order", "token": "file"}),
    ("order_file", "GET"): Case(302, {"number": "order", "token": "file"}),
    ("picture", "GET"): Case(parts={"slug": "gone", "pattern": "data", "monogram": "Gn"}),
    # plugins
    ("access_guarantee", "GET"): Case(),
}
