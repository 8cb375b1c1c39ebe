"""The access guarantee in a store: on by default where it is on, and nowhere to be seen where it is off."""

import pytest

from tests.common.ordering import order
from tests.common.shop import Shop


@pytest.mark.feature("AGR-03", "AGR-06", "KEY-06")
def test_the_basic_guarantee_comes_free_with_an_order_and_lifts_no_limit(shop: Shop) -> None:
    page = order(shop.browser().sign_in("student"), "campus-suite", "windows")
    text = " ".join(page.html.main.get_text(" ").split())
    assert "Access guarantee: basic, until" in text
    assert "for 31 days from the day of purchase" in text
    assert "allows no more installations" in text
    assert "on 3 computers in all" in text
    assert page.html.select_one(".sums .total dd").get_text(strip=True) == "Free"


@pytest.mark.feature("AGR-15")
def test_a_store_without_the_guarantee_shows_none_of_it(shop: Shop) -> None:
    shop.switch("access_guarantee", False)
    browser = shop.browser().sign_in("student")
    page = order(browser, "campus-suite", "windows")
    assert "Access guarantee" not in page.text
    browser.get("/+access_guarantee/", status=404)
    assert "31 days" not in browser.get("/products/campus-suite").html.main.get_text()


@pytest.mark.feature("AGR-15")
def test_an_order_from_before_the_switch_keeps_what_it_was_promised(shop: Shop) -> None:
    browser = shop.browser().sign_in("student")
    page = order(browser, "campus-suite", "windows")
    shop.switch("access_guarantee", False)
    assert browser.get(page.request.path).html.select_one(".keys code") is not None
    shop.advance(days=33)
    later = browser.get(page.request.path)
    assert later.html.select_one(".keys code") is None
    shop.switch("access_guarantee", True)
    assert "Access guarantee: ended on" in browser.get(page.request.path).text


@pytest.mark.feature("DLD-16")
def test_over_https_cookies_and_addresses_stay_on_https(shop: Shop) -> None:
    browser = shop.browser()
    browser.extra_environ["wsgi.url_scheme"] = "https"
    browser.origin = browser.origin.replace("http://", "https://")
    answer = browser.post("/sign-in", {"username": "student", "password": "webstore-demo"}, status=303)
    cookie = next(value for name, value in answer.headers.items() if name == "Set-Cookie" and "sid" in value)
    assert cookie.startswith("__Host-sid=") and "secure" in cookie.lower() and "domain" not in cookie.lower()
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    token = shop.browser().sign_in("student").cookies["sid"]
    browser.set_cookie("__Host-sid", token)
    ended = browser.post("/sign-out", browser.csrf, status=303)
    gone = next(
        value for name, value in ended.headers.items() if name == "Set-Cookie" and "__Host-sid=" in value
    )
    assert "Max-Age=0" in gone and "secure" in gone.lower()
