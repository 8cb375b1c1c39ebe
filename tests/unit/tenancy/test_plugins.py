"""Finding plugins, refusing broken ones, and asking only those that a store has on."""

import itertools
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any
from uuid import uuid4

import pluggy
import pytest

from platform_core.clock import Clock
from platform_core.plugin_api import AccessTerms, Fragment, PluginInfo, Settings, Shop, ShopTenant, hookimpl
from platform_core.plugin_api.types import SlotContext
from platform_core.tenancy import plugins as module
from platform_core.tenancy.plugins import ANSWERS, GROUP, KEPT_FAULTS, PluginError, Plugins

_numbers = itertools.count(1)
Package = Callable[..., EntryPoint]

INFO = """
from platform_core.plugin_api import PluginInfo, hookimpl

@hookimpl
def webstore_plugin_info():
    return PluginInfo({name!r}, "Title", "Description", "test")
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Package:
    """Makes an installed package with `source`, found under the plugin name `name`."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def make(name: str = "guest", source: str = INFO, file: str = "__init__.py") -> EntryPoint:
        folder = tmp_path / f"guest_package_{next(_numbers)}"
        folder.mkdir()
        (folder / file).write_text(source.format(name=name) if source is INFO else source)
        return EntryPoint(name, folder.name, GROUP)

    return make


def shop_of(plugin: str) -> Shop:
    tenant = ShopTenant(uuid4(), "school", ("en",), ("CAD",), "America/Toronto")
    return Shop(tenant, Clock(), Settings(), None)


class Guest:
    """A plugin as an object; subclasses add hooks."""

    name = "guest"

    @hookimpl
    def webstore_plugin_info(self) -> PluginInfo:
        return PluginInfo(self.name, "Guest", "For tests", "test")


def slot(plugins: Plugins, *enabled: str) -> list[tuple[str, Any]]:
    answers = plugins.hooks(enabled).ask("webstore_slot", shop_of, name="receipt", context=SlotContext())
    return [(answer.plugin, answer.value.title) for answer in answers]


# --- finding -----------------------------------------------------------------------------------------------------


def test_ours_is_found_like_anybodys() -> None:
    found = Plugins.installed()
    assert found.absent == {}
    assert found.infos["access_guarantee"].category == "delivery"
    assert found.schemas["access_guarantee"]().days == 31  # type: ignore[attr-defined]
    assert [scripts.name for scripts in found.scripts()] == ["core", "access_guarantee"]


def test_a_plugin_whose_module_is_gone_is_absent_and_the_start_goes_on(package: Package) -> None:
    here = package("here")
    found = Plugins.installed(
        [EntryPoint("gone", "no_such_package_at_all", GROUP), here, EntryPoint("deep", "no_such.deep", GROUP)]
    )
    assert list(found.modules) == ["here"]
    assert found.absent == {"gone": "no_such_package_at_all", "deep": "no_such.deep"}


def test_a_folder_that_holds_only_bytecode_is_an_absent_plugin(package: Package, tmp_path: Path) -> None:
    """What stays when a package is removed is often its `__pycache__`; Python imports that as a namespace."""
    (tmp_path / "husk" / "__pycache__").mkdir(parents=True)
    found = Plugins.installed([EntryPoint("husk", "husk", GROUP)])
    assert found.absent == {"husk": "husk"}


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("import no_such_library_at_all", ModuleNotFoundError),
        ("from . import no_such_part", ImportError),
        ("import {package}.no_such_part", ModuleNotFoundError),
        ("1 / 0", ZeroDivisionError),
        ("def broken(:", SyntaxError),
    ],
)
def test_any_other_error_stops_the_start(package: Package, tmp_path: Path, source: str, error: type) -> None:
    point = package("guest", source)
    (tmp_path / point.value / "__init__.py").write_text(source.replace("{package}", point.value))
    with pytest.raises(error):
        Plugins.installed([point])


def test_two_packages_with_one_name_stop_the_start(package: Package) -> None:
    with pytest.raises(PluginError, match="two packages offer a plugin named guest"):
        Plugins.installed([package("guest"), package("guest")])
    with pytest.raises(PluginError, match="two packages"):
        Plugins.installed([EntryPoint("guest", "no_such_package", GROUP), package("guest")])


def test_an_entry_point_names_a_package(package: Package, tmp_path: Path) -> None:
    (tmp_path / "single_module_guest.py").write_text(INFO.format(name="guest"))
    with pytest.raises(PluginError, match="must name a package"):
        Plugins.installed([EntryPoint("guest", "single_module_guest", GROUP)])


# --- refusing ----------------------------------------------------------------------------------------------------


class Misspelt(Guest):
    @hookimpl
    def webstore_acess_terms(self) -> None:
        """No hook has this name."""


class WrongArgument(Guest):
    @hookimpl
    def webstore_slot(self, shop: Any, nmae: str) -> None:
        """No hook has this argument."""


class Nameless(Guest):
    name = "somebody_else"


class ForTomorrow(Guest):
    @hookimpl
    def webstore_plugin_info(self) -> PluginInfo:
        return PluginInfo("guest", "Guest", "For tests", "test", api=(2, 3))


class WrongInfo(Guest):
    @hookimpl
    def webstore_plugin_info(self) -> Any:
        return {"name": "guest"}


class WrongSchema(Guest):
    @hookimpl
    def webstore_settings_schema(self) -> Any:
        return {"days": 31}


@pytest.mark.parametrize(
    ("plugin", "error", "said"),
    [
        (Misspelt, pluggy.PluginValidationError, "webstore_acess_terms"),
        (WrongArgument, pluggy.PluginValidationError, "nmae"),
        (Nameless, PluginError, "guest: webstore_plugin_info must answer"),
        (WrongInfo, PluginError, "guest: webstore_plugin_info must answer"),
        (ForTomorrow, PluginError, "is for plugin API 2 to 3; this platform has 1"),
        (WrongSchema, PluginError, "guest: webstore_settings_schema must answer a subclass of Settings"),
        (object, PluginError, "guest: webstore_plugin_info must answer"),
    ],
)
def test_what_would_be_silently_wrong_stops_the_start(
    plugin: type, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        Plugins({"guest": plugin()})


@pytest.mark.parametrize("name", ["Guest", "my-guest", "1guest", "guest__two", "guest_", "g" * 41, ""])
def test_a_name_must_fit_paths_and_tables(name: str) -> None:
    guest = Guest()
    guest.name = name
    with pytest.raises(PluginError, match="small letters, digits"):
        Plugins({name: guest})


def test_nobody_registers_late() -> None:
    plugins = Plugins({"guest": Shown("guest")})
    plugins.hooks(["guest"])
    with pytest.raises(PluginError, match="too late"):
        plugins.manager.register(Shown("late"), "late")
    assert slot(plugins, "guest", "late") == [("guest", "guest")]


# --- asking ------------------------------------------------------------------------------------------------------


class Shown(Guest):
    """Shows its name in a slot."""

    def __init__(self, name: str) -> None:
        self.name = name

    @hookimpl
    def webstore_slot(self, shop: Shop, name: str) -> Fragment:
        return Fragment(self.name, "text")


class Renamed(Guest):
    """Implements the hook under a name of its own; before pluggy 1.7 such a one ran where it was off."""

    name = "renamed"

    @hookimpl(specname="webstore_slot")
    def shows_something(self) -> Fragment:
        return Fragment("renamed", "text")


def test_only_plugins_that_are_on_are_asked_in_order_of_name() -> None:
    plugins = Plugins({name: Shown(name) for name in ("zebra", "ant", "mole")} | {"renamed": Renamed()})
    assert slot(plugins) == []
    assert slot(plugins, "zebra", "ant") == [("ant", "ant"), ("zebra", "zebra")]
    assert slot(plugins, "renamed") == [("renamed", "renamed")]
    assert slot(plugins, "ant", "not_installed") == [("ant", "ant")]
    assert slot(plugins, "zebra", "renamed", "mole", "ant") == [
        (name, name) for name in ("ant", "mole", "renamed", "zebra")
    ]


def test_hook_wrappers_of_a_plugin_that_is_off_do_not_run() -> None:
    class Wrapping(Guest):
        name = "wrapping"

        @hookimpl(wrapper=True)
        def webstore_slot(self) -> Any:
            yield
            return [Fragment("wrapped", "text")]

    plugins = Plugins({"ant": Shown("ant"), "wrapping": Wrapping()})
    assert slot(plugins, "ant") == [("ant", "ant")]
    # And where it is on it wraps nobody else: each plugin is called alone.
    assert slot(plugins, "ant", "wrapping") == [("ant", "ant"), ("wrapping", "wrapped")]


class Answers(Guest):
    """Answers what it is told to."""

    def __init__(self, value: Any) -> None:
        self.value = value

    @hookimpl
    def webstore_slot(self) -> Any:
        return self.value() if callable(self.value) else self.value


@pytest.mark.parametrize(
    ("value", "titles"),
    [
        (Fragment("one", ""), ["one"]),
        ([Fragment("one", ""), Fragment("two", "")], ["one", "two"]),
        ([], []),
        (None, []),
    ],
)
def test_one_answer_several_or_none(value: Any, titles: list[str]) -> None:
    plugins = Plugins({"guest": Answers(value)})
    assert [title for _name, title in slot(plugins, "guest")] == titles
    assert not plugins.faults


@pytest.mark.parametrize(
    "value",
    [
        "<b>text</b>",
        {"title": "x"},
        [Fragment("one", ""), "two"],
        (Fragment("one", ""),),
        [None],
        7,
        Fragment,
    ],
)
def test_a_wrong_type_is_left_out_whole_and_named(value: Any) -> None:
    plugins = Plugins({"guest": Answers(lambda: value), "other": Shown("other")})
    assert slot(plugins, "guest", "other") == [("other", "other")]
    [fault] = plugins.faults
    assert (fault.plugin, fault.hook, fault.kind) == ("guest", "webstore_slot", "wrong_type")
    assert fault.detail.endswith("instead of Fragment")


@pytest.mark.parametrize(
    "make",
    [
        lambda: Fragment(7, "text"),  # type: ignore[arg-type]
        lambda: Fragment("title", None),  # type: ignore[arg-type]
        lambda: Fragment("title", "text", tone="loud"),
        lambda: Fragment("title", "text", order="first"),  # type: ignore[arg-type]
        lambda: Fragment("title", "text", link="https://elsewhere.example/"),  # type: ignore[arg-type]
        lambda: AccessTerms("tomorrow", "guest"),  # type: ignore[arg-type]
        lambda: AccessTerms(__import__("datetime").datetime(2026, 1, 1), "guest"),
    ],
)
def test_an_answer_that_would_break_a_page_cannot_be_made(make: Callable[[], Any]) -> None:
    plugins = Plugins({"guest": Answers(make), "other": Shown("other")})
    assert slot(plugins, "guest", "other") == [("other", "other")]
    assert [fault.kind for fault in plugins.faults] == ["raised"]


def test_a_failure_names_plugin_hook_and_place_but_no_values() -> None:
    def fails() -> None:
        raise ValueError("emma@northfield.example has no licence")

    plugins = Plugins({"guest": Answers(fails), "other": Shown("other")})
    assert slot(plugins, "guest", "other") == [("other", "other")]
    [fault] = plugins.faults
    assert (fault.plugin, fault.hook, fault.kind) == ("guest", "webstore_slot", "raised")
    assert fault.detail.startswith("ValueError in test_plugins.py:")
    assert "emma" not in fault.detail


def test_a_slow_answer_counts_and_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SLOW_SECONDS", 0.0)
    plugins = Plugins({"guest": Answers(Fragment("late", ""))})
    assert slot(plugins, "guest") == [("guest", "late")]
    [fault] = plugins.faults
    assert (fault.kind, fault.detail) == ("slow", "0.0 s")


def test_faults_that_nobody_fetches_do_not_pile_up() -> None:
    plugins = Plugins({"guest": Answers("wrong")})
    for _ in range(KEPT_FAULTS + 50):
        slot(plugins, "guest")
    assert len(plugins.faults) == KEPT_FAULTS


def test_each_hook_that_runs_in_a_store_says_what_it_answers() -> None:
    start_up = {"plugin_info", "includeme", "settings_schema", "migrations"}
    plugins = Plugins({})
    hooks = {name for name in vars(plugins.manager.hook) if name.startswith("webstore_")}
    assert hooks == set(ANSWERS) | {f"webstore_{name}" for name in start_up}
