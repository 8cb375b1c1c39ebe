"""What a person reads about each criterion: title, detail, and the one thing to do.

Kept apart from the rules, so that a rule reads like a rule and a sentence like a sentence. Each function
answers (title, detail); names of groups and countries come in the reader's language.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from platform_core.clock import local_day
from platform_core.eligibility.names import Names
from platform_core.plugin_api.types import Mend, Words
from platform_core.web.formats import day_text
from platform_core.web.i18n import _

Pair = tuple[Words, Words]
FEW = 3

SIGN_IN = Mend(_("Sign In"), "sign_in")
SEE_ELIGIBILITY = Mend(_("See your eligibility"), "account_eligibility")
SEE_ORDERS = Mend(_("Orders & Downloads"), "account_orders")
CHANGE_CART = Mend(_("Change the cart"), "cart")


def last_day(end: datetime, zone: str) -> date:
    """The last day of a half-open span that ends at `end`."""
    return local_day(end - timedelta(microseconds=1), zone)


def signed_in(known: bool, n: Names) -> Pair:
    """Do we know who asks?"""
    if known:
        return _("You are signed in"), ""
    return _("Who are you?"), _(
        "Your account at ${store} tells us what you may have.", mapping={"store": n.store}
    )


def group_asked(wanted: Sequence[str], n: Names) -> Pair:
    """For a visitor."""
    title = _("Are you ${people}?", mapping={"people": n.people(wanted, "or")})
    return title, _("Your account says so; you need not fill in anything.")


def group_met(own: Sequence[str], for_all: bool, wanted: Sequence[str], n: Names) -> Pair:
    """The person is in a group that may have it."""
    title = _("You are ${people}", mapping={"people": n.people(own)})
    others = [code for code in wanted if code not in own]
    if for_all:
        return title, _("All groups of ${store} may have it.", mapping={"store": n.store})
    if others:
        return title, _("Others who may have it: ${groups}.", mapping={"groups": n.groups(others)})
    return title, _("It is for: ${groups}.", mapping={"groups": n.groups(wanted)})


def group_missing(own: Sequence[str], for_all: bool, wanted: Sequence[str], n: Names) -> Pair:
    """The person is in no group that may have it."""
    if not own:
        detail = _(
            "Your account does not say yet whether you study, teach or work at ${store}.",
            mapping={"store": n.store},
        )
    else:
        detail = _(
            "Your account says that you are ${people}. If that is no longer so, have it corrected.",
            mapping={"people": n.people(own)},
        )
    if for_all:
        return _("For members of ${store} only", mapping={"store": n.store}), detail
    return only_for(wanted, n), detail


def only_for(groups: Sequence[str], n: Names) -> Words:
    """The short form, also on a card: "Faculty only"."""
    return _("${groups} only", mapping={"groups": n.groups(groups)})


def organisation_asked(wanted: Sequence[str], n: Names) -> Pair:
    """For a visitor."""
    if len(wanted) <= FEW:
        title = _(
            "Do you belong to ${organisations}?", mapping={"organisations": n.organisations(wanted, "or")}
        )
        return title, _("Your account names your faculty or department.")
    return (
        _("Does your faculty or department take part?"),
        _("These take part: ${organisations}.", mapping={"organisations": n.organisations(wanted)}),
    )


def organisation_met(own: Sequence[str], wanted: Sequence[str], n: Names) -> Pair:
    """The person belongs to an organisation that takes part."""
    values = {
        "organisations": n.organisations(own),
        "count": str(len(wanted)),
        "total": str(max(len(wanted), len(n.all_organisations))),
    }
    return (
        _("Your faculty or department takes part"),
        _("Yours: ${organisations}. Taking part: ${count} of ${total}.", mapping=values),
    )


def organisation_missing(own: Sequence[str], wanted: Sequence[str], n: Names) -> Pair:
    """The person belongs to none that takes part."""
    those = n.organisations(wanted)
    if len(wanted) <= FEW:
        title = _("Only for members of ${organisations}", mapping={"organisations": those})
        if not own:
            return title, _("Your account names no faculty or department yet.")
        return title, _("Yours: ${organisations}.", mapping={"organisations": n.organisations(own)})
    title = _("Only for some faculties and departments")
    if not own:
        return title, _(
            "These take part: ${organisations}. Your account names none yet.",
            mapping={"organisations": those},
        )
    return title, _(
        "These take part: ${organisations}. Yours: ${own}.",
        mapping={"organisations": those, "own": n.organisations(own)},
    )


def country_asked(wanted: Sequence[str], n: Names) -> Pair:
    """For a visitor."""
    return (
        _("Which country are you in?"),
        _("It can be had in: ${countries}.", mapping={"countries": n.countries(wanted)}),
    )


def country_answer(met: bool, country: str, stated: bool, wanted: Sequence[str], n: Names) -> Pair:
    """`stated`: the person (or the billing address) names the country; else it is the store's own."""
    values = {"country": n.countries([country]), "countries": n.countries(wanted)}
    if met and stated:
        return _("Your country: ${country}", mapping=values), _(
            "It can be had in: ${countries}.", mapping=values
        )
    if met:
        return (
            _("Your country: ${country}", mapping=values),
            _("Your account names no country, so the store's own counts.", mapping=values),
        )
    return (
        _("Not sold in your country: ${country}", mapping=values),
        _(
            "It can be had in: ${countries}. Elsewhere the publisher sells through its own partners.",
            mapping=values,
        ),
    )


def verified_asked(n: Names) -> Pair:
    """For a visitor."""
    return (
        _("Is your status verified?"),
        _("${store} confirms that you study, teach or work there.", mapping={"store": n.store}),
    )


def verified_answer(met: bool, until: datetime | None, zone: str, n: Names) -> Pair:
    """Is the person's status verified now?"""
    day = day_text(last_day(until, zone), n.locale) if until else ""
    if met:
        return (
            _("Your status is verified"),
            _("Until ${day}.", mapping={"day": day}) if until else _("Without an end date."),
        )
    if until:
        return _("Your status must be verified again"), _(
            "It was verified until ${day}.", mapping={"day": day}
        )
    return (
        _("Your status must be verified"),
        _("${store} has not confirmed yet that you study, teach or work there.", mapping={"store": n.store}),
    )


def period_answer(starts: datetime | None, ends: datetime | None, now: datetime, zone: str, n: Names) -> Pair:
    """Is the offer open now?"""
    if starts is not None and now < starts:
        day = day_text(local_day(starts, zone), n.locale)
        return _("Not offered yet"), _("The offer begins on ${day}.", mapping={"day": day})
    if ends is not None:
        day = day_text(last_day(ends, zone), n.locale)
        if now >= ends:
            return _("No longer offered"), _("The offer ended on ${day}.", mapping={"day": day})
        return _("Offered now"), _("Until ${day}.", mapping={"day": day})
    return _("Offered now"), ""


def limit_title(limit: int, period: str) -> Words:
    """How many a person may have, over what time."""
    values = {"limit": str(limit)}
    if period == "year":
        one, many = _("One for each person and year"), _("${limit} for each person and year", mapping=values)
    elif period == "order":
        one, many = _("One for each order"), _("${limit} for each order", mapping=values)
    else:
        one, many = _("One for each person"), _("${limit} for each person", mapping=values)
    return one if limit == 1 else many


def limit_asked(limit: int, period: str) -> Pair:
    """For a visitor."""
    if period == "order":
        return limit_title(limit, period), _("You can order again later.")
    return _("Do you have it already?"), limit_title(limit, period)


def limit_answer(limit: int, period: str, had: int, in_cart: int, next_year: date, n: Names) -> Pair:
    """How much of the limit is left."""
    title = limit_title(limit, period)
    values = {
        "had": str(had),
        "in_cart": str(in_cart),
        "limit": str(limit),
        "day": day_text(next_year, n.locale),
    }
    if had >= limit and period != "order":
        if period == "year":
            return title, _(
                "You have had yours for this year. The next year begins on ${day}.", mapping=values
            )
        return title, _("You have had yours; it stands under Orders & Downloads.")
    if had + in_cart > limit:
        if had == 0:
            return title, _("There are ${in_cart} in the cart.", mapping=values)
        return title, _("You have had ${had}, and ${in_cart} more are in the cart.", mapping=values)
    if period == "order":
        return title, _("You can order again later.")
    if had == 0:
        return title, _("You have none yet.")
    return title, _("You have had ${had} of ${limit}.", mapping=values)
