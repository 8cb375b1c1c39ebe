"""The access guarantee to the minute: the last day counts in full, in the store's own time zone."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from platform_core.clock import Clock
from platform_core.plugin_api import Shop as PluginShop
from platform_core.plugin_api import ShopTenant
from platform_core.tenancy.services import switch_plugin
from plugins.access_guarantee.services import basic_until
from plugins.access_guarantee.settings import AccessGuaranteeSettings
from tests.common.ordering import order
from tests.common.shop import Shop


def until(bought: datetime, zone: str, days: int = 31) -> datetime:
    tenant = ShopTenant(uuid4(), "school", ("en",), ("CAD",), zone)
    settings = AccessGuaranteeSettings(days=days)
    return basic_until(PluginShop(tenant, Clock(), settings, None), bought)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]


@pytest.mark.feature("AGR-01")
@pytest.mark.parametrize(
    ("bought", "zone", "end"),
    [
        # 31 days in standard time, and over both changes of the clock
        (utc(2026, 1, 10, 17), "America/Toronto", utc(2026, 2, 11, 5)),
        (utc(2026, 3, 1, 17), "America/Toronto", utc(2026, 4, 2, 4)),
        (utc(2026, 10, 20, 17), "America/Toronto", utc(2026, 11, 21, 5)),
        # the last minute of a day, and the first of the next
        (utc(2026, 1, 11, 4, 59), "America/Toronto", utc(2026, 2, 11, 5)),
        (utc(2026, 1, 11, 5, 0), "America/Toronto", utc(2026, 2, 12, 5)),
        # 29 February is a day like any other
        (utc(2028, 1, 29, 17), "America/Toronto", utc(2028, 3, 1, 5)),
        (utc(2028, 2, 29, 17), "America/Toronto", utc(2028, 4, 1, 4)),
        (utc(2027, 1, 29, 17), "America/Toronto", utc(2027, 3, 2, 5)),
        # the store's zone, not ours
        (utc(2026, 1, 10, 17), "Asia/Tokyo", utc(2026, 2, 11, 15)),
        (utc(2026, 3, 1, 17), "Europe/Paris", utc(2026, 4, 1, 22)),
    ],
)
def test_the_guarantee_ends_with_the_31st_day_after_the_purchase(
    bought: datetime, zone: str, end: datetime
) -> None:
    assert until(bought, zone) == end


def test_its_days_are_a_setting_of_the_store() -> None:
    assert until(utc(2026, 1, 10, 17), "America/Toronto", days=1) == utc(2026, 1, 12, 5)
    for days in (0, -1, 3661):
        with pytest.raises(ValueError, match="days"):
            AccessGuaranteeSettings(days=days)


@pytest.mark.feature("AGR-01", "AGR-07")
def test_on_day_31_everything_is_reachable_and_on_day_32_nothing_is(shop: Shop) -> None:
    """Bought on 20 February 2028 in Toronto: 29 February and the change to summer time lie between."""
    shop.set_time(2028, 2, 20, 17)
    shop.person("leap")
    browser = shop.browser().sign_in("leap")
    path = order(browser, "citegrove", "mac").request.path
    shop.set_time(2028, 3, 23, 3, 58)
    page = browser.get(path)
    assert "Access guarantee: basic, until 22\N{NO-BREAK SPACE}March 2028" in page.text
    assert page.html.select_one(".download") is not None
    shop.advance(minutes=3)
    page = browser.get(path)
    assert "Access guarantee: ended on 22\N{NO-BREAK SPACE}March 2028" in page.text
    assert page.html.select_one(".download a.btn") is None
    assert page.html.select_one(".keys code") is None


@pytest.mark.feature("AGR-07")
def test_a_change_of_the_setting_changes_no_receipt(shop: Shop) -> None:
    browser = shop.browser().sign_in("student")
    receipt = order(browser, "citegrove", "mac")
    before = receipt.html.select_one("main").get_text()
    with shop.session() as session:
        switch_plugin(session, shop.clock, "access_guarantee", True, "operator:test", {"days": 3})
    shop.forget()
    assert browser.get(receipt.request.path).html.select_one("main").get_text() == before
    assert "3 days" in browser.get("/+access_guarantee/").html.select_one("main").get_text()
