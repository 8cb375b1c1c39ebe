from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platform_core.money import (
    BadAmount,
    MixedCurrencies,
    Money,
    digits,
    format_money,
    is_currency,
    round_half_up,
    tax_inside,
    tax_on_top,
    total,
)

AMOUNTS = st.integers(-(10**14), 10**14)
PERCENTS = st.decimals(0, 100, places=4)
CURRENCIES = st.sampled_from(["CAD", "USD", "EUR", "JPY", "SGD"])


@given(AMOUNTS, PERCENTS)
def test_net_and_tax_of_a_price_that_contains_it_always_add_up(amount: int, percent: Decimal) -> None:
    taxed = tax_inside(Money(amount, "CAD"), percent)
    assert taxed.gross == taxed.net + taxed.tax == Money(amount, "CAD")
    exact = Decimal(amount) * percent / (100 + percent)
    assert abs(taxed.tax.amount - exact) <= Decimal("0.5")


@given(st.integers(0, 10**14), PERCENTS)
def test_a_credit_is_taxed_like_the_sale(amount: int, percent: Decimal) -> None:
    sale, credit = (tax_inside(Money(sign * amount, "EUR"), percent) for sign in (1, -1))
    assert credit.tax.amount == -sale.tax.amount
    assert tax_on_top(Money(-amount, "EUR"), percent).tax.amount == (
        -tax_on_top(Money(amount, "EUR"), percent).tax.amount
    )


@given(AMOUNTS, PERCENTS)
def test_tax_on_top_leaves_the_net_alone(amount: int, percent: Decimal) -> None:
    taxed = tax_on_top(Money(amount, "USD"), percent)
    assert taxed.net == Money(amount, "USD")
    assert taxed.gross.amount - amount == taxed.tax.amount


@pytest.mark.parametrize(
    ("gross", "percent", "tax"),
    [("49.00", "13", "5.64"), ("113.00", "13", "13.00"), ("0.00", "13", "0.00"), ("10.00", "0", "0.00")],
)
def test_tax_inside_by_hand(gross: str, percent: str, tax: str) -> None:
    assert tax_inside(Money.of(gross, "CAD"), Decimal(percent)).tax == Money.of(tax, "CAD")


@pytest.mark.parametrize(
    ("value", "rounded"),
    [("0.5", 1), ("1.5", 2), ("2.5", 3), ("-0.5", -1), ("-2.5", -3), ("0.49", 0), ("-0.49", 0)],
)
def test_rounding_is_half_away_from_zero(value: str, rounded: int) -> None:
    assert round_half_up(Decimal(value)) == rounded


def test_a_total_is_the_sum_of_rounded_lines() -> None:
    lines = [tax_on_top(Money(33, "CAD"), Decimal(13)).gross for _ in range(3)]
    assert total("CAD", lines) == Money(111, "CAD")  # 3 × 0.37, not 1.12
    assert total("JPY", []) == Money.zero("JPY")
    assert total("JPY", []).is_zero


def test_two_currencies_never_meet() -> None:
    cad, usd = Money.of("1", "CAD"), Money.of("1", "USD")
    for meet in (
        lambda: cad + usd,
        lambda: cad - usd,
        lambda: cad < usd,
        lambda: cad <= usd,
        lambda: cad > usd,
        lambda: total("USD", [cad]),
    ):
        with pytest.raises(MixedCurrencies):
            meet()
    assert cad != usd


def test_money_is_never_a_float() -> None:
    price: Any = Money.of("49.00", "CAD")
    for wrong in (lambda: price * 1.5, lambda: price + 1, lambda: Money(price.amount / 2, "CAD")):
        with pytest.raises(TypeError):
            wrong()


def test_arithmetic() -> None:
    assert Money(100, "CAD") * 3 - Money(50, "CAD") + Money(1, "CAD") == Money(251, "CAD")
    assert Money(1, "CAD") < Money(2, "CAD") <= Money(2, "CAD")


@pytest.mark.feature("PAY-08")
def test_yen_have_no_minor_unit() -> None:
    assert digits("JPY") == 0
    assert Money.of("1200", "JPY").amount == 1200
    assert Money.of("1200.00", "JPY").amount == 1200  # as a spreadsheet writes it: no part of a yen in it
    assert str(Money(1200, "JPY").decimal) == "1200"
    with pytest.raises(BadAmount, match="at most 0 decimals for JPY"):
        Money.of("1200.50", "JPY")
    assert tax_inside(Money(1100, "JPY"), Decimal(10)).tax == Money(100, "JPY")
    assert "." not in format_money(Money(1200, "JPY"), "en")


@given(st.integers(-(10**14) + 1, 10**14 - 1), CURRENCIES)
def test_every_amount_survives_its_decimal_text(amount: int, currency: str) -> None:
    money = Money(amount, currency)
    assert Money.of(str(money.decimal), currency) == money
    assert Money.of(money.decimal, currency) == money


@pytest.mark.parametrize(
    "text",
    [
        "",
        " 1",
        "1_000",
        "1e3",
        "1,00",
        "+5",
        "１",
        "NaN",
        "Infinity",
        "1e999999",
        "1.",
        ".5",
        "9" * 16,
        "true",
        "49.001",
        "49.000000000000000000000000000001",
    ],
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(BadAmount, match=r"found .*, allowed: "):
        Money.of(text, "CAD")


def test_amounts_that_spreadsheets_write() -> None:
    assert (
        Money.of("49", "CAD") == Money.of("49.0", "CAD") == Money.of("49.0000", "CAD") == Money(4900, "CAD")
    )
    assert Money.of(Decimal("4.9E+1"), "CAD") == Money.of(49, "CAD") == Money(4900, "CAD")
    assert Money.of("-0.05", "CAD") == Money(-5, "CAD")


def test_currencies_are_those_of_today() -> None:
    assert all(map(is_currency, ("CAD", "USD", "EUR", "JPY", "SGD")))
    assert not any(map(is_currency, ("DEM", "XXX", "XTS", "cad", "", "CA")))


THIN, WIDE = "\u202f", "\u00a0"


@pytest.mark.parametrize(
    ("amount", "currency", "locale", "text"),
    [
        ("1234.50", "CAD", "en", f"CAD{WIDE}1,234.50"),
        ("1234.50", "USD", "en", f"USD{WIDE}1,234.50"),
        ("1234.50", "SGD", "en", f"SGD{WIDE}1,234.50"),
        ("1234.50", "EUR", "en", "€1,234.50"),
        ("1234", "JPY", "en", "¥1,234"),
        ("1234.50", "CAD", "fr", f"1{THIN}234,50{WIDE}CAD"),
        ("1234.50", "USD", "fr", f"1{THIN}234,50{WIDE}USD"),
        ("1234.50", "SGD", "fr", f"1{THIN}234,50{WIDE}SGD"),
        ("1234.50", "EUR", "fr", f"1{THIN}234,50{WIDE}€"),
        ("1234", "JPY", "fr", f"1{THIN}234{WIDE}JPY"),
        ("-5.64", "CAD", "en", f"-CAD{WIDE}5.64"),
        ("49.00", "CAD", "fr_CA", f"49,00{WIDE}CAD"),
    ],
)
def test_money_as_people_write_it(amount: str, currency: str, locale: str, text: str) -> None:
    assert format_money(Money.of(amount, currency), locale) == text


@given(AMOUNTS, CURRENCIES, st.sampled_from(["en", "fr", "fr_CA", "ja"]))
def test_money_is_never_broken_over_a_line(amount: int, currency: str, locale: str) -> None:
    assert " " not in format_money(Money(amount, currency), locale)
