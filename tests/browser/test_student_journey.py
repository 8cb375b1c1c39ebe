"""A student gets software: from the school's store to a key and a running download."""

import hashlib
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.common.shop import PASSWORD
from tests.common.site import Site

pytestmark = pytest.mark.browser


def sign_in(page: Page, site: Site, username: str = "student", slug: str = "northfield") -> None:
    """Through the form, as a person would."""
    page.goto(site.url(slug, "/sign-in"))
    page.fill("input[name=username]", username)
    page.fill("input[name=password]", PASSWORD)
    page.click("main form button.btn--go")


def order(page: Page, site: Site, product: str, slug: str = "northfield") -> None:
    """From the product's page to its receipt."""
    page.goto(site.url(slug, f"/products/{product}"))
    page.click(".product__buy button.btn--go")
    page.click(".cart__sum .btn--go")
    page.click("main form button.btn--go >> visible=true")
    for box in page.locator("main input[type=checkbox]").all():
        box.check()
    page.click("main form button.btn--go >> visible=true")
    page.wait_for_url("**/orders/*")


@pytest.mark.feature("CRT-06", "CRT-09", "CRT-10", "KEY-04", "DLD-05", "DLD-06", "DLD-18", "EXT-05")
@pytest.mark.parametrize(
    ("phone", "script"), [(False, True), (True, True), (True, False)], ids=["desk", "phone", "no-script"]
)
def test_from_the_front_page_to_key_and_download(
    site: Site, open_browser: Callable[..., Page], tmp_path: Path, phone: bool, script: bool
) -> None:
    page = open_browser(phone=phone, script=script)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    sign_in(page, site)
    order(page, site, "campus-suite")
    expect(page.locator(".state").first).to_contain_text("Complete")
    expect(page.locator(".key code").first).to_have_text(re.compile(r"^[0-9A-Z]{5}(-[0-9A-Z]{5}){4}$"))
    if phone:
        expect(page.locator(".qr svg, .qr img").first).to_be_visible()
    page.click(".download a.btn >> nth=0")
    expect(page.locator("h1")).to_have_text("Download Instructions")
    with page.expect_download() as coming:
        page.click("aside a.btn--go")
    target = tmp_path / coming.value.suggested_filename
    coming.value.save_as(target)
    assert coming.value.suggested_filename == "campus-suite-26.1-windows.exe"
    source = site.data_dir / "incoming" / "northfield" / "campus-suite-26.1-windows.exe"
    assert hashlib.sha256(target.read_bytes()).digest() == hashlib.sha256(source.read_bytes()).digest()
    page.wait_for_timeout(2500)
    page.click("a:has-text('Back to the order')")
    expect(page.locator(".download").first).to_contain_text("1 of 2 used")
    page.goto(site.url("northfield", "/account/orders"))
    page.click("main a:has-text('View Details') >> nth=0")
    expect(page.locator(".download").first).to_contain_text("1 of 2 used")
    assert complaints == []


def test_the_whole_way_in_french(site: Site, open_browser: Callable[..., Page]) -> None:
    page = open_browser()
    page.goto(site.url("northfield", "/?lang=fr"))
    assert page.url == site.url("northfield", "/")
    expect(page.locator("html")).to_have_attribute("lang", "fr")
    sign_in(page, site, "faculty")
    order(page, site, "campus-suite")
    expect(page.locator(".state").first).to_contain_text("Terminée")
    text = page.inner_text("main")
    for english in ("Download", "Order summary", "until", "Free", "Copy"):
        assert english not in text


@pytest.mark.feature("ELG-05")
def test_a_no_comes_with_its_reason_and_nothing_is_lost(
    site: Site, open_browser: Callable[..., Page]
) -> None:
    page = open_browser(phone=True)
    sign_in(page, site, "unverified")
    page.goto(site.url("northfield", "/products/campus-suite"))
    page.click(".product__buy button.btn--go")
    page.goto(site.url("northfield", "/checkout"))
    text = page.inner_text("main")
    assert "verified" in text.lower()
    assert page.locator(".key").count() == 0
    page.goto(site.url("northfield", "/cart"))
    expect(page.locator("main")).to_contain_text("Campus Suite")


@pytest.mark.feature("CAT-11", "KEY-03")
def test_an_empty_pool_leaves_the_item_waiting_and_says_so(
    site: Site, open_browser: Callable[..., Page]
) -> None:
    page = open_browser()
    sign_in(page, site, "staff")
    order(page, site, "dry-well")
    expect(page.locator("main")).to_contain_text("Waiting for a key")


def test_the_finder_finds_as_one_types_and_without_script(
    site: Site, open_browser: Callable[..., Page]
) -> None:
    page = open_browser()
    page.goto(site.url(""))
    page.fill("input[name=q]", "universite mont")
    expect(page.locator("main")).to_contain_text("Montclair")
    expect(page.locator("main")).not_to_contain_text("Sakura")
    plain = open_browser(script=False, phone=True)
    plain.goto(site.url(""))
    plain.fill("input[name=q]", "saku")
    plain.press("input[name=q]", "Enter")
    expect(plain.locator("main")).not_to_contain_text("Montclair")
    plain.click("main a:has-text('Sakura')")
    assert plain.url == site.url("sakura")
