"""The cart: anonymous and signed in, quantities, changes told, and what has left the shelf."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from platform_core.checkout.models import Cart, CartLine, Checkout
from platform_core.clock import machine_time
from platform_core.jobs.runner import Runner
from platform_core.tenancy.models import Tenant, TenantState
from tests.common.ordering import csrf, put, to_review
from tests.common.shop import PASSWORD, TENANTS, Browser, Shop


def names(page: Any) -> list[str]:
    """The products in a cart page."""
    return [line.get_text() for line in page.html.select(".lines .line__name")]


def notes(page: Any) -> str:
    """All notes of a page."""
    return " ".join(note.get_text(" ", strip=True) for note in page.html.select(".note"))


def carts(shop: Shop) -> int:
    with shop.session() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(Cart)) or 0


def changed_store(shop: Shop, folder: Path, *changes: tuple[str, str]) -> None:
    """Apply northfield's file with some texts replaced."""
    text = (TENANTS / "northfield.toml").read_text("utf-8")
    for before, after in changes:
        assert before in text
        text = text.replace(before, after, 1)
    (folder / "northfield.svg").write_bytes((TENANTS / "northfield.svg").read_bytes())
    path = folder / "northfield.toml"
    path.write_text(text, "utf-8")
    shop.apply(path)


def without_product(text: str, slug: str) -> tuple[str, str]:
    """The part of a store file that is one product, and nothing in its place."""
    start = text.index(f'[[products]]\nslug = "{slug}"')
    end = text.index("[[products]]\n", start + 1)
    return text[start:end], ""


def test_an_empty_cart_says_what_will_stand_there(shop: Shop) -> None:
    page = shop.browser().get("/cart")
    assert "Your cart is empty" in page.text
    assert page.html.find("a", class_="btn--go")["href"] == "/products"
    assert carts(shop) == 0


def test_looking_makes_no_cart_and_the_first_post_makes_one_for_thirty_days(shop: Shop) -> None:
    browser = shop.browser()
    browser.get("/")
    browser.get("/cart")
    assert "cart" not in browser.cookies and carts(shop) == 0
    answer = put(browser, "campus-suite", "windows")
    cookie = next(
        value for name, value in answer.headers.items() if name == "Set-Cookie" and value.startswith("cart=")
    )
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and f"Max-Age={30 * 24 * 3600}" in cookie
    assert "secure" not in cookie.lower()
    assert names(answer.follow()) == ["Campus Suite 2026"]
    with shop.session() as session:
        row = session.scalars(sa.select(Cart)).one()
        assert row.token_hash and row.account_id is None and browser.cookies["cart"] not in row.token_hash


def test_on_https_the_cookie_has_the_guarded_prefix(shop: Shop) -> None:
    browser = shop.browser()
    answer = browser.post(
        "/cart",
        {"product": "campus-suite", "variant": "mac"},
        headers={"Origin": "https://northfield.localhost:8000"},
        extra_environ={"wsgi.url_scheme": "https"},
        status=303,
    )
    cookie = next(
        value for name, value in answer.headers.items() if name == "Set-Cookie" and "cart=" in value
    )
    assert cookie.startswith("__Host-cart=") and "secure" in cookie.lower() and "domain" not in cookie.lower()
    assert "path=/" in cookie.lower()


def test_another_browser_does_not_see_it_and_a_made_up_cookie_opens_nothing(shop: Shop) -> None:
    put(shop.browser(), "campus-suite", "windows")
    other = shop.browser()
    assert "Your cart is empty" in other.get("/cart").text
    other.set_cookie("cart", "made-up")
    put(other, "citegrove", "mac")
    assert other.cookies["cart"] != "made-up"
    assert names(other.get("/cart")) == ["Citegrove"]


def test_a_cart_expires_after_thirty_days_without_a_change(shop: Shop) -> None:
    browser = shop.browser()
    put(browser, "campus-suite", "windows")
    with shop.session() as session:
        ends = session.scalars(sa.select(Cart.expires_at)).one()
    assert ends is not None
    shop.move_wall(ends - machine_time())
    assert "Your cart is empty" in browser.get("/cart").text
    put(browser, "citegrove", "mac")
    assert names(browser.get("/cart")) == ["Citegrove"]
    shop.move_wall(timedelta())


@pytest.mark.parametrize("quantity", ["0", "-1", "1000000000", "9" * 30, "two", "", "1.5", "1e3", "١٢", " "])
def test_an_impossible_quantity_is_told_with_what_is_allowed(shop: Shop, quantity: str) -> None:
    browser = shop.browser()
    page = put(browser, "querywell", "windows", quantity, status=422)
    alert = page.html.find(attrs={"role": "alert"}).get_text()
    assert "Querywell" in alert and "Allowed are 1 to 2 for each person" in alert
    assert quantity.strip()[:20] in alert
    assert carts(shop) == 0
    page = put(browser, "cell-biology", "ebook", quantity, status=422)
    assert "Allowed are 1 to 99" in page.text
    page = put(browser, "campus-suite", "mac", quantity, status=422)
    assert "Allowed is 1: one for each person" in page.text


def test_a_line_is_addressed_by_product_and_version_and_can_be_changed_and_removed(shop: Shop) -> None:
    browser = shop.browser()
    put(browser, "cell-biology", "ebook", "2")
    page = browser.get("/cart")
    assert "CAD\xa050.00" in page.text and "CAD\xa025.00 each" in page.text
    answer = browser.post("/cart/lines/cell-biology/ebook", {"quantity": "99"}, status=303)
    assert "the quantity is 99 now" in answer.follow().text
    page = browser.post("/cart/lines/cell-biology/ebook", {"quantity": "100"}, status=422)
    assert "Allowed are 1 to 99" in page.text
    assert "99" in browser.get("/cart").html.find("input", attrs={"name": "quantity"})["value"]
    answer = browser.post("/cart/lines/cell-biology/ebook", {"remove": "1"}, status=303)
    page = answer.follow()
    assert "is out of your cart" in page.text and "Your cart is empty" in page.text
    again = browser.post("/cart/lines/cell-biology/ebook", {"remove": "1"}, status=303)
    assert "not in your cart any more" in again.follow().text


def test_an_unknown_product_is_not_found_and_a_missing_version_leads_to_the_product(shop: Shop) -> None:
    browser = shop.browser()
    put(browser, "no-such-thing", status=404)
    answer = put(browser, "campus-suite", "amiga")
    assert answer.location.endswith("/products/campus-suite")
    assert "Choose a version of Campus Suite 2026" in answer.follow().text
    assert carts(shop) == 0


def test_the_limit_counts_what_is_in_the_cart_and_another_version_takes_the_place_of_the_first(
    shop: Shop,
) -> None:
    browser = shop.browser()
    put(browser, "campus-suite", "windows")
    assert "is in your cart already" in put(browser, "campus-suite", "windows").follow().text
    page = put(browser, "campus-suite", "mac").follow()
    assert names(page) == ["Campus Suite 2026"]
    assert "Mac" in page.html.select_one(".line p").get_text()
    put(browser, "querywell", "windows")
    put(browser, "querywell", "linux")
    page = put(browser, "querywell", "linux").follow()
    assert "There are 2 of Querywell" in page.text
    browser.post("/cart/lines/querywell/linux", {"quantity": "2"}, status=422)


def test_the_number_in_the_head_costs_nothing_without_a_cookie(shop: Shop) -> None:
    browser = shop.browser()
    seen: list[str] = []
    sa.event.listen(shop.database.writer, "before_cursor_execute", lambda *a: seen.append(a[2]))
    browser.get("/cart")
    assert not [statement for statement in seen if "cart" in statement and "sum(" in statement]
    put(browser, "cell-biology", "ebook", "3")
    page = browser.get("/products")
    assert "3 items" in page.html.select_one('a[href="/cart"]').get_text()
    seen.clear()
    browser.get("/help-that-is-not-there", status=404)
    assert len([statement for statement in seen if "sum(" in statement]) == 1


def test_what_costs_something_says_that_there_is_no_way_to_pay_yet(shop: Shop) -> None:
    browser = shop.browser().sign_in("student")
    page = put(browser, "stat-workbench", "win64").follow()
    assert "CAD\xa043.36" in page.text and "Tax (HST 13%)" in page.text and "CAD\xa05.64" in page.text
    assert page.html.select_one(".sums .total dd").get_text() == "CAD\xa049.00"
    assert "This store has no way to pay yet" in page.text
    assert "Check Out" not in page.text
    assert browser.get("/checkout", status=303).location.endswith("/cart")
    put(browser, "cell-biology", "ebook")
    browser.get("/cart?currency=USD", status=303)
    page = browser.get("/cart")
    assert page.html.select_one(".sums .total dd").get_text() == "USD\xa059.00"


def test_reasons_stand_beside_what_this_person_may_not_have(shop: Shop) -> None:
    browser = shop.browser()
    page = put(browser, "draft-cad").follow()
    assert "Check Out" in page.text, "a visitor's open questions are answered by signing in"
    browser.sign_in("student")
    page = browser.get("/cart")
    assert names(page) == ["Draft CAD 2027"]
    reason = page.html.select_one(".reason.is-bad").get_text(" ")
    assert "Faculty" in reason and "Check Out" not in page.text
    assert browser.get("/checkout", status=303).location.endswith("/cart")
    assert names(browser.get("/cart")) == ["Draft CAD 2027"]


def test_at_sign_in_the_browsers_cart_joins_the_persons_and_each_change_is_told(shop: Shop) -> None:
    first = shop.browser().sign_in("student")
    put(first, "campus-suite", "windows")
    put(first, "cell-biology", "ebook", "2")
    put(first, "querywell", "linux")
    browser = shop.browser()
    put(browser, "campus-suite", "mac")
    put(browser, "cell-biology", "ebook", "5")
    put(browser, "querywell", "windows", "2")
    put(browser, "linear-algebra", "ebook")
    put(browser, "dry-well")
    anonymous = browser.cookies["cart"]
    answer = browser.post(
        "/sign-in", {"username": "student", "password": PASSWORD, "next": "/products"}, status=303
    )
    assert "in your own cart" in answer.follow().text
    assert "cart" not in browser.cookies
    page = browser.get("/cart")
    told = notes(page)
    assert "Campus Suite 2026 did not join your own cart" in told
    assert "Cell Biology" in told and "there are 5 now instead of 2" in told
    assert "Querywell" in told and "1 of what you put in before signing in came along" in told
    assert "was put in before you signed in" in told
    assert len(names(page)) == 6
    browser.post("/cart/lines/dry-well/windows", {"remove": "1", **csrf(browser)}, status=303)
    assert "before signing in" not in notes(browser.get("/cart")), "what was told once is not told for ever"
    stranger = shop.browser()
    stranger.set_cookie("cart", anonymous)
    assert "Your cart is empty" in stranger.get("/cart").text
    assert carts(shop) == 1


def test_a_first_cart_comes_along_through_sign_in_without_a_word_too_many(shop: Shop) -> None:
    browser = shop.browser()
    put(browser, "campus-suite", "windows")
    asked = browser.get("/checkout", status=303)
    assert "/sign-in?next=%2Fcheckout" in asked.location
    browser.post("/sign-in", {"username": "student", "password": PASSWORD, "next": "/checkout"}, status=303)
    page = browser.get("/checkout", status=200)
    assert "Campus Suite 2026" in page.text
    assert "Your cart has changed" not in browser.get("/cart").text


def test_a_changed_price_is_told_until_the_reader_goes_on(shop: Shop, tmp_path: Path) -> None:
    browser = shop.browser().sign_in("student")
    put(browser, "stat-workbench", "win64")
    changed_store(shop, tmp_path, ('CAD = "49.00", USD = "39.00"', 'CAD = "53.00", USD = "39.00"'))
    told = notes(browser.get("/cart"))
    assert "Stat Workbench 11 costs CAD\xa053.00 now, CAD\xa04.00 more than when you put it in" in told
    changed_store(shop, tmp_path, ('CAD = "49.00", USD = "39.00"', 'CAD = "45.50", USD = "39.00"'))
    assert "CAD\xa03.50 less than" in notes(browser.get("/cart"))
    put(browser, "citegrove", "mac")
    browser.post("/cart/lines/citegrove/mac", {"remove": "1", **csrf(browser)}, status=303)
    assert "less than" not in notes(browser.get("/cart"))


@pytest.mark.feature("CAT-11")
def test_what_has_left_the_shelf_is_kept_with_its_reason(shop: Shop, tmp_path: Path) -> None:
    browser = shop.browser().sign_in("student")
    put(browser, "citegrove", "mac")
    put(browser, "campus-suite", "windows")
    text = (TENANTS / "northfield.toml").read_text("utf-8")
    changed_store(shop, tmp_path, without_product(text, "citegrove"))
    page = browser.get("/cart")
    assert len(names(page)) == 2
    assert "This store no longer offers Citegrove" in page.text
    assert "Check Out" not in page.text
    picture = page.html.select_one('img[src^="/pictures/"]')["src"]
    assert browser.get(picture).content_type == "image/svg+xml"
    assert browser.get("/checkout", status=303).location.endswith("/cart")
    browser.post("/cart/lines/citegrove/mac", {"remove": "1", **csrf(browser)}, status=303)
    assert "Check Out" in browser.get("/cart").text


def test_a_version_that_is_gone_is_told(shop: Shop, tmp_path: Path) -> None:
    browser = shop.browser().sign_in("student")
    put(browser, "campus-suite", "mac")
    text = (TENANTS / "northfield.toml").read_text("utf-8")
    start = text.index('slug = "campus-suite"')
    part = text[start : text.index("[[products]]\n", start)]
    renamed = part.replace('code = "mac"', 'code = "apple"').replace('variant = "mac"', 'variant = "apple"')
    changed_store(shop, tmp_path, (part, renamed))
    page = browser.get("/cart")
    assert "This version of Campus Suite 2026 is no longer offered" in page.text
    assert "Check Out" not in page.text
    assert "Choose another version" in page.html.select_one(".line__tools > a").get_text()


def test_a_closed_store_takes_no_order_and_says_so(shop: Shop) -> None:
    browser = shop.browser().sign_in("student")
    put(browser, "campus-suite", "mac")
    with shop.database.session() as session, session.begin():
        session.execute(sa.update(Tenant).where(Tenant.slug == "northfield").values(state=TenantState.CLOSED))
    shop.registry.stores.reload(shop.store())
    page = browser.get("/cart")
    assert "This store takes no new orders" in page.text and "Check Out" not in page.text
    assert browser.get("/checkout", status=303).location.endswith("/cart")


def test_what_was_left_behind_is_forgotten(shop: Shop) -> None:
    kept = shop.browser().sign_in("student")
    put(kept, "campus-suite", "mac")
    to_review(kept)
    put(shop.browser(), "citegrove", "mac")
    with shop.session() as session:
        ends = session.scalars(sa.select(Cart.expires_at).where(Cart.account_id.is_(None))).one()
        assert session.scalar(sa.select(sa.func.count()).select_from(Checkout)) == 1
    assert ends is not None
    Runner(shop.registry).run_due()
    assert carts(shop) == 2, "nothing has ended yet"
    shop.move_wall(ends - machine_time() + timedelta(minutes=1))
    Runner(shop.registry).run_due()
    with shop.session() as session:
        assert [cart.token_hash for cart in session.scalars(sa.select(Cart))] == [None], "the person's stays"
        assert session.scalar(sa.select(sa.func.count()).select_from(CartLine)) == 1
        assert session.scalar(sa.select(sa.func.count()).select_from(Checkout)) == 0


def test_signing_in_on_https_takes_the_guarded_cookie_away(shop: Shop) -> None:
    browser = shop.browser()
    secure: dict[str, Any] = {
        "headers": {"Origin": "https://northfield.localhost:8000"},
        "extra_environ": {"wsgi.url_scheme": "https"},
    }
    browser.post("/cart", {"product": "campus-suite", "variant": "mac"}, status=303, **secure)
    values = {"username": "student", "password": PASSWORD, "next": "/"}
    answer = browser.post("/sign-in", values, status=303, **secure)
    gone = [v for n, v in answer.headers.items() if n == "Set-Cookie" and v.startswith("__Host-cart=")]
    assert len(gone) == 1 and "max-age=0" in gone[0].lower() and "secure" in gone[0].lower()


def test_the_cart_speaks_french(shop: Shop) -> None:
    browser = shop.browser()
    browser.set_cookie("lang", "fr")
    put(browser, "cell-biology", "ebook", "2")
    page = browser.get("/cart")
    assert page.html.html["lang"] == "fr"
    assert "50,00" in page.html.select_one(".sums .total dd").get_text()


def test_lines_of_a_cart_hold_no_internal_ids(shop: Shop) -> None:
    browser = shop.browser()
    page = put(browser, "campus-suite", "windows").follow()
    with shop.session() as session:
        line = session.scalars(sa.select(CartLine)).one()
    for secret in (line.id, line.cart_id, line.product_id):
        assert str(secret) not in page.text and secret.hex not in page.text


def many_things(browser: Browser) -> None:
    """A cart with text that could break a page."""
    browser.post("/cart", {"product": "<script>", "variant": "", **csrf(browser)}, status=404)


def test_odd_texts_do_no_harm(shop: Shop) -> None:
    browser = shop.browser()
    many_things(browser)
    page = put(browser, "cell-biology", "ebook", "<b>\u202e\x00", status=422)
    assert "<b>" not in page.html.find(attrs={"role": "alert"}).decode_contents()
    browser.post("/cart/lines/%00/%E2%82%AC", {"remove": "1"}, status=303)
