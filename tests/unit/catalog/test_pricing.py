"""Quotes: the best offer for a person, its tax, and the way to pay."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platform_core.catalog.pricing import open_prices, payment_methods, price_of, quote, shown_price, terms_of
from platform_core.catalog.shelf import Product, shelf
from platform_core.eligibility.services import decide
from platform_core.money import Money
from platform_core.plugin_api.types import Outcome
from platform_core.tenancy.store import Store
from tests.common.shelves import GROUPS, NOON, offer_row, person, product_row, store

HOUR = timedelta(hours=1)


def shop(*offers: dict[str, Any], **parts: Any) -> tuple[Store, Product]:
    own = store([product_row("stat-workbench", *offers)], **parts)
    return own, shelf(own).by_slug["stat-workbench"]


def failed(found: Any) -> set[str]:
    return {c.code for c in found.decision.criteria if c.outcome is Outcome.FAILED}


PRICED = offer_row("student", groups=["student"], prices={"CAD": 4900, "USD": 3900})
DEARER = offer_row("employee", groups=["faculty", "staff"], prices={"CAD": 8900})


def test_each_pays_the_price_of_their_group() -> None:
    own, product = shop(PRICED, DEARER)
    mine = quote(own, product, person=person("student"), currency="CAD", uses={})
    assert mine.allowed and mine.price is not None
    assert (mine.price.gross, mine.price.rule) == (Money(4900, "CAD"), "student")
    both = quote(own, product, person=person("staff", "student"), currency="CAD", uses={})
    assert both.offer is not None and both.offer.code == "student"
    staff = quote(own, product, person=person("staff"), currency="CAD", uses={})
    assert staff.price is not None and staff.price.gross == Money(8900, "CAD")


def test_the_tax_inside_a_price_is_split_by_the_stores_table() -> None:
    own, product = shop(PRICED)
    found = quote(own, product, person=person("student"), currency="CAD", uses={})
    assert found.price is not None
    assert (found.price.net.amount, found.price.tax.amount) == (4336, 564)
    assert (found.price.tax_code, found.price.tax_rate) == ("HST", Decimal(13))
    abroad = quote(own, product, person=person("student", country="US"), currency="CAD", uses={})
    assert abroad.price is not None
    assert (abroad.price.gross.amount, abroad.price.tax.amount, abroad.price.tax_code) == (4900, 0, "")


def test_a_store_without_tax_in_its_prices_adds_it() -> None:
    rates = [
        {"code": "GST", "label": "GST", "rate": "5", "country": "CA"},
        {"code": "QST", "label": "QST", "rate": "9.975"},
    ]
    own, product = shop(PRICED, tax={"included": False, "rates": rates})
    found = quote(own, product, person=person("student"), currency="CAD", uses={})
    assert found.price is not None
    assert shown_price(own, found.price) == Money(4900, "CAD") == found.price.net
    assert (found.price.tax_code, found.price.tax_rate) == ("GST+QST", Decimal("14.975"))
    assert found.price.gross == Money(4900 + 734, "CAD")


amounts = st.integers(0, 10**9)


@pytest.mark.feature("PAY-08")
@given(amounts, st.sampled_from(("CAD", "JPY")), st.booleans(), st.decimals(0, 100, places=3))
def test_net_and_tax_always_add_up(amount: int, currency: str, included: bool, rate: Decimal) -> None:
    tax = {"included": included, "rates": [{"code": "T", "label": "T", "rate": str(rate)}]}
    own, product = shop(offer_row("all", prices={currency: amount}), tax=tax)
    price = price_of(own, product.offers[0], currency)
    assert price is not None
    assert price.net + price.tax == price.gross
    assert shown_price(own, price) == Money(amount, currency)
    assert 0 <= price.tax.amount <= price.gross.amount


groups = st.lists(st.sampled_from(GROUPS), unique=True)
offers = st.builds(
    lambda code, **values: offer_row(code, **values),
    code=st.uuids().map(str),
    groups=groups,
    prices=st.dictionaries(st.sampled_from(("CAD", "USD")), st.integers(1, 5), min_size=1),
    limit=st.integers(0, 2),
    starts_at=st.sampled_from([None, (NOON + HOUR).isoformat(), NOON.isoformat()]),
)


@given(st.lists(offers, max_size=5), groups, st.booleans(), st.integers(0, 2))
def test_the_quote_is_the_cheapest_allowed_offer(
    rows: list[dict[str, Any]], mine: list[str], verified: bool, had: int
) -> None:
    own, product = shop(*rows)
    who = person(*mine, verified=verified)
    uses = {offer.id: had for offer in product.offers}
    found = quote(own, product, person=who, currency="CAD", uses=uses)
    allowed = [
        offer.prices["CAD"]
        for offer in product.offers
        if "CAD" in offer.prices and decide(who, terms_of(offer, had), store=own).allowed
    ]
    assert found.allowed == bool(allowed)
    if allowed:
        assert found.price is not None and found.price.gross.amount == min(allowed)
    elif product.offers:
        assert found.decision.refused
    again = quote(own, product, person=who, currency="CAD", uses=uses)
    assert again == found


def test_a_refusal_names_every_group_that_may_have_it() -> None:
    own, product = shop(DEARER, offer_row("guests", groups=["faculty"], prices={"CAD": 9900}))
    found = quote(own, product, person=person("student"), currency="CAD", uses={})
    group = next(c for c in found.decision.criteria if c.code == "group")
    assert group.wanted == ("faculty", "staff") and found.not_for_them
    own, product = shop(offer_row("f", groups=["faculty"]), offer_row("s", groups=["staff"]))
    found = quote(own, product, person=person("student"), currency="CAD", uses={})
    assert next(c for c in found.decision.criteria if c.code == "group").wanted == ("faculty", "staff")


def test_the_offer_with_the_fewest_open_points_speaks() -> None:
    own, product = shop(DEARER, PRICED)
    found = quote(own, product, person=person("student", verified=False), currency="CAD", uses={})
    assert found.offer is not None and found.offer.code == "student"
    assert failed(found) == {"verified"} and not found.not_for_them


@pytest.mark.feature("PAY-06")
def test_a_currency_without_a_price_is_named_with_those_that_have_one() -> None:
    own, product = shop(DEARER)
    found = quote(own, product, person=person("staff"), currency="USD", uses={})
    assert found.price is None and failed(found) == {"price"}
    price = next(c for c in found.decision.criteria if c.code == "price")
    assert (price.wanted, price.found) == (("CAD",), "USD")


def test_a_visitor_sees_the_lowest_price_that_any_group_pays() -> None:
    free = offer_row("staff-free", groups=["staff"])
    over = offer_row("old", groups=["student"], prices={"CAD": 1}, ends_at=NOON.isoformat())
    own, product = shop(over, DEARER, PRICED)
    found = quote(own, product, person=None, currency="CAD", uses={})
    assert found.price is not None and found.price.gross == Money(4900, "CAD")
    assert not found.decision.allowed and not found.decision.refused
    assert next(c for c in found.decision.criteria if c.code == "group").wanted == (
        "faculty",
        "staff",
        "student",
    )
    own, product = shop(DEARER, PRICED, free)
    assert quote(own, product, person=None, currency="CAD", uses={}).free
    assert [offer.code for offer, _price in open_prices(own, product, "CAD")] == [
        "staff-free",
        "student",
        "employee",
    ]


def test_uses_and_the_cart_count_against_the_limit() -> None:
    own, product = shop(offer_row("all", limit=1))
    offer = product.offers[0]
    assert quote(own, product, person=person("student"), currency="CAD", uses={}).allowed
    assert failed(quote(own, product, person=person("student"), currency="CAD", uses={offer.id: 1})) == {
        "limit"
    }
    assert failed(quote(own, product, person=person("student"), currency="CAD", uses={}, in_cart=2)) == {
        "limit"
    }


def test_a_product_without_an_offer_says_so() -> None:
    own, product = shop()
    found = quote(own, product, person=person("student"), currency="CAD", uses={})
    assert (found.offer, found.price) == (None, None) and failed(found) == {"offer"}


@pytest.mark.feature("CRT-06")
def test_nothing_to_pay_needs_no_method_and_a_price_has_none_yet() -> None:
    own, _product = shop()
    methods, decision = payment_methods(own, Money(0, "CAD"))
    assert methods == [] and decision.allowed
    methods, decision = payment_methods(own, Money(100, "CAD"))
    assert methods == [] and decision.refused
    assert [c.code for c in decision.criteria] == ["payment_method"]
