"""Signing in and out, sessions, and the pages of Your Account."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from platform_core.accounts.models import Account, AccountState, WebSession
from tests.common.shop import PASSWORD, Shop

LONG = "a sentence that nobody guesses"


@pytest.mark.feature("ACC-01")
def test_anonymous_pages_lead_to_a_form_with_username_and_password(shop: Shop) -> None:
    browser = shop.browser()
    assert browser.get("/").html.find("a", href="/sign-in") is not None
    page = browser.get("/sign-in")
    assert page.html.find("label", string="Username") and page.html.find("label", string="Password")
    assert page.html.find("button", string="Sign In")


@pytest.mark.feature("ACC-02")
def test_a_signed_in_page_shows_the_username_with_its_menu(shop: Shop) -> None:
    page = shop.browser().sign_in("student").get("/products")
    menu = page.html.find("details", class_="menu")
    assert "student" in menu.summary.get_text()
    assert "Your Account/Orders" in menu.get_text() and "Sign Out" in menu.get_text()


@pytest.mark.feature("ACC-03")
def test_a_page_that_needs_sign_in_is_reached_after_it(shop: Shop) -> None:
    browser = shop.browser()
    asked = browser.get("/account/profile?after=x", status=303)
    form = asked.follow()
    hidden = form.html.find("input", attrs={"name": "next"})["value"]
    assert hidden == "/account/profile?after=x"
    answer = browser.post(
        "/sign-in", {"username": "student", "password": PASSWORD, "next": hidden}, status=303
    )
    assert answer.location.endswith("/account/profile?after=x")


@pytest.mark.parametrize(
    "target", ["//evil.example/", "https://evil.example/", "/\\evil.example", "javascript:x", ""]
)
def test_sign_in_never_leads_to_another_host(shop: Shop, target: str) -> None:
    answer = shop.browser().post("/sign-in", {"username": "student", "password": PASSWORD, "next": target})
    assert answer.location == "http://northfield.localhost:8000/"


@pytest.mark.feature("ACC-07")
def test_an_account_of_one_store_does_not_open_another(shop: Shop) -> None:
    shop.person("only.here")
    shop.browser().sign_in("only.here")
    other = shop.browser("montclair")
    other.post("/sign-in", {"username": "only.here", "password": PASSWORD}, status=422)


def test_a_session_cookie_of_one_store_is_worthless_in_another(shop: Shop) -> None:
    cookie = shop.browser().sign_in("student").cookies["sid"]
    other = shop.browser("montclair")
    other.set_cookie("sid", cookie)
    other.get("/account/profile", status=303)


def test_wrong_password_unknown_name_and_closed_account_get_the_same_answer(shop: Shop) -> None:
    shop.person("left")
    with shop.session() as session:
        session.execute(
            sa.update(Account).where(Account.username_key == "left").values(state=AccountState.DEACTIVATED)
        )
    texts = set()
    for username, password in (("student", "wrong one"), ("nobody", "wrong one"), ("left", PASSWORD)):
        page = shop.browser().post("/sign-in", {"username": username, "password": password}, status=422)
        texts.add(page.html.find("div", role="alert").get_text())
        assert "wrong one" not in page.text
    assert len(texts) == 1


def test_tries_are_limited_by_account_and_counted_over_a_refusal(shop: Shop) -> None:
    limit = shop.store().config.limits.sign_in_per_account
    for _ in range(limit):
        shop.browser().post("/sign-in", {"username": "student", "password": "wrong"}, status=422)
    shop.browser().post("/sign-in", {"username": "student", "password": PASSWORD}, status=429)
    shop.browser().sign_in("faculty")


def test_the_limit_ends_with_its_window_of_wall_time(shop: Shop) -> None:
    limit = shop.store().config.limits.sign_in_per_account
    for _ in range(limit + 1):
        shop.browser().post("/sign-in", {"username": "student", "password": "wrong"}, expect_errors=True)
    shop.move_wall(timedelta(minutes=16))
    shop.browser().sign_in("student")


def test_signing_in_again_replaces_the_session(shop: Shop) -> None:
    browser = shop.browser().sign_in("student")
    first = browser.cookies["sid"]
    browser.post("/sign-in", {"username": "student", "password": PASSWORD}, status=303)
    assert browser.cookies["sid"] != first
    with shop.session() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(WebSession)) == 1


def test_a_session_survives_a_move_of_business_time(shop: Shop) -> None:
    browser = shop.browser().sign_in("student")
    shop.advance(days=8)
    browser.get("/account/profile", status=200)


def test_a_session_ends_when_idle_and_in_any_case_by_wall_time(shop: Shop) -> None:
    browser = shop.browser().sign_in("student")
    sessions = shop.store().config.sessions
    step = timedelta(minutes=sessions.idle_minutes - 1)
    moved = timedelta()
    while moved + step < timedelta(hours=sessions.absolute_hours):
        moved += step
        shop.move_wall(moved)
        browser.get("/account/profile", status=200)
    shop.move_wall(timedelta(hours=sessions.absolute_hours, minutes=1))
    browser.get("/account/profile", status=303)
    idle = shop.browser().sign_in("student")
    shop.move_wall(timedelta(hours=sessions.absolute_hours, minutes=2 + sessions.idle_minutes))
    idle.get("/account/profile", status=303)


@pytest.mark.feature("EXT-18")
def test_a_shared_computer_gets_a_short_session_and_sign_out_clears_it(shop: Shop) -> None:
    browser = shop.browser()
    browser.post("/sign-in", {"username": "student", "password": PASSWORD, "shared": "y"}, status=303)
    shop.move_wall(timedelta(minutes=11))
    browser.get("/account/profile", status=303)
    shop.move_wall(timedelta())
    browser.sign_in("student")
    cookie = browser.cookies["sid"]
    answer = browser.post("/sign-out", browser.csrf, status=303)
    assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'
    browser.set_cookie("sid", cookie)
    browser.get("/account/profile", status=303)


def test_sign_out_by_a_link_only_shows_a_button(shop: Shop) -> None:
    browser = shop.browser().sign_in("student")
    assert browser.get("/sign-out").html.find("button", string="Sign Out")
    browser.get("/account/profile", status=200)


@pytest.mark.feature("ACC-04")
def test_your_account_has_its_four_tabs(shop: Shop) -> None:
    page = shop.browser().sign_in("student").get("/account/orders")
    tabs = page.html.find("nav", class_="tabs") or page.html.find(class_="tabs")
    for label in ("Orders & Downloads", "Account Information", "Eligibility", "Change Password"):
        assert label in tabs.get_text()


@pytest.mark.feature("ACC-05")
def test_the_password_changes_only_with_the_current_one_and_two_equal_new_ones(shop: Shop) -> None:
    browser = shop.browser().sign_in("student")
    elsewhere = shop.browser().sign_in("student")
    for current, new, confirm in (
        (PASSWORD, LONG, LONG + "x"),
        ("wrong", LONG, LONG),
        (PASSWORD, "tooshort8", "tooshort8"),
    ):
        form = {"current": current, "new": new, "confirm": confirm, **browser.csrf}
        page = browser.post("/account/password", form, status=422)
        assert page.html.find(attrs={"aria-invalid": "true"})
        assert new not in page.text
    browser.post(
        "/account/password", {"current": PASSWORD, "new": LONG, "confirm": LONG, **browser.csrf}, status=303
    )
    browser.get("/account/password", status=200)
    elsewhere.get("/account/password", status=303)
    shop.browser().sign_in("student", LONG)


@pytest.mark.feature("ACC-06")
@pytest.mark.parametrize("name", ["Zoë 🦊 Ångström", "x" * 200, "مريم", "<b>x</b>"])
def test_account_information_can_be_changed_at_any_time(shop: Shop, name: str) -> None:
    browser = shop.browser().sign_in("student")
    form = {"display_name": name, "email": "new@northfield.example", "language": "fr", **browser.csrf}
    browser.post("/account/profile", form, status=303)
    page = browser.get("/account/profile")
    assert page.html.find("input", attrs={"name": "display_name"})["value"] == name
    assert page.html.html["lang"] == "fr"


def test_a_wrong_address_is_refused_and_what_was_typed_is_kept(shop: Shop) -> None:
    browser = shop.browser().sign_in("student")
    form = {"display_name": "Maya", "email": "maya at home", "language": "en", **browser.csrf}
    page = browser.post("/account/profile", form, status=422)
    assert page.html.find("input", attrs={"name": "email"})["value"] == "maya at home"


@pytest.mark.feature("ELG-02", "ELG-03")
def test_eligibility_shows_all_groups_and_organisations(shop: Shop) -> None:
    page = shop.browser().sign_in("everywhere").get("/account/eligibility")
    store = shop.store()
    text = page.html.main.get_text()
    assert all(o.name.get("en") in text or o.name.get("fr") in text for o in store.config.organisations)
