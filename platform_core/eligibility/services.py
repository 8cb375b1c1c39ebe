"""`decide`: may this person have this offer? The one answer that product page, cart and checkout share.

Every rule is asked and answered, also those that pass: a page shows why, and staff see where it is set. Codes
are stable: `signed_in`, `group`, `organisation`, `country`, `verified`, `period`, `limit` (ELG-01 to ELG-03,
ELG-05). For a visitor an answer that depends on the person is `unknown`: it is what the store will ask.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from platform_core.eligibility import words
from platform_core.eligibility.names import Names, names
from platform_core.eligibility.periods import academic_year
from platform_core.plugin_api.types import Criterion, Decision, Mend, OfferTerms, Outcome, PersonTerms
from platform_core.tenancy.store import Store


@dataclass(frozen=True, slots=True)
class _Question:
    person: PersonTerms | None
    terms: OfferTerms
    store: Store
    country: str | None
    now: datetime
    names: Names

    def answer(
        self,
        code: str,
        outcome: Outcome,
        said: words.Pair,
        *,
        wanted: Any,
        found: Any,
        mend: Mend | None = None,
    ) -> Criterion:
        source = (
            "account"
            if code in {"signed_in", "verified"}
            else f"products.{self.terms.product_slug}.offers.{code}"
        )
        mend = mend if outcome is not Outcome.PASSED else None
        return Criterion(code, outcome, said[0], said[1], wanted, found, source, mend)


def _outcome(met: bool) -> Outcome:
    return Outcome.PASSED if met else Outcome.FAILED


def decide(
    person: PersonTerms | None,
    terms: OfferTerms,
    *,
    store: Store,
    country: str | None = None,
    now: datetime | None = None,
    locale: str | None = None,
) -> Decision:
    """Every criterion of an offer with its answer for `person` (None: a visitor who has not signed in).

    `country` is the billing address's if there is one; without it the account's counts, else the store's.
    `now` is business time (default: the store's clock). `locale` is the language of names within the words
    (default: the store's first). Criteria that an offer does not set are left out.
    """
    question = _Question(person, terms, store, country, now or store.clock.now(), names(store, locale))
    answers = (rule(question) for rule in RULES)
    return Decision(tuple(answer for answer in answers if answer is not None))


def _signed_in(q: _Question) -> Criterion:
    known = q.person is not None
    outcome = Outcome.PASSED if known else Outcome.UNKNOWN
    said = words.signed_in(known, q.names)
    return q.answer("signed_in", outcome, said, wanted=True, found=known, mend=words.SIGN_IN)


def _group(q: _Question) -> Criterion | None:
    for_all = not q.terms.groups
    wanted = q.terms.groups or q.names.all_groups
    if not wanted:
        return None
    if q.person is None:
        return q.answer(
            "group", Outcome.UNKNOWN, words.group_asked(wanted, q.names), wanted=wanted, found=None
        )
    own = tuple(code for code in wanted if code in q.person.groups)
    found = tuple(sorted(q.person.groups))
    if own:
        said = words.group_met(own, for_all, wanted, q.names)
        return q.answer("group", Outcome.PASSED, said, wanted=wanted, found=found)
    said = words.group_missing(found, for_all, wanted, q.names)
    return q.answer("group", Outcome.FAILED, said, wanted=wanted, found=found, mend=words.SEE_ELIGIBILITY)


def _organisation(q: _Question) -> Criterion | None:
    wanted = q.terms.organisations
    if not wanted:
        return None
    if q.person is None:
        said = words.organisation_asked(wanted, q.names)
        return q.answer("organisation", Outcome.UNKNOWN, said, wanted=wanted, found=None)
    found = tuple(sorted(q.person.organisations))
    own = tuple(code for code in wanted if code in q.person.organisations)
    if own:
        said = words.organisation_met(own, wanted, q.names)
        return q.answer("organisation", Outcome.PASSED, said, wanted=wanted, found=found)
    said = words.organisation_missing(found, wanted, q.names)
    return q.answer(
        "organisation", Outcome.FAILED, said, wanted=wanted, found=found, mend=words.SEE_ELIGIBILITY
    )


def _country(q: _Question) -> Criterion | None:
    wanted = q.terms.countries
    if not wanted:
        return None
    stated = q.country or (q.person.country if q.person else None)
    if q.person is None and stated is None:
        said = words.country_asked(wanted, q.names)
        return q.answer("country", Outcome.UNKNOWN, said, wanted=wanted, found=None)
    country = stated or q.store.config.store.country
    met = country in wanted
    said = words.country_answer(met, country, stated is not None, wanted, q.names)
    return q.answer("country", _outcome(met), said, wanted=wanted, found=country)


def _verified(q: _Question) -> Criterion:
    if q.person is None:
        return q.answer("verified", Outcome.UNKNOWN, words.verified_asked(q.names), wanted=True, found=None)
    until = q.person.verified_until
    met = q.person.verified and (until is None or q.now < until)
    shown = until if met or (until is not None and q.now >= until) else None
    said = words.verified_answer(met, shown, q.store.zone, q.names)
    return q.answer("verified", _outcome(met), said, wanted=True, found=met, mend=words.SEE_ELIGIBILITY)


def _period(q: _Question) -> Criterion | None:
    starts, ends = q.terms.starts_at, q.terms.ends_at
    if starts is None and ends is None:
        return None
    met = (starts is None or q.now >= starts) and (ends is None or q.now < ends)
    said = words.period_answer(starts, ends, q.now, q.store.zone, q.names)
    return q.answer("period", _outcome(met), said, wanted=(starts, ends), found=q.now)


def _limit(q: _Question) -> Criterion | None:
    limit, period = q.terms.limit, q.terms.period
    if limit <= 0:
        return None
    had = 0 if period == "order" else q.terms.already_had
    met = had + q.terms.in_cart <= limit
    if q.person is None and met:
        said = words.limit_asked(limit, period)
        outcome = Outcome.PASSED if period == "order" else Outcome.UNKNOWN
        return q.answer("limit", outcome, said, wanted=limit, found=None)
    next_year = academic_year(q.store, q.now)[1]
    said = words.limit_answer(limit, period, had, q.terms.in_cart, next_year, q.names)
    mend = words.SEE_ORDERS if had >= limit else words.CHANGE_CART
    return q.answer("limit", _outcome(met), said, wanted=limit, found=had, mend=mend)


RULES: tuple[Callable[[_Question], Criterion | None], ...] = (
    _signed_in,
    _group,
    _organisation,
    _country,
    _verified,
    _period,
    _limit,
)
"""Every rule, in the order of asking."""
