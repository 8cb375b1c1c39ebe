"""Licence and access: two clocks that never touch each other."""

from datetime import datetime

import pytest

from platform_core.clock import Clock
from platform_core.db import uuid7
from platform_core.fulfilment.access import without_waiting
from platform_core.fulfilment.licence import licence_until
from platform_core.plugin_api import hookimpl
from platform_core.plugin_api.types import AccessTerms, PlacedItem, PlacedOrder, PluginInfo
from platform_core.tenancy.access import access_terms
from platform_core.tenancy.plugins import Plugins
from platform_core.tenancy.schema import StoreConfig
from platform_core.tenancy.store import Store
from tests.common.factories import configuration, moment

ZONE = "America/Toronto"
START = moment(2026, 1, 31, 15)


def store(installed: Plugins | None = None, **changes) -> Store:
    config = StoreConfig.model_validate(configuration("school", **changes))
    return Store(uuid7(), "school", 1, False, config, installed or Plugins({}), Clock(), {})


@pytest.mark.feature("KEY-07")
@pytest.mark.parametrize(
    ("licence", "until"),
    [
        ({"kind": "perpetual", "months": None, "days": None}, None),
        ({"kind": "enrolment", "months": None, "days": None}, None),
        # 31 January + 1 month is the last day of February, which counts in full: Toronto's midnight is 05:00 UTC.
        ({"kind": "rental", "months": 1, "days": None}, moment(2026, 3, 1, 5)),
        ({"kind": "rental", "months": 12, "days": None}, moment(2027, 2, 1, 5)),
        ({"kind": "rental", "months": None, "days": 10}, moment(2026, 2, 11, 5)),
        ({"kind": "evaluation", "months": None, "days": 30}, moment(2026, 3, 3, 5)),
    ],
)
def test_a_licence_ends_after_its_last_day(licence, until):
    assert licence_until(licence, START, ZONE) == until


def promise(name: str, until: datetime | None):
    """A plugin that promises access until `until`."""

    class Promise:
        @hookimpl
        def webstore_plugin_info(self) -> PluginInfo:
            return PluginInfo(name, name, "", "delivery")

        @hookimpl
        def webstore_access_terms(self, shop, order, item) -> AccessTerms:
            return AccessTerms(until, name)

    return Promise()


ITEM = PlacedItem(uuid7(), "tool", "Tool", "perpetual", True)
ORDER = PlacedOrder(uuid7(), "T1", uuid7(), START, (ITEM,))


@pytest.mark.feature("AGR-01", "AGR-16")
def test_the_stores_policy_alone():
    assert access_terms(None, store(), ORDER, ITEM).until is None
    assert access_terms(None, store(access={"days": 31}), ORDER, ITEM).until == moment(2026, 3, 4, 5)
    assert access_terms(None, store(access={"months": 24}), ORDER, ITEM).until == moment(2028, 2, 1, 5)


@pytest.mark.parametrize(
    ("promises", "source"),
    [
        ({}, "store"),
        ({"b": moment(2026, 2, 1)}, "store"),
        ({"b": moment(2027, 1, 1)}, "b"),
        ({"b": moment(2027, 1, 1), "c": moment(2028, 1, 1)}, "c"),
        ({"b": moment(2027, 1, 1), "c": moment(2027, 1, 1)}, "b"),
        ({"b": None, "c": moment(2028, 1, 1)}, "b"),
    ],
)
def test_the_most_generous_wins(promises, source):
    plugins = Plugins({name: promise(name, until) for name, until in promises.items()})
    switched = {name: {"enabled": True} for name in promises}
    found = access_terms(None, store(plugins, access={"days": 31}, plugins=switched), ORDER, ITEM)
    assert found.source == source


def test_days_of_waiting_are_given_back():
    until = moment(2026, 3, 4, 5)
    assert without_waiting(until, START, START, ZONE) == until
    assert without_waiting(until, START, moment(2026, 2, 10, 23), ZONE) == moment(2026, 3, 14, 4), (
        "summer time"
    )
    assert without_waiting(None, START, moment(2026, 2, 10), ZONE) is None
