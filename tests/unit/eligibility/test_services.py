"""The one decision: what it answers, in what words, and that its explanation is the verdict."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from translationstring import TranslationString

from platform_core.eligibility.periods import academic_year
from platform_core.eligibility.services import RULES, decide
from platform_core.plugin_api.types import Criterion, Decision, OfferTerms, Outcome, PersonTerms
from tests.common.shelves import GROUPS, NOON, ORGANISATIONS, person, store

STORE = store()
HOUR = timedelta(hours=1)
COUNTRIES = ("CA", "US", "FR")


def terms(**values: Any) -> OfferTerms:
    fields: dict[str, Any] = {
        "offer_id": UUID(int=9),
        "product_slug": "stat-workbench",
        "groups": (),
        "organisations": (),
        "countries": (),
        "limit": 0,
        "period": "ever",
        "starts_at": None,
        "ends_at": None,
    }
    return OfferTerms(**fields | values)


def criterion(decision: Decision, code: str) -> Criterion:
    return next(c for c in decision.criteria if c.code == code)


def english(words: Any) -> str:
    return words.interpolate() if isinstance(words, TranslationString) else words


def some(values: tuple[str, ...]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(values), unique=True).map(tuple)


moments = st.sampled_from([None, NOON - HOUR, NOON, NOON + HOUR])
people = st.builds(
    PersonTerms,
    account_id=st.just(UUID(int=1)),
    groups=some((*GROUPS, "gone")).map(frozenset),
    organisations=some(ORGANISATIONS).map(frozenset),
    verified=st.booleans(),
    verified_until=moments,
    country=st.sampled_from((None, *COUNTRIES)),
)
offers = st.builds(
    terms,
    groups=some(GROUPS),
    organisations=some(ORGANISATIONS),
    countries=some(COUNTRIES),
    limit=st.integers(0, 3),
    period=st.sampled_from(("ever", "year", "order")),
    starts_at=moments,
    ends_at=moments,
    already_had=st.integers(0, 4),
    in_cart=st.integers(1, 4),
)


def may(who: PersonTerms, offer: OfferTerms, country: str | None, now: datetime) -> bool:
    """The rules once more, told in another way."""
    where = country or who.country or "CA"
    had = 0 if offer.period == "order" else offer.already_had
    return (
        bool(who.groups & set(offer.groups or GROUPS))
        and (not offer.organisations or bool(who.organisations & set(offer.organisations)))
        and (not offer.countries or where in offer.countries)
        and who.verified
        and not (who.verified_until is not None and who.verified_until <= now)
        and not (offer.starts_at is not None and now < offer.starts_at)
        and not (offer.ends_at is not None and now >= offer.ends_at)
        and (offer.limit == 0 or had + offer.in_cart <= offer.limit)
    )


@pytest.mark.feature("ELG-01", "ELG-02", "ELG-03", "ELG-05")
@given(people, offers, st.sampled_from((None, *COUNTRIES)))
def test_the_explanation_is_the_verdict(who: PersonTerms, offer: OfferTerms, country: str | None) -> None:
    decision = decide(who, offer, store=STORE, country=country)
    assert decision.allowed == may(who, offer, country, NOON)
    assert decision.allowed != decision.refused  # of a person nothing is unknown
    codes = [c.code for c in decision.criteria]
    assert len(codes) == len(set(codes)) <= len(RULES)
    assert all(english(c.title) for c in decision.criteria)


def mended(
    c: Criterion, who: PersonTerms, offer: OfferTerms, now: datetime
) -> tuple[PersonTerms, OfferTerms, datetime]:
    """What the criterion says is wanted, done."""
    if c.code == "group":
        return replace(who, groups=who.groups | {c.wanted[0]}), offer, now
    if c.code == "organisation":
        return replace(who, organisations=who.organisations | {c.wanted[0]}), offer, now
    if c.code == "country":
        return replace(who, country=c.wanted[0]), offer, now
    if c.code == "verified":
        return replace(who, verified=True, verified_until=None), offer, now
    if c.code == "limit":
        return who, replace(offer, already_had=0, in_cart=1), now
    starts, ends = c.wanted
    return who, offer, starts if starts is not None and now < starts else ends - HOUR


@given(people, offers)
def test_the_named_mend_turns_each_refusal_into_a_yes(who: PersonTerms, offer: OfferTerms) -> None:
    for c in decide(who, offer, store=STORE).open_points:
        if c.code == "period" and offer.starts_at and offer.ends_at and offer.starts_at >= offer.ends_at:
            continue  # an offer without any moment
        better, other, then = mended(c, who, offer, NOON)
        again = criterion(decide(better, other, store=STORE, now=then), c.code)
        assert again.outcome is Outcome.PASSED


@given(people, offers)
def test_signing_in_answers_what_a_visitor_was_asked(who: PersonTerms, offer: OfferTerms) -> None:
    asked = decide(None, offer, store=STORE)
    answered = decide(who, offer, store=STORE)
    assert [c.code for c in asked.criteria] == [c.code for c in answered.criteria]
    assert not asked.allowed
    for question, answer in zip(asked.criteria, answered.criteria, strict=True):
        assert answer.outcome is not Outcome.UNKNOWN
        if question.outcome is Outcome.FAILED:  # what is refused to everybody
            assert question.code in {"period", "limit"}


@pytest.mark.feature("ELG-05")
def test_a_visitor_reads_what_the_store_will_ask() -> None:
    offer = terms(groups=("student", "faculty"), organisations=("science",), countries=("CA", "US"), limit=1)
    decision = decide(None, offer, store=STORE)
    assert {c.code: c.outcome.value for c in decision.criteria} == {
        "signed_in": "unknown",
        "group": "unknown",
        "organisation": "unknown",
        "country": "unknown",
        "verified": "unknown",
        "limit": "unknown",
    }
    assert english(criterion(decision, "group").title) == "Are you a student or a faculty?"
    assert english(criterion(decision, "organisation").title) == "Do you belong to Science?"
    assert english(criterion(decision, "country").detail) == "It can be had in: Canada and United States."
    mend = criterion(decision, "signed_in").mend
    assert mend is not None and mend.route == "sign_in"


def test_names_come_in_the_readers_language() -> None:
    decision = decide(person("staff"), terms(groups=("student", "faculty")), store=STORE, locale="fr")
    found = criterion(decision, "group")
    assert isinstance(found.title, TranslationString)
    assert found.title.mapping == {"groups": "STUDENT et FACULTY"}
    assert found.wanted == ("student", "faculty") and found.found == ("staff",)
    assert found.source == "products.stat-workbench.offers.group"


@pytest.mark.feature("ELG-02")
def test_one_of_several_groups_is_enough() -> None:
    decision = decide(person("student", "staff"), terms(groups=("staff",)), store=STORE)
    assert decision.allowed
    assert english(criterion(decision, "group").title) == "You are a staff"


def test_a_country_that_the_person_names_beats_the_stores_and_the_bill_beats_both() -> None:
    offer = terms(countries=("CA",))
    assert decide(person("student"), offer, store=STORE).allowed
    assert not decide(person("student", country="US"), offer, store=STORE).allowed
    assert decide(person("student", country="US"), offer, store=STORE, country="CA").allowed


def test_verification_ends_with_its_last_day() -> None:
    offer = terms()
    until = datetime(2026, 9, 1, 4, 0, tzinfo=NOON.tzinfo)  # midnight in Toronto
    decision = decide(person("student", verified_until=until), offer, store=STORE)
    found = criterion(decision, "verified")
    assert found.outcome is Outcome.FAILED
    assert english(found.detail) == "It was verified until 31\u00a0August 2026."
    assert found.mend is not None and found.mend.route == "account_eligibility"


@pytest.mark.parametrize(
    ("values", "detail"),
    [
        ({"already_had": 0}, "You have none yet."),
        ({"already_had": 1, "limit": 3}, "You have had 1 of 3."),
        ({"already_had": 1}, "You have had yours; it stands under Orders & Downloads."),
        (
            {"already_had": 1, "period": "year"},
            "You have had yours for this year. The next year begins on 1\u00a0September 2027.",
        ),
        ({"in_cart": 2}, "There are 2 in the cart."),
        ({"already_had": 1, "in_cart": 2, "limit": 2}, "You have had 1, and 2 more are in the cart."),
        ({"already_had": 5, "period": "order"}, "You can order again later."),
    ],
)
def test_a_limit_says_what_is_left_of_it(values: dict[str, Any], detail: str) -> None:
    offer = terms(**{"limit": 1} | values)
    found = criterion(decide(person("student"), offer, store=STORE), "limit")
    assert english(found.detail) == detail


def test_who_is_in_no_group_is_told_so() -> None:
    found = criterion(decide(person(), terms(), store=STORE), "group")
    assert found.outcome is Outcome.FAILED
    assert english(found.title) == "For members of Northfield only"


def test_more_than_a_few_organisations_are_listed_below_the_title() -> None:
    found = criterion(
        decide(person("student"), terms(organisations=ORGANISATIONS), store=STORE), "organisation"
    )
    assert english(found.title) == "Only for some faculties and departments"
    assert "Science, Arts, Law and Music" in english(found.detail)


@pytest.mark.parametrize(
    ("country", "zone", "now", "first"),
    [
        ("CA", "America/Toronto", (2026, 9, 1, 3), (2025, 9, 1)),  # still 31 August in Toronto
        ("CA", "America/Toronto", (2026, 9, 1, 5), (2026, 9, 1)),
        ("JP", "Asia/Tokyo", (2026, 3, 31, 15), (2026, 4, 1)),
    ],
)
def test_the_academic_year_begins_by_the_stores_country_and_clock(
    country: str, zone: str, now: tuple[int, ...], first: tuple[int, int, int]
) -> None:
    base = STORE.config.store.model_dump() | {"country": country, "time_zone": zone}
    own = store(store=base)
    begins, after = academic_year(own, datetime(*now, tzinfo=NOON.tzinfo))  # type: ignore[misc, arg-type]
    assert (begins.year, begins.month, begins.day) == first
    assert (after.year, after.month) == (begins.year + 1, begins.month)
