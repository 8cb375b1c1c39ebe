"""A plugin that raises, answers the wrong type or takes long: the page comes, and doctor says who it was."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from platform_core.cli.context import Context
from platform_core.cli.doctor import findings
from platform_core.fulfilment.models import Entitlement
from platform_core.orders.models import Order, OrderLine
from platform_core.plugin_api import AccessTerms, Fragment, PlacedOrder, PluginInfo, hookimpl
from platform_core.plugin_api import Shop as PluginShop
from platform_core.tenancy import plugins as plugins_module
from platform_core.tenancy.models import PluginFault
from platform_core.tenancy.plugins import ANSWERS, Plugins
from platform_core.tenancy.services import switch_plugin
from tests.common.ordering import order
from tests.common.shop import Shop

Behaviour = Callable[[PluginShop], Any]


class Unruly:
    """Behaves in each hook as it is told to; elsewhere it answers nothing."""

    def __init__(self, **behaviours: Behaviour) -> None:
        self.behaviours = behaviours
        self.called: list[str] = []

    def _act(self, hook: str, shop: PluginShop) -> Any:
        self.called.append(hook)
        return self.behaviours[hook](shop) if hook in self.behaviours else None

    @hookimpl
    def webstore_plugin_info(self) -> PluginInfo:
        return PluginInfo("unruly", "Unruly", "For tests", "test")

    @hookimpl
    def webstore_access_terms(self, shop: PluginShop) -> Any:
        return self._act("webstore_access_terms", shop)

    @hookimpl
    def webstore_order_placed(self, shop: PluginShop, order: PlacedOrder) -> Any:
        return self._act("webstore_order_placed", shop)

    @hookimpl
    def webstore_slot(self, shop: PluginShop) -> Any:
        return self._act("webstore_slot", shop)


def raises(shop: PluginShop) -> Any:
    raise RuntimeError("emma@northfield.example is not amused")


def answers_nonsense(shop: PluginShop) -> Any:
    return {"until": "tomorrow"}


def takes_long(shop: PluginShop) -> Any:
    time.sleep(1.05)
    return Fragment("Slow but sure", "text")


def breaks_the_transaction(shop: PluginShop) -> Any:
    assert shop.db is not None
    return shop.db.scalar(sa.select(sa.func.no_such_function_at_all()))


def ends_the_transaction(shop: PluginShop) -> Any:
    assert shop.db is not None
    shop.db.rollback()


def commits_the_transaction(shop: PluginShop) -> Any:
    assert shop.db is not None
    shop.db.commit()


def crosses_the_wall(shop: PluginShop) -> Any:
    assert shop.db is not None
    return shop.db.execute(sa.text("SELECT * FROM account")).all()


def spoils(shop: PluginShop) -> Any:
    assert shop.db is not None
    shop.db.scalars(sa.select(OrderLine)).one().variant = "spoiled"
    shop.db.flush()
    raise RuntimeError("after all")


MakeShop = Callable[[Unruly], Shop]


@pytest.fixture
def with_plugin(shop: Shop) -> Iterator[MakeShop]:
    """The same installation with one more plugin, which northfield has on."""
    made: list[Shop] = []

    def make(plugin: Unruly) -> Shop:
        url = shop.database.url.render_as_string(hide_password=False)
        installed = {**shop.plugins.modules, "unruly": plugin}
        made.append(Shop(url, shop.settings.data_dir, Plugins(installed)))
        made[0].switch("unruly", True)
        return made[0]

    yield make
    for each in made:
        each.close()


def faults(shop: Shop) -> list[tuple[str, str, str]]:
    with shop.database.session(read_only=True) as session:
        rows = session.execute(
            sa.select(PluginFault.plugin, PluginFault.hook, PluginFault.kind).order_by(PluginFault.hook)
        )
        return [(plugin, hook, kind) for plugin, hook, kind in rows]


def doctor(shop: Shop) -> list[str]:
    """What doctor says of the plugin."""
    context = Context(shop.settings)
    try:
        return [text for text in findings(context) if text.startswith("plugin unruly: ")]
    finally:
        context.database.dispose()


OUTCOMES = [
    (raises, "raised"),
    (answers_nonsense, "wrong_type"),
    (breaks_the_transaction, "raised"),
    (ends_the_transaction, "raised"),
    (commits_the_transaction, "raised"),
    (crosses_the_wall, "raised"),
]


@pytest.mark.parametrize(("behaviour", "kind"), OUTCOMES)
def test_the_page_comes_and_each_hooks_fault_is_named(
    with_plugin: MakeShop, behaviour: Behaviour, kind: str
) -> None:
    plugin = Unruly(**dict.fromkeys(ANSWERS, behaviour))
    shop = with_plugin(plugin)
    receipt = order(shop.browser().sign_in("student"), "citegrove", "mac")
    assert "Complete" in receipt.text
    assert "Access guarantee: basic, until" in receipt.text, "the other plugin's answer stands"
    assert set(plugin.called) == set(ANSWERS)
    named = {hook for hook, answer in ANSWERS.items() if kind != "wrong_type" or answer is not None}
    assert faults(shop) == [("unruly", hook, kind) for hook in sorted(named)]
    with shop.session() as session:
        line = session.scalars(sa.select(OrderLine)).one()
        item = session.scalars(sa.select(Entitlement)).one()
        assert (line.variant, item.access_source) == ("mac", "access_guarantee:basic")
        details = session.scalars(sa.select(PluginFault.detail)).all()
    assert "emma" not in str(details), "no personal value in a platform table"
    for hook, said in zip(sorted(named), doctor(shop), strict=True):
        assert said.startswith(f"plugin unruly: {hook} {kind} 1 times, last at ")
        assert " UTC after " in said and " ms (" in said


def test_an_order_stands_and_only_the_plugins_own_writes_are_undone(with_plugin: MakeShop) -> None:
    shop = with_plugin(Unruly(webstore_order_placed=spoils))
    receipt = order(shop.browser().sign_in("student"), "citegrove", "mac")
    assert "Complete" in receipt.text
    with shop.session() as session:
        assert session.scalars(sa.select(OrderLine.variant)).one() == "mac"
        assert session.scalar(sa.select(sa.func.count(Order.id))) == 1
        assert len(session.scalars(sa.select(Entitlement)).all()) == 1


def test_a_slow_hook_is_waited_for_and_named_with_its_time(with_plugin: MakeShop) -> None:
    """In one process a hook cannot be cut short; five seconds are five times this one."""
    shop = with_plugin(Unruly(webstore_slot=takes_long))
    browser = shop.browser().sign_in("student")
    receipt = order(browser, "citegrove", "mac")
    assert "Slow but sure" in receipt.text
    browser.get(receipt.request.path)
    [said] = doctor(shop)
    assert "webstore_slot slow 2 times" in said
    assert " s)" in said


def test_slow_hooks_of_every_kind(with_plugin: MakeShop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugins_module, "SLOW_SECONDS", 0.0)
    shop = with_plugin(Unruly(webstore_access_terms=lambda _shop: AccessTerms(None, "unruly:forever")))
    assert "Complete" in order(shop.browser().sign_in("student"), "citegrove", "mac").text
    assert {fault for fault in faults(shop) if fault[0] == "unruly"} == {
        ("unruly", hook, "slow") for hook in ANSWERS
    }
    with shop.session() as session:
        assert session.scalars(sa.select(Entitlement.access_source)).one() == "unruly:forever"


def test_settings_that_no_longer_fit_keep_the_plugin_out_and_the_page_in(with_plugin: MakeShop) -> None:
    shop = with_plugin(Unruly())
    with shop.session() as session:
        switch_plugin(session, shop.clock, "access_guarantee", True, "operator:test", {"weeks": 4})
    shop.forget()
    receipt = order(shop.browser().sign_in("student"), "citegrove", "mac")
    assert "Complete" in receipt.text
    assert "Access guarantee" not in receipt.text
    assert {(plugin, kind) for plugin, _hook, kind in faults(shop)} == {("access_guarantee", "raised")}


def test_a_store_that_has_it_off_never_hears_of_it(with_plugin: MakeShop) -> None:
    plugin = Unruly(webstore_slot=raises)
    shop = with_plugin(plugin)
    shop.switch("unruly", False)
    order(shop.browser().sign_in("student"), "citegrove", "mac")
    assert plugin.called == []
    assert faults(shop) == []
