"""Money: whole minor units of one currency. Never a float, never two currencies in one sum.

Rounding: half away from zero on each line, to the currency's own digits (CLDR; JPY has none, PAY-08). Totals
are sums of rounded lines.
"""

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

from babel.core import get_global
from babel.numbers import format_currency, get_currency_precision, get_territory_currencies

from platform_core.clock import machine_time

# Plain ASCII and what a BIGINT holds: Python's own numbers also read "1_000", "1e3" and "１".
_DECIMAL = re.compile(r"(-?)([0-9]{1,15})(?:\.([0-9]{1,40}))?", re.ASCII)


class MixedCurrencies(ValueError):
    """Two amounts of different currencies met in one operation."""


class BadAmount(ValueError):
    """A text is no amount of that currency: no number, or more decimals than the currency has."""


@lru_cache(maxsize=512)
def digits(currency: str) -> int:
    """Decimals of a currency by CLDR: CAD 2, JPY 0."""
    return int(get_currency_precision(currency))


@lru_cache(maxsize=1)
def _current() -> frozenset[str]:
    today = machine_time().date()
    return frozenset(
        code
        for territory in get_global("territory_currencies")
        for code in get_territory_currencies(territory, today, today)
    )


def is_currency(code: str) -> bool:
    """Is this an ISO 4217 code that people pay with somewhere today (CLDR)? Historic ones such as DEM are not."""
    return code in _current()


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """`amount` minor units of `currency` (ISO 4217)."""

    amount: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.amount) is not int:
            raise TypeError("an amount of money is a whole number of minor units")

    @classmethod
    def of(cls, value: str | Decimal | int, currency: str) -> "Money":
        """From a decimal text such as "49.00". Raises BadAmount for what is no amount of that currency."""
        match = _DECIMAL.fullmatch(format(value, "f") if isinstance(value, Decimal) else str(value))
        if match is None:
            raise BadAmount(f"found {str(value)[:40]!r}, allowed: a number such as 49.00")
        sign, whole, decimals = match[1], match[2], (match[3] or "").rstrip("0")
        places = digits(currency)
        if len(decimals) > places:
            raise BadAmount(f"found {str(value)[:40]!r}, allowed: at most {places} decimals for {currency}")
        return cls(int(f"{sign}{whole}{decimals:0<{places}}"), currency)

    @classmethod
    def zero(cls, currency: str) -> "Money":
        """Nothing, in that currency."""
        return cls(0, currency)

    @property
    def decimal(self) -> Decimal:
        """The amount in major units, with the currency's digits."""
        return Decimal(self.amount).scaleb(-digits(self.currency))

    @property
    def is_zero(self) -> bool:
        """Is there nothing to pay?"""
        return self.amount == 0

    def _same(self, other: "Money") -> int:
        if not isinstance(other, Money):
            raise TypeError(f"money and {type(other).__name__} do not add up")
        if other.currency != self.currency:
            raise MixedCurrencies(f"{self.currency} and {other.currency} do not add up")
        return other.amount

    def __add__(self, other: "Money") -> "Money":
        return Money(self.amount + self._same(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.amount - self._same(other), self.currency)

    def __mul__(self, quantity: int) -> "Money":
        if not isinstance(quantity, int):
            raise TypeError("money is multiplied by whole quantities only")
        return Money(self.amount * quantity, self.currency)

    def __lt__(self, other: "Money") -> bool:
        return self.amount < self._same(other)

    def __le__(self, other: "Money") -> bool:
        return self.amount <= self._same(other)


def round_half_up(value: Decimal) -> int:
    """The one rounding rule: half away from zero."""
    return int(value.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def total(currency: str, parts: "list[Money]") -> Money:
    """The sum of rounded lines; zero of `currency` for none."""
    result = Money.zero(currency)
    for part in parts:
        result = result + part
    return result


@dataclass(frozen=True, slots=True)
class Taxed:
    """One line's money: `net` + `tax` = `gross`."""

    net: Money
    tax: Money

    @property
    def gross(self) -> Money:
        """What the buyer pays."""
        return self.net + self.tax


def tax_inside(gross: Money, percent: Decimal) -> Taxed:
    """Split a price that contains the tax: tax is rounded, net is the rest, so that they always add up."""
    tax = round_half_up(Decimal(gross.amount) * percent / (100 + percent))
    return Taxed(Money(gross.amount - tax, gross.currency), Money(tax, gross.currency))


def tax_on_top(net: Money, percent: Decimal) -> Taxed:
    """Add the tax to a price without it."""
    return Taxed(net, Money(round_half_up(Decimal(net.amount) * percent / 100), net.currency))


def format_money(money: Money, locale: str) -> str:
    """The amount as people write it in `locale`, never broken over a line.

    The currency is always named by its code where two dollars could be meant, by its sign otherwise.
    """
    return _money_text(money, locale)


@lru_cache(4096)  # a list shows the same few prices again and again
def _money_text(money: Money, locale: str) -> str:
    sign = money.currency in {"EUR", "JPY", "GBP"}
    pattern = (
        None if sign else {"fr": "#,##0.00\u00a0¤¤"}.get(locale.split("_", maxsplit=1)[0], "¤¤\u00a0#,##0.00")
    )
    text = format_currency(money.decimal, money.currency, format=pattern, locale=locale)
    return text.replace(" ", "\u00a0")
