"""What each page asks of the database, as a number that grows neither with the catalogue nor with the plugins."""

import re
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from platform_core.accounts.models import Account
from platform_core.catalog.shelf import shelf
from platform_core.plugin_api import AccessTerms, Fragment, PluginInfo, hookimpl
from platform_core.tenancy.plugins import Plugins
from tests.common.ordering import order, proceed, put, to_review
from tests.common.shop import TENANTS, Browser, Shop
from tests.common.statements import statements

# On SQLite; PostgreSQL adds one to each that reads a store's own rows (set_config). Everything in: is there a new revision or a moved clock, whose store (set_config, on PostgreSQL alone), who is
# signed in, what is in the cart and has been had; then what the page itself reads.
VISITOR = {
    "/": 1,
    "/products": 1,
    "/products?q=studio&for=free&sort=price": 1,
    "/products/stat-workbench": 1,
    "/sign-in": 1,
    "/pages/accessibility": 1,
    "/cart": 1,
    "/nothing": 1,
}
SIGNED_IN = {
    "/": 3,
    "/products": 3,
    "/products?q=studio&for=free&sort=price": 3,
    "/products/stat-workbench": 3,
    "/cart": 4,
    "/account/profile": 3,
    "/account/eligibility": 3,
    "/account/orders": 4,
    "/nothing": 3,
}
RECEIPT = 16


class Extra:
    """A plugin that answers every hook that a page asks."""

    def __init__(self, name: str) -> None:
        self.name = name

    @hookimpl
    def webstore_plugin_info(self) -> PluginInfo:
        return PluginInfo(name=self.name, title=self.name, description="", category="delivery")

    @hookimpl
    def webstore_access_terms(self) -> AccessTerms:
        return AccessTerms(None, f"{self.name}:for-good")

    @hookimpl
    def webstore_slot(self, name: str) -> Fragment:
        return Fragment("Extra", self.name)


def cost(shop: Shop, browser: Browser, path: str) -> int:
    """Statements of a page of a store that this process knows and has not looked at for a while."""
    shop.forget()
    with statements(shop.database) as seen:
        browser.get(path, expect_errors=True)
    scoped = [statement for statement in seen if statement.startswith("SELECT set_config")]
    assert len(scoped) == (not shop.database.is_sqlite and len(seen) > 1), seen
    return len(seen) - len(scoped)


@contextmanager
def started(shop: Shop, plugins: Plugins | None = None) -> Iterator[Shop]:
    """The same installation in a process that has just been started."""
    made = Shop(shop.settings.database_url, shop.settings.data_dir, plugins)
    yield made
    made.close()


def costs(shop: Shop, browser: Browser, paths: Iterable[str]) -> dict[str, int]:
    return {path: cost(shop, browser, path) for path in paths}


def cold_and_warm(shop: Shop) -> tuple[int, int]:
    """Statements of a visitor's first and second look at the list, in a process that has just been started."""
    with started(shop, shop.plugins) as made:
        browser = made.browser()
        with statements(made.database) as cold:
            browser.get("/products")
        for kept in made.registry.stores._kept.values():
            kept.checked = time.monotonic()  # however slow this machine is, the next look is not due
        with statements(made.database) as warm:
            browser.get("/products")
    return len(cold), len(warm)


def test_a_visitors_list_costs_one_statement_and_then_none(shop: Shop) -> None:
    assert cold_and_warm(shop) == (1, 0)
    visitor = shop.browser()
    for path in VISITOR:
        visitor.get(path, expect_errors=True)
    assert costs(shop, visitor, VISITOR) == VISITOR


def test_a_signed_in_persons_pages_have_a_number_each(shop: Shop) -> None:
    student = shop.browser().sign_in("student")
    assert costs(shop, student, SIGNED_IN) == SIGNED_IN


def test_the_first_page_of_a_signed_in_person_in_a_new_process(shop: Shop) -> None:
    student = shop.browser().sign_in("student")
    with started(shop) as made:
        browser = made.browser()
        browser.set_cookie("sid", student.cookies["sid"])
        with statements(made.database) as seen:
            assert "Prices are yours" in browser.get("/products").text
    assert len(seen) <= 4, seen


def test_twice_as_many_products_cost_no_statement_more(shop: Shop, tmp_path: Path) -> None:
    before = len(shelf(shop.store()).products)
    head, *products = (TENANTS / "northfield.toml").read_text("utf-8").split("\n[[products]]\n")
    again = [
        re.sub(r'^slug = "([^"]+)"', r'slug = "\1-too"', product, flags=re.MULTILINE) for product in products
    ]
    (tmp_path / "northfield.toml").write_text("\n[[products]]\n".join([head, *products, *again]), "utf-8")
    (tmp_path / "northfield.svg").write_text((TENANTS / "northfield.svg").read_text("utf-8"), "utf-8")
    shop.apply(tmp_path / "northfield.toml")
    assert len(shelf(shop.store()).products) == 2 * before
    assert cold_and_warm(shop) == (1, 0)
    assert costs(shop, shop.browser(), VISITOR) == VISITOR
    assert costs(shop, shop.browser().sign_in("student"), SIGNED_IN) == SIGNED_IN


def test_more_plugins_cost_no_statement_more(shop: Shop) -> None:
    """Also where each of them adds numbers of its own, and says something on the receipt."""
    extra = [f"extra{number}" for number in range(3)]
    student = shop.browser().sign_in("student")
    receipt = order(student, "campus-suite", "mac").request.path
    plain = cost(shop, student, receipt)
    with started(shop, Plugins({**shop.plugins.modules, **{name: Extra(name) for name in extra}})) as made:
        for name in extra:
            made.switch(name, True)
            made.config.add_personal_numbers(name, numbers)
        browser = made.browser()
        browser.set_cookie("sid", student.cookies["sid"])
        browser.get("/products")
        assert cold_and_warm(made) == (1, 0)
        assert costs(made, made.browser(), VISITOR) == VISITOR
        assert costs(made, browser, SIGNED_IN) == SIGNED_IN
        assert all(name in browser.get(receipt).text for name in extra)
        assert cost(made, browser, receipt) == plain


def numbers(account_id: Any) -> sa.Select[str, int]:
    """A room's numbers about a person."""
    return sa.select(sa.literal("accounts"), sa.func.count()).where(Account.id == account_id)


def test_the_cart_and_the_receipt_cost_the_same_however_much_is_in_them(shop: Shop) -> None:
    student = shop.browser().sign_in("student")
    put(student, "citegrove", "mac")
    cart, checkout = cost(shop, student, "/cart"), cost(shop, student, "/checkout")
    one = proceed(student, to_review(student)).follow().request.path
    for product, variant in (("campus-suite", "mac"), ("terrane", "linux"), ("querywell", "linux")):
        put(student, product, variant)
    assert (cart, checkout) == (cost(shop, student, "/cart"), cost(shop, student, "/checkout")) == (4, 5)
    many = proceed(student, to_review(student)).follow().request.path
    assert cost(shop, student, one) == cost(shop, student, many) == RECEIPT
    assert cost(shop, student, "/account/orders") == SIGNED_IN["/account/orders"]
