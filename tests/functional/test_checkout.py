"""From cart to order: steps, agreements, the final check, and one order however often it is pressed."""

import threading
import time
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from platform_core.accounts.models import Account, AccountGroup, AccountState, Verification
from platform_core.catalog.models import OfferUse
from platform_core.checkout.models import CartLine, Checkout, CheckoutState
from platform_core.events.models import Event
from platform_core.fulfilment.models import Credential, CredentialState, Entitlement
from platform_core.orders.models import Order, OrderAgreement, OrderContact, OrderLine, OrderState
from tests.common.ordering import csrf, form_values, number_of, order, proceed, put, ticked, to_review
from tests.common.shop import TENANTS, Shop


def count(shop: Shop, model: Any, *conditions: Any) -> int:
    with shop.session() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(model).where(*conditions)) or 0


def issued(shop: Shop) -> int:
    """How many keys have gone out."""
    return count(shop, Credential, Credential.state == CredentialState.ISSUED)


def cart_size(shop: Shop) -> int:
    return count(shop, CartLine)


def nothing_done(shop: Shop) -> bool:
    """No order, no key, no use of an offer: a refused order leaves nothing half done."""
    return count(shop, Order) == issued(shop) == count(shop, Entitlement) == count(shop, OfferUse) == 0


@pytest.mark.feature("CRT-06", "CRT-07", "CRT-09", "CRT-10", "ORD-03")
def test_a_free_order_goes_from_details_over_review_to_its_receipt(shop: Shop) -> None:
    browser = shop.browser().sign_in("student")
    put(browser, "campus-suite", "mac")
    details = browser.get("/checkout")
    steps = [step.get_text() for step in details.html.select(".steps__name")]
    assert steps == ["Your details", "Review"], "no payment step where there is nothing to pay"
    fields = dict(form_values(details))
    assert fields["name"] == "Emma Thibodeau" and "@" in fields["email"]
    assert "no-store" in details.headers["Cache-Control"]
    review = browser.post(
        "/checkout", {**fields, "name": "Emma T.", "email": "emma.t@mail.example"}, status=303
    ).follow()
    assert "Emma T." in review.text and "emma.t@mail.example" in review.text
    assert review.html.find("button", string="Proceed with Order")
    assert count(shop, Order) == 0 and issued(shop) == 0
    answer = proceed(browser, review)
    assert "/orders/" in answer.location
    receipt = answer.follow()
    assert "Complete" in receipt.text and "Campus Suite 2026" in receipt.text
    with shop.session() as session:
        row = session.scalars(sa.select(Order)).one()
        contact = session.scalars(sa.select(OrderContact)).one()
        assert (contact.name, contact.email) == ("Emma T.", "emma.t@mail.example")
        assert "Emma" not in str(row.snapshot), "what can be erased stands in a row of its own"
        assert row.state is OrderState.COMPLETE and row.total == 0
        assert session.scalars(
            sa.select(Event.tag).where(Event.subject_id == row.id).order_by(Event.id)
        ).all() == [
            "orders:order:placed",
            "orders:order:complete",
        ]
        assert session.scalars(sa.select(Checkout.contact_email)).one() == "", "no second copy of the contact"
    assert cart_size(shop) == 0


def test_a_visitor_signs_in_first_and_keeps_the_cart(shop: Shop) -> None:
    browser = shop.browser()
    put(browser, "campus-suite", "mac")
    assert "next=%2Fcheckout" in browser.get("/checkout", status=303).location
    browser.post("/checkout", {"name": "x", "email": "x@y.example"}, status=303)
    browser.post("/checkout/token", {}, status=303)
    assert cart_size(shop) == 1 and count(shop, Checkout) == 0


def test_an_empty_cart_leads_back_to_itself(shop: Shop) -> None:
    browser = shop.browser().sign_in("student")
    assert browser.get("/checkout", status=303).location.endswith("/cart")
    assert browser.post("/checkout", csrf(browser), status=303).location.endswith("/cart")


@pytest.mark.parametrize(
    ("name", "email", "field"),
    [
        ("", "a@b.example", "name"),
        ("A", "nonsense", "email"),
        ("A", "", "email"),
        ("n" * 401, "a@b.example", "name"),
    ],
)
def test_details_that_cannot_be_are_told_and_kept(shop: Shop, name: str, email: str, field: str) -> None:
    browser = shop.browser().sign_in("student")
    put(browser, "campus-suite", "mac")
    page = browser.post("/checkout", {"name": name, "email": email, **csrf(browser)}, status=422)
    assert page.html.find(id=field)["aria-invalid"] == "true"
    assert page.html.find(attrs={"role": "alert"}) is not None
    assert page.html.find(id="email")["value"] == email
    assert count(shop, Checkout) == 0


@pytest.mark.parametrize(
    "name", ["Ω" * 400, "🦊 Fox", "\u202eمريم", "<script>alert(1)</script>", "O’Brien & Söhne"]
)
def test_long_and_foreign_names_stand_on_the_receipt(shop: Shop, name: str) -> None:
    browser = shop.browser().sign_in("student")
    put(browser, "citegrove", "mac")
    review = browser.post(
        "/checkout", {"name": name, "email": "a@b.example", **csrf(browser)}, status=303
    ).follow()
    receipt = proceed(browser, review).follow()
    shown = name.replace("\u202e", "")
    assert shown in receipt.html.find("aside").get_text()
    assert "<script>alert" not in receipt.text


@pytest.mark.feature("EXT-02")
def test_each_agreement_is_read_in_place_accepted_and_kept_with_version_time_and_language(shop: Shop) -> None:
    browser = shop.browser().sign_in("student")
    browser.set_cookie("lang", "fr")
    put(browser, "campus-suite", "mac")
    put(browser, "stat-workbench-trial", "win64")
    review = to_review(browser)
    texts = review.html.select(".agreement__text")
    assert len(texts) == 2 and all(text["lang"] == "fr" and len(text.get_text()) > 300 for text in texts)
    boxes = review.html.find_all("input", type="checkbox")
    assert [box.has_attr("required") for box in boxes] == [True, True]

    refused = browser.post(review.request.path, form_values(review), status=409)
    assert len(refused.html.select(".agreement.is-bad")) == 2
    one = [*form_values(review), (boxes[0]["name"], boxes[0]["value"])]
    refused = browser.post(review.request.path, one, status=409)
    assert len(refused.html.select(".agreement.is-bad")) == 1
    assert refused.html.find("input", attrs={"name": boxes[0]["name"]}).has_attr("checked"), (
        "what was ticked stays"
    )
    wrong = [*form_values(review), *((box["name"], "1999|fr") for box in boxes)]
    browser.post(review.request.path, wrong, status=409)
    assert nothing_done(shop) and cart_size(shop) == 2

    receipt = proceed(browser, review).follow()
    with shop.session() as session:
        rows = session.scalars(sa.select(OrderAgreement)).all()
        placed = session.scalars(sa.select(Order.placed_at)).one()
    assert {row.version for row in rows} == {"2026-1", "2026-2"}
    assert {row.language for row in rows} == {"fr"}
    assert all(row.accepted_at <= placed for row in rows)
    assert "2026-1" in receipt.text and "2026-2" in receipt.text


def test_an_agreement_that_changed_meanwhile_has_to_be_read_again(shop: Shop, tmp_path: Path) -> None:
    browser = shop.browser().sign_in("student")
    put(browser, "campus-suite", "mac")
    review = to_review(browser)
    republish(shop, tmp_path, ('version = "2026-2"', 'version = "2026-3"'))
    refused = proceed(browser, review, status=409)
    assert "Accept “Brackenfield Campus Licence” for Campus Suite 2026" in refused.text
    assert nothing_done(shop)
    assert "/orders/" in proceed(browser, refused).location


def republish(shop: Shop, folder: Path, *changes: tuple[str, str]) -> None:
    """Another process applies a changed file, and this one does not notice for an hour."""
    text = (TENANTS / "northfield.toml").read_text("utf-8")
    for before, after in changes:
        assert before in text
        text = text.replace(before, after, 1)
    (folder / "northfield.svg").write_bytes((TENANTS / "northfield.svg").read_bytes())
    (folder / "northfield.toml").write_text(text, "utf-8")
    shop.apply(folder / "northfield.toml")
    for kept in shop.registry.stores._kept.values():
        kept.checked = time.monotonic() + 3600


@pytest.mark.feature("CRT-09")
def test_what_changed_since_the_review_is_shown_and_nothing_is_ordered_unseen(shop: Shop) -> None:
    browser = shop.browser().sign_in("student")
    put(browser, "citegrove", "mac")
    put(browser, "campus-suite", "mac")
    review = to_review(browser)
    second = shop.browser()
    for name, value in browser.cookies.items():
        second.set_cookie(name, value)
    second.post("/cart/lines/citegrove/mac", {"remove": "1", **csrf(second)}, status=303)
    refused = proceed(browser, review, status=409)
    assert "is no longer in your cart" in refused.text and nothing_done(shop)
    put(second, "terrane", "linux")
    refused = proceed(browser, refused, status=409)
    assert "Terrane" in refused.html.find(attrs={"role": "alert"}).get_text() and nothing_done(shop)
    assert "/orders/" in proceed(browser, refused).location


def test_a_price_that_came_after_the_review_is_noticed_by_the_stores_revision(
    shop: Shop, tmp_path: Path
) -> None:
    browser = shop.browser().sign_in("student")
    put(browser, "citegrove", "mac")
    review = to_review(browser)
    text = (TENANTS / "northfield.toml").read_text("utf-8")
    start = text.index('slug = "citegrove"')
    end = text.index("[[products]]\n", start)
    part = text[start:end]
    republish(shop, tmp_path, (part, part.replace("free = true", 'prices = { CAD = "5.00", USD = "4.00" }')))
    refused = proceed(browser, review, status=409)
    assert "costs CAD\xa05.00 now, not CAD\xa00.00" in refused.text
    assert "This store has no way to pay yet" in refused.text
    assert nothing_done(shop) and cart_size(shop) == 1


def test_a_revision_that_changed_nothing_of_this_order_does_not_stop_it(shop: Shop, tmp_path: Path) -> None:
    browser = shop.browser().sign_in("student")
    put(browser, "citegrove", "mac")
    review = to_review(browser)
    republish(shop, tmp_path, ('CAD = "120.00"', 'CAD = "130.00"'))
    assert "/orders/" in proceed(browser, review).location


@pytest.mark.feature("ORD-09")
def test_no_key_ever_goes_to_an_unverified_person(shop: Shop) -> None:
    browser = shop.browser().sign_in("unverified")
    page = put(browser, "campus-suite", "mac").follow()
    assert "Your status must be verified" in page.text and "Check Out" not in page.text
    assert browser.get("/checkout", status=303).location.endswith("/cart")
    details = {"name": "U", "email": "u@b.example", **csrf(browser)}
    assert browser.post("/checkout", details, status=303).location.endswith("/cart")
    assert nothing_done(shop) and cart_size(shop) == 1


def test_a_verification_that_ended_between_review_and_order_stops_it(shop: Shop) -> None:
    browser = shop.browser().sign_in("student")
    put(browser, "campus-suite", "mac")
    review = to_review(browser)
    account = shop.account_id("student")
    with shop.session() as session:
        session.execute(
            sa.update(Verification)
            .where(Verification.account_id == account)
            .values(revoked_at=shop.clock.now())
        )
    refused = proceed(browser, review, status=409)
    assert "Your status must be verified" in refused.text
    assert "Your order has not been placed" in refused.text
    assert nothing_done(shop) and cart_size(shop) == 1
    with shop.session() as session:
        event = session.scalars(sa.select(Event).where(Event.tag == "checkout:order:refused")).one()
        assert event.data["reasons"] == ["verified"]


def test_a_group_that_ended_between_review_and_order_stops_it(shop: Shop) -> None:
    shop.person("prof", groups=("faculty",))
    browser = shop.browser().sign_in("prof")
    put(browser, "draft-cad", "windows")
    review = to_review(browser)
    with shop.session() as session:
        session.execute(sa.delete(AccountGroup).where(AccountGroup.account_id == shop.account_id("prof")))
    refused = proceed(browser, review, status=409)
    assert refused.html.select_one(".reason.is-bad") is not None
    assert nothing_done(shop)


def test_a_closed_account_orders_nothing(shop: Shop) -> None:
    browser = shop.browser().sign_in("student")
    put(browser, "campus-suite", "mac")
    review = to_review(browser)
    with shop.session() as session:
        session.execute(sa.update(Account).values(state=AccountState.DEACTIVATED))
    assert "/sign-in" in browser.post(review.request.path, ticked(review), status=303).location
    assert nothing_done(shop)


def test_pressing_twice_reloading_and_going_back_are_one_order(shop: Shop) -> None:
    browser = shop.browser().sign_in("student")
    put(browser, "campus-suite", "mac")
    review = to_review(browser)
    first = proceed(browser, review).location
    assert proceed(browser, review).location == first
    assert browser.get(review.request.path, status=303).location == first, "back button"
    assert browser.post(review.request.path, csrf(browser), status=303).location == first
    assert count(shop, Order) == 1 and issued(shop) == 1


def test_two_tabs_are_one_order_and_a_second_order_is_a_new_checkout(shop: Shop) -> None:
    browser = shop.browser().sign_in("student")
    put(browser, "campus-suite", "mac")
    one, two = to_review(browser), to_review(browser)
    assert one.request.path == two.request.path
    assert proceed(browser, one).location == proceed(browser, two).location
    assert count(shop, Order) == 1
    put(browser, "citegrove", "mac")
    third = to_review(browser)
    assert third.request.path != one.request.path
    proceed(browser, third)
    assert count(shop, Order) == 2 and count(shop, Checkout, Checkout.state == CheckoutState.OPEN) == 0


def test_pressed_many_times_at_once_it_is_one_order(shop: Shop) -> None:
    browser = shop.browser().sign_in("student")
    put(browser, "campus-suite", "mac")
    review = to_review(browser)
    locations: list[str] = []

    def press() -> None:
        other = shop.browser()
        for name, value in browser.cookies.items():
            other.set_cookie(name, value)
        locations.append(proceed(other, review).location)

    threads = [threading.Thread(target=press) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(locations) == 6 and len(set(locations)) == 1
    assert count(shop, Order) == 1 and issued(shop) == 1 and count(shop, Entitlement) == 1


def test_a_limit_holds_over_orders_and_over_two_checkouts_at_once(shop: Shop) -> None:
    browser = shop.browser().sign_in("student")
    order(browser, "stat-workbench-trial", "win64")
    page = put(browser, "stat-workbench-trial", "mac").follow()
    assert "You have had yours" in page.text and "Check Out" not in page.text
    order_page = browser.post("/cart/lines/stat-workbench-trial/mac", {"remove": "1", **csrf(browser)})
    assert order_page.status_code == 303
    order(browser, "querywell", "linux", "2")
    assert "You have had yours" in put(browser, "querywell", "linux").follow().text
    assert count(shop, Order) == 2


def test_a_limit_reached_between_review_and_order_is_told(shop: Shop) -> None:
    browser = shop.browser().sign_in("student")
    put(browser, "stat-workbench-trial", "win64")
    review = to_review(browser)
    with shop.session() as session:
        offer = next(
            offer["id"]
            for product in shop.store().catalogue_document["products"]
            if product["slug"] == "stat-workbench-trial"
            for offer in product["offers"]
        )
        session.add(
            OfferUse(account_id=shop.account_id("student"), offer_id=UUID(offer), period="ever", used=1)
        )
    refused = proceed(browser, review, status=409)
    assert "You have had yours" in refused.text
    assert count(shop, Order) == 0 and issued(shop) == 0 and cart_size(shop) == 1


@pytest.mark.feature("CAT-11", "KEY-04")
def test_an_empty_pool_does_not_stop_an_order(shop: Shop) -> None:
    browser = shop.browser().sign_in("student")
    receipt = order(browser, "dry-well", "windows")
    assert "Waiting for a key" in receipt.text and "You are next in line" in receipt.text
    with shop.session() as session:
        assert session.scalars(sa.select(Order.state)).one() is OrderState.PROCESSING


def test_nobody_else_gets_into_a_checkout(shop: Shop) -> None:
    owner = shop.browser().sign_in("student")
    put(owner, "campus-suite", "mac")
    review = to_review(owner)
    stranger = shop.browser().sign_in("faculty")
    random = review.request.path[:-32] + "A" * 32
    answers = [stranger.get(path, status=404) for path in (review.request.path, random)]
    assert blanked(answers[0]) == blanked(answers[1])
    values = csrf(stranger)
    answers = [stranger.post(path, values, status=404) for path in (review.request.path, random)]
    assert blanked(answers[0]) == blanked(answers[1])
    elsewhere = shop.browser("montclair").sign_in("student")
    elsewhere.get(review.request.path, status=404)


def blanked(answer: Any) -> str:
    """A page without what names the request."""
    text = answer.text.replace(answer.headers["X-Request-Id"], "").replace(answer.request.path, "")
    return str(text)


def test_the_order_remembers_the_language_and_the_currency(shop: Shop) -> None:
    browser = shop.browser().sign_in("student")
    browser.set_cookie("lang", "fr")
    browser.set_cookie("currency", "USD")
    order(browser, "terrane", "linux")
    with shop.session() as session:
        row = session.scalars(sa.select(Order)).one()
        line = session.scalars(sa.select(OrderLine)).one()
    assert (row.language, row.currency) == ("fr", "USD")
    assert line.snapshot["price"]["currency"] == "USD"
    assert {point["code"] for point in line.snapshot["decided"]} >= {"signed_in", "verified", "limit"}


def test_a_plugin_that_fails_does_not_stop_an_order(shop: Shop) -> None:
    shop.switch("access_guarantee", False)
    receipt = order(shop.browser().sign_in("student"), "citegrove", "mac")
    assert "Access guarantee" not in receipt.text
    assert number_of(receipt) in receipt.text
