"""Dates, moments, sizes and money as English and French write them."""

from datetime import UTC, date, datetime

import pytest

from platform_core.money import Money, format_money
from platform_core.web.formats import day_text, moment_text, size_text


def _plain(text: str) -> str:
    return text.replace("\u00a0", "~").replace("\u202f", "_")


@pytest.mark.parametrize(
    ("locale", "day", "full", "short"),
    [
        ("en", date(2026, 11, 28), "28~November 2026", "28~Nov 2026"),
        ("en_CA", date(2026, 11, 1), "1~November 2026", "1~Nov 2026"),
        ("fr", date(2026, 11, 28), "28~novembre 2026", "28~nov. 2026"),
        ("fr", date(2026, 11, 1), "1er~novembre 2026", "1er~nov. 2026"),
        ("fr_CA", date(2026, 8, 1), "1er~août 2026", "1er~août 2026"),
        ("fr", date(2026, 10, 11), "11~octobre 2026", "11~oct. 2026"),
    ],
)
def test_a_day_reads_as_people_write_it(locale: str, day: date, full: str, short: str) -> None:
    assert _plain(day_text(day, locale)) == full
    assert _plain(day_text(day, locale, short=True)) == short


def test_a_moment_is_told_in_the_zone_of_the_store() -> None:
    moment = datetime(2026, 11, 28, 19, 5, tzinfo=UTC)
    assert _plain(moment_text(moment, "America/Toronto", "en")) == "28~November 2026, 14:05"
    assert _plain(moment_text(moment, "Europe/Paris", "fr")) == "28~novembre 2026 à 20:05"


@pytest.mark.parametrize(
    ("size", "english", "french"),
    [
        (512, "512~bytes", "512~octets"),
        (4_100, "4.1~kB", "4,1~ko"),
        (6_500_000, "6.5~MB", "6,5~Mo"),
        (1_900_000_000, "1.9~GB", "1,9~Go"),
        (123_456_789, "123~MB", "123~Mo"),
    ],
)
def test_a_size_has_the_unit_of_the_language(size: int, english: str, french: str) -> None:
    assert _plain(size_text(size, "en")) == english
    assert _plain(size_text(size, "fr")) == french


def test_money_is_written_as_its_reader_writes_it() -> None:
    price = Money.of("1234.50", "CAD")
    assert _plain(format_money(price, "en")) == "CAD~1,234.50"
    assert _plain(format_money(price, "fr")) == "1_234,50~CAD"
    assert _plain(format_money(Money.of("36.00", "EUR"), "fr")) == "36,00~€"
