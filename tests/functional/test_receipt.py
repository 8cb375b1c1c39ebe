"""The receipt and Orders & Downloads: proof of what was ordered, and the way to keys and files."""

import re
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from platform_core.fulfilment.models import Entitlement, EntitlementState
from platform_core.orders.models import HoldKind, Order, OrderContact, OrderHold, OrderLine
from platform_core.orders.numbers import new_number
from tests.common.ordering import number_of, order, proceed, put, to_review
from tests.common.shop import TENANTS, Browser, Shop


def blanked(answer: Any) -> str:
    """A page without what names the request."""
    return str(answer.text.replace(answer.headers["X-Request-Id"], "").replace(answer.request.path, ""))


@pytest.mark.feature("ORD-03", "KEY-02", "KEY-04", "AGR-06", "AGR-07", "EXT-18", "CAT-12")
def test_the_receipt_holds_summary_items_keys_downloads_access_and_who_sold(shop: Shop) -> None:
    browser = shop.browser().sign_in("student")
    put(browser, "campus-suite", "mac")
    put(browser, "stat-workbench-trial", "win64")
    page = proceed(browser, to_review(browser)).follow()
    assert page.headers["Cache-Control"] == "no-store"
    keys = page.html.select(".key code")
    assert len([key for key in keys if key["id"].startswith("item-")]) == 2
    assert page.html.select_one("button[data-copy]") is not None
    downloads = page.html.select(".download")
    assert [d.select_one(".download__name").get_text() for d in downloads] == [
        "Campus Suite 26.1 for Mac",
        "Stat Workbench 11 Trial for Windows (64-bit)",
    ]
    assert all("0 of 2 used" in d.get_text() for d in downloads)
    assert len(page.html.select(".download a.btn--go")) == 1, "the first download is the page's main button"
    lanes = page.html.select(".lane")
    assert len(lanes) == 3 and all("style" not in element.attrs for element in page.html.find_all(True))
    text = page.html.get_text(" ")
    assert "30-day trial, until" in text and "on 3 computers" in text
    assert "Access guarantee: basic, until" in text
    assert "Larkfield Distribution Inc., Ottawa" in text and "All sales are final" in text
    assert "Brackenfield Campus Licence" in text and "version 2026-2" in text


@pytest.mark.feature("ORD-16")
def test_a_placed_order_has_no_button_that_cancels_it(shop: Shop) -> None:
    page = order(shop.browser().sign_in("student"), "citegrove", "mac")
    main = page.html.find("main")
    assert "ancel" not in main.get_text()
    assert main.find("form") is None
    assert "Email Order Receipt" not in page.text, "a label stands only when what it names works"


@pytest.mark.feature("ORD-17")
def test_the_receipt_keeps_what_was_ordered_when_the_catalogue_changes(shop: Shop, tmp_path: Path) -> None:
    browser = shop.browser().sign_in("student")
    page = order(browser, "citegrove", "mac")
    text = (TENANTS / "northfield.toml").read_text("utf-8")
    start = text.index('slug = "citegrove"')
    end = text.index("[[products]]\n", start)
    part = text[start:end]
    name = re.search(r"^name = (.*)$", part, re.MULTILINE)
    assert name is not None
    changed = part.replace(name[0], 'name = "Quotewood 9"').replace('monogram = "', 'monogram = "X', 1)
    (tmp_path / "northfield.svg").write_bytes((TENANTS / "northfield.svg").read_bytes())
    (tmp_path / "northfield.toml").write_text(text.replace(part, changed), "utf-8")
    shop.apply(tmp_path / "northfield.toml")
    assert "Quotewood 9" in browser.get("/products/citegrove").text
    again = browser.get(page.request.path)
    assert "Quotewood" not in again.html.find("main").get_text()
    assert "Citegrove" in again.html.find("h2").get_text()
    picture = again.html.select_one(".line img")["src"]
    assert browser.get(picture).content_type == "image/svg+xml"
    (tmp_path / "northfield.toml").write_text(text.replace("[[products]]\n" + part, ""), "utf-8")
    shop.apply(tmp_path / "northfield.toml")
    assert "Citegrove" in browser.get(page.request.path).html.find("h2").get_text()
    assert "Citegrove" in browser.get("/account/orders").text


def test_titles_stay_in_the_language_of_the_order(shop: Shop) -> None:
    browser = shop.browser().sign_in("student")
    browser.set_cookie("lang", "fr")
    page = order(browser, "stat-workbench-trial", "win64")
    browser.set_cookie("lang", "en")
    page = browser.get(page.request.path)
    item = page.html.select_one(".lines")
    assert item["lang"] == "fr" and "version d’essai" in item.get_text()
    assert "Order summary" in page.text
    assert page.html.select_one(".key small").get_text() == "Numéro de série"


@pytest.mark.feature("ACC-07")
def test_another_persons_or_stores_number_is_as_unknown_as_a_random_one(shop: Shop) -> None:
    owner = shop.browser().sign_in("student")
    page = order(owner, "citegrove", "mac")
    number = number_of(page)
    token = page.html.select_one(".download a")["href"].rsplit("/", 1)[1]
    stranger = shop.browser().sign_in("faculty")
    elsewhere = shop.browser("montclair").sign_in("student")
    for browser in (stranger, elsewhere):
        for made in (
            lambda n: f"/orders/{n}",
            lambda n: f"/orders/{n}/files/{token}",
            lambda n: f"/orders/{n}/downloads/{token}",
        ):
            pages = [browser.get(made(n), status=404) for n in (number, new_number(), "nonsense")]
            assert len({blanked(each) for each in pages}) == 1
    visitor = shop.browser()
    assert "/sign-in" in visitor.get(f"/orders/{number}", status=303).location
    assert owner.get(f"/orders/{number}/files/{token[::-1]}", status=404)


def test_a_number_that_was_typed_by_hand_is_found(shop: Shop) -> None:
    browser = shop.browser().sign_in("student")
    number = number_of(order(browser, "citegrove", "mac"))
    assert number in browser.get(f"/orders/{number.lower().replace('-', '')}").text


@pytest.mark.feature("DLD-01", "EXT-05")
def test_a_download_leads_to_an_address_of_the_download_server(shop: Shop) -> None:
    browser = shop.browser().sign_in("student")
    page = order(browser, "citegrove", "mac")
    instructions = browser.get(page.html.select_one(".download a")["href"])
    assert instructions.html.h1.get_text() == "Download Instructions"
    link = instructions.html.select_one("aside a.btn--go")["href"]
    answer = browser.get(link, status=302)
    assert answer.location.startswith("http://localhost:8004/d/")
    assert answer.headers["Cache-Control"] == "no-store"
    assert browser.get(link, status=302).location


def test_a_right_that_ended_is_told_with_its_reason_instead_of_a_download(shop: Shop) -> None:
    browser = shop.browser().sign_in("student")
    page = order(browser, "citegrove", "mac")
    link = page.html.select_one(".download a")["href"].replace("/downloads/", "/files/")
    with shop.session() as session:
        session.execute(sa.update(Entitlement).values(state=EntitlementState.REVOKED))
    answer = browser.get(link, status=303)
    assert "This item was withdrawn" in answer.follow().text
    page = browser.get(page.request.path)
    assert (
        page.html.select_one('.key code[id^="item-"]') is None and page.html.select_one(".download") is None
    )


@pytest.mark.feature("KEY-04", "AGR-07")
def test_after_access_has_ended_the_order_stays_and_keys_and_downloads_go(shop: Shop) -> None:
    browser = shop.browser().sign_in("student")
    page = order(browser, "citegrove", "mac")
    key = page.html.select_one('.key code[id^="item-"]').get_text()
    shop.advance(days=30)
    browser = shop.browser().sign_in("student")
    assert key in browser.get(page.request.path).text
    shop.advance(days=3)
    browser = shop.browser().sign_in("student")
    later = browser.get(page.request.path)
    assert key not in later.text and later.html.select_one(".download a") is None
    assert "The time in which keys and downloads of this item are kept here is over" in later.text
    assert "Access guarantee: ended on" in later.text
    assert "Citegrove" in later.text


@pytest.mark.feature("ORD-09")
def test_a_held_order_shows_neither_keys_nor_downloads(shop: Shop) -> None:
    browser = shop.browser().sign_in("student")
    page = order(browser, "dry-well", "windows")
    with shop.session() as session:
        placed = session.scalars(sa.select(Order)).one()
        session.add(OrderHold(order_id=placed.id, kind=HoldKind.VERIFICATION, since=shop.clock.now()))
    page = browser.get(page.request.path)
    assert "Waiting for verification" in page.text
    assert page.html.select_one(".download a") is None
    assert "Waiting for verification" in browser.get("/account/orders").text


@pytest.mark.feature("CAT-11")
def test_a_waiting_item_says_how_many_come_before(shop: Shop) -> None:
    pages = []
    for n in range(3):
        shop.person(f"buyer{n}")
        pages.append(order(shop.browser().sign_in(f"buyer{n}"), "dry-well", "windows"))
    page = pages[-1]
    assert "2 orders are before yours" in page.text
    assert page.html.select_one(".download a") is not None, "the download is open already"
    assert "begins when the key is here" in page.text
    assert page.html.find(id="receipt")["data-poll"]
    shop.advance(hours=1)
    again = shop.browser().sign_in("buyer2").get(page.request.path)
    assert not again.html.find(id="receipt").has_attr("data-poll")


@pytest.mark.feature("EXT-05")
def test_what_cannot_run_on_a_phone_offers_a_code_for_the_computer(shop: Shop) -> None:
    browser = shop.browser().sign_in("student")
    page = order(browser, "citegrove", "mac")
    section = page.html.find("section", attrs={"aria-labelledby": "send"})
    assert section.svg is not None and "style" not in section.svg.attrs
    assert section.find(id="address").get_text() == f"http://northfield.localhost:8000{page.request.path}"
    assert "macOS" in page.html.select_one(".item__more").get_text(), "what it needs stands there too"
    page = order(browser, "panel-survey", "web")
    assert page.html.find("section", attrs={"aria-labelledby": "send"}) is None


def test_two_of_one_product_have_their_keys_apart(shop: Shop) -> None:
    page = order(shop.browser().sign_in("student"), "querywell", "linux", "2")
    assert [unit.get_text() for unit in page.html.select("h3.item__unit")][:2] == ["1 of 2", "2 of 2"]
    keys = [key.get_text() for key in page.html.select('.key code[id^="item-"]')]
    assert len(keys) == len(set(keys)) == 2


def test_an_erased_contact_leaves_the_receipt_readable(shop: Shop) -> None:
    browser = shop.browser().sign_in("student")
    page = order(browser, "citegrove", "mac")
    with shop.session() as session:
        session.execute(sa.delete(OrderContact))
    page = browser.get(page.request.path)
    assert "Ordered by" not in page.text and "Citegrove" in page.text


@pytest.mark.feature("ORD-01", "ORD-02")
def test_orders_are_listed_newest_first_in_pages(shop: Shop) -> None:
    browser = shop.browser().sign_in("student")
    page = browser.get("/account/orders")
    assert "No orders yet" in page.text
    first = number_of(order(browser, "campus-suite", "mac"))
    shop.advance(minutes=1)
    second = number_of(order(browser, "campus-suite", "windows"))
    page = browser.get("/account/orders")
    links = [link["href"].rsplit("/", 1)[1] for link in page.html.select(".order h2 a")]
    assert links == [second, first]
    assert page.headers["Cache-Control"] == "no-store"
    details = page.html.find("a", class_="btn", href=f"/orders/{second}")
    assert details.get_text(" ", strip=True).startswith("View Details")
    with shop.session() as session:
        row = session.scalars(sa.select(Order).where(Order.number == first)).one()
        columns = {
            c.name: getattr(row, c.name) for c in Order.__table__.columns if c.name not in {"id", "number"}
        }
        for _ in range(23):
            session.add(Order(**columns | {"number": new_number(), "checkout_id": uuid4()}))
    seen: list[str] = []
    address = "/account/orders"
    while address:
        page = browser.get(address)
        seen += [link["href"].rsplit("/", 1)[1] for link in page.html.select(".order h2 a")]
        older = page.html.find("a", rel="next")
        address = older["href"] if older else ""
    assert len(seen) == len(set(seen)) == 25 and seen[0] == second
    stranger = shop.browser().sign_in("faculty")
    assert "No older orders" in stranger.get(f"/account/orders?after={first}").text


def statements_of(shop: Shop, browser: Browser, path: str) -> list[str]:
    """What one page asks the database, once the store is known to the process."""
    browser.get(path)
    found: list[str] = []

    def note(*arguments: Any) -> None:
        found.append(arguments[2])

    sa.event.listen(shop.database.writer, "before_cursor_execute", note)
    browser.get(path)
    sa.event.remove(shop.database.writer, "before_cursor_execute", note)
    return [each for each in found if not each.startswith(("PRAGMA", "BEGIN")) and "revision" not in each]


def test_the_list_costs_the_same_however_many_orders_there_are(shop: Shop) -> None:
    browser = shop.browser().sign_in("student")
    order(browser, "campus-suite", "mac")
    first = statements_of(shop, browser, "/account/orders")
    order(browser, "citegrove", "mac")
    order(browser, "terrane", "linux")
    more = statements_of(shop, browser, "/account/orders")
    assert len(first) == len(more) <= 4, more


def test_a_receipt_costs_the_same_however_many_items_there_are(shop: Shop) -> None:
    browser = shop.browser().sign_in("student")
    one = order(browser, "citegrove", "mac").request.path
    put(browser, "campus-suite", "mac")
    put(browser, "stat-workbench-trial", "win64")
    put(browser, "terrane", "linux")
    put(browser, "querywell", "linux")
    many = proceed(browser, to_review(browser)).follow().request.path
    assert len(statements_of(shop, browser, one)) == len(statements_of(shop, browser, many))


@pytest.mark.feature("AGR-07")
def test_without_the_plugin_the_receipt_says_nothing_of_it(shop: Shop) -> None:
    browser = shop.browser().sign_in("student")
    page = order(browser, "citegrove", "mac")
    assert "Access guarantee" in page.text
    shop.switch("access_guarantee", False)
    assert "Access guarantee" not in browser.get(page.request.path).text


def test_the_snapshot_holds_no_personal_values(shop: Shop) -> None:
    browser = shop.browser().sign_in("student")
    order(browser, "citegrove", "mac")
    with shop.session() as session:
        row = session.scalars(sa.select(Order)).one()
        line = session.scalars(sa.select(OrderLine)).one()
    kept = str(row.snapshot) + str(line.snapshot)
    assert "Emma" not in kept and "Thibodeau" not in kept and "@northfield" not in kept
    assert line.snapshot["offer"] == "everyone" and line.snapshot["price"]["gross"] == 0
    assert row.snapshot["distributor"]["name"] == "Larkfield Distribution Inc."
