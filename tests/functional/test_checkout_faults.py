"""What a checkout survives: a process killed at any point, another transaction that was first, bad plugins."""

import json
import os
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

import platform_core
from platform_core.checkout.basket import basket
from platform_core.checkout.cart import Contents, Owner, open_cart, read
from platform_core.checkout.cart import put as put_row
from platform_core.checkout.services import published_revision
from platform_core.fulfilment.models import Credential, CredentialState, Entitlement
from platform_core.orders import services as orders
from platform_core.orders.models import Order, OrderLine, OrderState
from platform_core.orders.transitions import NotAllowed
from platform_core.plugin_api import Fragment, PlacedOrder, PluginInfo, SlotContext, hookimpl
from platform_core.plugin_api import Shop as PluginShop
from platform_core.tenancy.plugins import Plugins
from tests.common.ordering import order, proceed, put, ticked, to_review
from tests.common.shop import Shop

PACKAGE = Path(platform_core.__file__).parent
ROOT = PACKAGE.parent


def points() -> list[str]:
    """Every named point of checkout and fulfilment that ordering passes, from the code itself."""
    sources = [*PACKAGE.glob("checkout/*.py"), PACKAGE / "fulfilment" / "services.py"]
    found = {
        name for path in sources for name in re.findall(r'reached\("([\w.]+)"\)', path.read_text("utf-8"))
    }
    return sorted(found - {"checkout.begun", "fulfilment.served"})


def counted(shop: Shop) -> dict[str, int]:
    with shop.session() as session:

        def count(model: Any, *conditions: Any) -> int:
            return session.scalar(sa.select(sa.func.count()).select_from(model).where(*conditions)) or 0

        return {
            "orders": count(Order),
            "items": count(Entitlement),
            "keys": count(Credential, Credential.state == CredentialState.ISSUED),
        }


def test_the_points_are_those_before_between_and_after_the_steps() -> None:
    assert set(points()) >= {
        "checkout.checked",
        "checkout.placed",
        "checkout.fulfilled",
        "checkout.committed",
    }


@pytest.mark.parametrize("point", points())
def test_killed_at_any_point_there_is_no_key_without_an_order_and_none_twice(shop: Shop, point: str) -> None:
    browser = shop.browser().sign_in("student")
    put(browser, "campus-suite", "mac")
    put(browser, "stat-workbench-trial", "win64")
    review = to_review(browser)
    said = {
        "url": shop.database.url.render_as_string(hide_password=False),
        "data_dir": str(shop.settings.data_dir),
        "cookies": dict(browser.cookies),
        "path": review.request.path,
        "fields": ticked(review),
    }
    killed = subprocess.run(
        [sys.executable, "-m", "tests.common.presser"],
        cwd=ROOT,
        env={**os.environ, "WEBSTORE_KILL_AT": point},
        input=json.dumps(said),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert killed.returncode == -9, killed.stdout + killed.stderr
    done = {"orders": 1, "items": 2, "keys": 2}
    nothing = dict.fromkeys(done, 0)
    assert counted(shop) == (done if point == "checkout.committed" else nothing)
    receipt = proceed(browser, review).follow()
    assert counted(shop) == done
    assert "Complete" in receipt.text and len(receipt.html.select('.key code[id^="item-"]')) == 2
    assert browser.get("/cart").html.select(".line") == []


def the_person(shop: Shop) -> Any:
    """The signed-in student as the code below the pages knows them."""
    from platform_core.accounts import sessions

    browser = shop.browser().sign_in("student")
    with shop.session() as session:
        found = sessions.load(session, shop.store(), browser.cookies["sid"])
    assert found is not None
    return found[0]


def one_item(shop: Shop, session: Any, person: Any, slug: str = "citegrove", variant: str = "mac") -> Any:
    """An order's items, from a cart that holds one product."""
    store = shop.store()
    owner = Owner(account_id=person.account_id)
    mine = open_cart(session, store, owner, "CAD")
    product = next(each for each in store.catalogue_document["products"] if each["slug"] == slug)
    from uuid import UUID

    put_row(session, store, mine, UUID(product["id"]), variant, 1, None)
    contents: Contents = read(session, store, owner)
    now = basket(store, contents, person=person.terms, currency="CAD", uses={}, locale="en")
    assert now.orderable
    return now.order_items()


def place(shop: Shop, session: Any, person: Any, checkout_id: Any, items: Any) -> Order:
    return orders.place(
        session,
        shop.store(),
        person,
        checkout_id=checkout_id,
        items=items,
        contact_name="A",
        contact_email="a@b.example",
        language="en",
        currency="CAD",
        agreed={},
    )


def test_placing_a_checkout_again_answers_the_same_order(shop: Shop) -> None:
    person, checkout_id = the_person(shop), uuid4()
    with shop.session() as session:
        items = one_item(shop, session, person)
        first = place(shop, session, person, checkout_id, items)
        assert place(shop, session, person, checkout_id, items).id == first.id
    with shop.session() as session:
        assert place(shop, session, person, checkout_id, items).number == first.number
        assert session.scalar(sa.select(sa.func.count()).select_from(OrderLine)) == 1


@pytest.mark.postgres
def test_whoever_comes_second_learns_of_the_first_ones_order(shop: Shop) -> None:
    person, checkout_id = the_person(shop), uuid4()
    with shop.session() as session:
        items = one_item(shop, session, person)
    outcome: list[Any] = []

    def second() -> None:
        with shop.database.session(shop.store().id) as session:
            try:
                outcome.append(place(shop, session, person, checkout_id, items))
            except orders.AlreadyPlaced as already:
                outcome.append(already.order.number)

    with shop.database.session(shop.store().id) as session:
        first = place(shop, session, person, checkout_id, items)
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(0.5)
        assert not outcome, "the second one waits"
        session.commit()
        thread.join(30)
    assert outcome == [first.number]


def test_an_order_changes_its_state_only_as_the_table_allows_and_only_once(shop: Shop) -> None:
    person = the_person(shop)
    with shop.session() as session:
        placed = place(shop, session, person, uuid4(), one_item(shop, session, person))
        orders.transition(session, shop.store(), placed, OrderState.PROCESSING)
        with pytest.raises(NotAllowed, match="from processing to placed"):
            orders.transition(session, shop.store(), placed, OrderState.PLACED)
        session.execute(
            sa.update(Order).values(state=OrderState.COMPLETE).execution_options(synchronize_session=False)
        )
        with pytest.raises(NotAllowed, match="no longer processing"):
            orders.transition(session, shop.store(), placed, OrderState.CANCELLED)


@pytest.mark.postgres
def test_while_an_order_is_decided_no_revision_is_published(shop: Shop) -> None:
    with shop.database.session(shop.store().id) as session:
        number = published_revision(session, shop.store())
        done: list[bool] = []

        def publish() -> None:
            shop.switch("access_guarantee", False)
            done.append(True)

        thread = threading.Thread(target=publish)
        thread.start()
        thread.join(0.5)
        assert not done
        session.rollback()
        thread.join(30)
        assert done and published_revision(session, shop.store()) == number + 1


class Grumpy:
    """A plugin that writes, then raises, wherever ordering asks it."""

    @hookimpl
    def webstore_plugin_info(self) -> PluginInfo:
        return PluginInfo("grumpy", "Grumpy", "Raises", "test")

    @hookimpl
    def webstore_order_placed(self, shop: PluginShop, order: PlacedOrder) -> None:
        assert shop.db is not None
        line = shop.db.scalars(sa.select(OrderLine)).one()
        line.variant = "spoiled"
        shop.db.flush()
        raise RuntimeError("no")

    @hookimpl
    def webstore_slot(self, shop: PluginShop, name: str, context: SlotContext) -> Fragment | None:
        raise RuntimeError("not here either")


def test_a_plugin_that_raises_leaves_the_order_and_the_receipt_whole(shop: Shop) -> None:
    url = shop.database.url.render_as_string(hide_password=False)
    grumpy = Shop(url, shop.settings.data_dir, Plugins({"grumpy": Grumpy()}))
    grumpy.switch("grumpy", True)
    receipt = order(grumpy.browser().sign_in("student"), "citegrove", "mac")
    assert "Complete" in receipt.text
    with grumpy.session() as session:
        assert session.scalars(sa.select(OrderLine.variant)).one() == "mac", "what it wrote was undone"
    grumpy.close()
