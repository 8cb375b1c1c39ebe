"""What a person reads about changes of a cart: at sign-in, since the last visit, since the review."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from platform_core.checkout.basket import Basket, Change, Item, Mark
from platform_core.money import Money
from platform_core.plugin_api.types import Words
from platform_core.web.i18n import _

NameOf = Callable[[Any], str]
"""Picks the text of a localised value in the reader's language."""


def bad_quantity(name: str, found: str, most: int, limited: bool) -> Words:
    """A quantity that cannot be: what was found, and what is allowed."""
    values = {"name": name, "found": found[:20] or "–", "most": str(most)}
    if most == 1:
        text = _("${name}: the quantity cannot be “${found}”. Allowed is 1: one for each person.")
    elif limited:
        text = _("${name}: the quantity cannot be “${found}”. Allowed are 1 to ${most} for each person.")
    else:
        text = _("${name}: the quantity cannot be “${found}”. Allowed are 1 to ${most}.")
    return text % values


def too_many(name: str, most: int, in_cart: int) -> Words:
    """More than the limit once what is in the cart already is counted."""
    values = {"name": name, "most": str(most), "n": str(in_cart)}
    if most == 1:
        return _("${name} is in your cart already. Each person may have one.", mapping=values)
    return _("There are ${n} of ${name} in your cart already. Allowed are 1 to ${most}.", mapping=values)


def merge_summary(changes: Sequence[Mapping[str, Any]]) -> Words | None:
    """One sentence for the page after sign-in; the cart page tells each change."""
    kinds = {change["kind"] for change in changes}
    if kinds & {"added", "raised", "limited"}:
        return _("What you had put into the cart before signing in is now in your own cart.")
    if "left_out" in kinds:
        return _("Something that you put into the cart before signing in could not join your own cart.")
    return None


_MERGED: Mapping[str, Any] = {
    "added": _("${name} was put in before you signed in and is now in your own cart."),
    "limited": _(
        "${name}: ${after} of what you put in before signing in came along, as many as you may have."
    ),
    "raised": _("${name}: there are ${after} now instead of ${before}, as you put in before signing in."),
    "same": _("${name} was in your own cart already. Nothing was added."),
    "left_out": _("${name} did not join your own cart, which holds as many as you may have."),
}


def merge_notice(change: Mapping[str, Any], name: str) -> Words:
    """One line of a cart that changed at sign-in."""
    text: Words = _MERGED[change["kind"]] % {
        "name": name,
        "before": str(change["before"]),
        "after": str(change["after"]),
    }
    return text


def price_change(item: Item, name: str) -> Words:
    """A price that is another one than when the cart was last changed."""
    was = item.was
    assert was is not None and item.quote is not None and item.quote.price is not None
    now = item.quote.price.gross
    values = {"name": name, "now": now, "less": was - now, "more": now - was}
    if now.is_zero:
        return _("${name} is free now.", mapping=values)
    if now < was:
        return _("${name} costs ${now} now, ${less} less than when you put it in.", mapping=values)
    return _("${name} costs ${now} now, ${more} more than when you put it in.", mapping=values)


def gone(item: Item, name: str) -> Words | None:
    """Why a line is no longer for sale at all; None while it is."""
    if item.product is None:
        return _(
            "This store no longer offers ${name}. Take it out to go on with the rest.", mapping={"name": name}
        )
    if item.variant_gone:
        return _("This version of ${name} is no longer offered. Choose another one.", mapping={"name": name})
    return None


def change_words(change: Change, now: Basket, name: str) -> Words:
    """How one line differs from what the review showed."""
    before, after = change.before, change.after
    values: dict[str, Any] = {"name": name}
    if after is None:
        return _("${name} is no longer in your cart.", mapping=values)
    values["after"] = str(after.quantity)
    if before is None:
        return _("${name} has come into your cart since.", mapping=values)
    if before.quantity != after.quantity:
        values["before"] = str(before.quantity)
        return _("${name}: the quantity is ${after} now, not ${before}.", mapping=values)
    was, is_now = _money(before), _money(after)
    if was is not None and is_now is not None:
        return _("${name} costs ${now} now, not ${was}.", mapping=values | {"now": is_now, "was": was})
    return _("${name} has no price in ${currency} any more.", mapping=values | {"currency": now.currency})


def _money(mark: Mark) -> Money | None:
    return None if mark.amount is None else Money(mark.amount, mark.currency)
