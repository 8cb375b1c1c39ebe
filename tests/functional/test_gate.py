"""The gate: a plugin's pages answer only where the plugin is on, and a view that belongs to nobody stops the start."""

import itertools
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from pyramid.exceptions import ConfigurationExecutionError

from platform_core.tenancy.plugins import GROUP, PluginError, Plugins
from tests.common.shop import Shop

_numbers = itertools.count(1)
Install = Callable[..., Shop]

HEAD = """
from pyramid.response import Response
from platform_core.plugin_api import PluginInfo, hookimpl


def page(request):
    return Response("the visitor's page for " + (request.store.slug if request.store else "nobody"))


@hookimpl
def webstore_plugin_info():
    return PluginInfo("visitor", "Visitor", "For tests", "test")


@hookimpl
def webstore_includeme(config):
"""


@pytest.fixture
def install(shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Starts the installation with one more plugin, whose `webstore_includeme` has these lines."""
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    started: list[Shop] = []

    def start(*lines: str, **files: str) -> Shop:
        name = f"visitor_package_{next(_numbers)}"
        (tmp_path / name).mkdir()
        body = "".join(f"    {line}\n" for line in lines).replace("PACKAGE", name)
        (tmp_path / name / "__init__.py").write_text(HEAD + body)
        for file, text in files.items():
            (tmp_path / f"{file}.py").write_text(text)
        found = Plugins.installed([EntryPoint("visitor", name, GROUP)])
        installed = Plugins({**shop.plugins.modules, **found.modules})
        url = shop.database.url.render_as_string(hide_password=False)
        started.append(Shop(url, shop.settings.data_dir, installed))
        return started[-1]

    yield start
    for each in started:
        each.close()
    for name in set(sys.modules) - before:
        if name.startswith(("visitor_package", "somebodys_library")):
            del sys.modules[name]


ROUTE = 'config.add_route("visitor", "/+visitor/")'
VIEW = 'config.add_view(page, route_name="visitor")'
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS")


def statuses(shop: Shop, slug: str, path: str, **headers: str) -> set[int]:
    browser = shop.browser(slug)
    return {
        browser.request(path, method=method, headers=headers, expect_errors=True).status_code
        for method in METHODS
    }


def test_where_it_is_off_it_is_not_found_whatever_the_method_and_before_every_other_check(
    install: Install,
) -> None:
    shop = install(
        ROUTE,
        VIEW,
        'config.add_route("visitor_account", "/+visitor/account")',
        'config.add_view(page, route_name="visitor_account", permission="own_account")',
    )
    for path in ("/+visitor/", "/+visitor/account"):
        assert statuses(shop, "northfield", path) == {404}
        assert statuses(shop, "northfield", path, Origin="http://evil.example") == {404}, "before CSRF"
    nowhere = shop.browser().get("/+nobody/", status=404)
    off = shop.browser().get("/+visitor/", status=404)
    assert off.text.replace(off.headers["X-Request-Id"], "").replace(
        "visitor", "nobody"
    ) == nowhere.text.replace(nowhere.headers["X-Request-Id"], "")


def test_where_it_is_on_it_answers_there_and_only_there_at_once(install: Install) -> None:
    shop = install(ROUTE, VIEW)
    shop.switch("visitor", True)
    assert shop.browser().get("/+visitor/").text == "the visitor's page for northfield"
    shop.browser("montclair").get("/+visitor/", status=404)
    shop.browser("").get("/+visitor/", status=404)
    evil = {"Origin": "http://evil.example"}
    assert shop.browser().post("/+visitor/", {}, headers=evil, status=400), "CSRF is the core's"
    shop.switch("visitor", False)
    shop.browser().get("/+visitor/", status=404)


def test_obligations_outlive_the_switch(install: Install) -> None:
    shop = install(ROUTE, 'config.add_view(page, route_name="visitor", obligation=True)')
    assert shop.browser().get("/+visitor/").text == "the visitor's page for northfield"


def test_hooks_of_other_machines_belong_to_no_store(install: Install) -> None:
    shop = install(
        'config.add_route("visitor", "/hooks/visitor/{account}", site="base")',
        'config.add_view(page, route_name="visitor", request_method="POST", csrf_exempt="a machine posts here")',
    )
    base = shop.browser("")
    assert (
        base.post("/hooks/visitor/main", {}, headers={"Origin": "null"}).text
        == "the visitor's page for nobody"
    )
    shop.browser().post("/hooks/visitor/main", {}, status=404)


@pytest.mark.parametrize("area", ["/+visitor/a", "/admin/+visitor/a", "/api/v1/+visitor/a", "+visitor/a"])
def test_a_plugin_has_paths_of_its_own(install: Install, area: str) -> None:
    shop = install(f'config.add_route("visitor", "{area}")', VIEW)
    shop.switch("visitor", True)
    shop.browser().get("/" + area.lstrip("/"), status=200)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (['config.add_route("visitor", "/products/special")', VIEW], "/products/special must stand below"),
        (['config.add_route("visitor", "/+visitors/")', VIEW], "/+visitors/ must stand below"),
        (['config.add_route("visitor", "/+visitor")', VIEW], "/+visitor must stand below"),
        (['config.add_route("visitor", "/{any:.*}")', VIEW], "must stand below"),
        (['config.add_route("visitor", "/+access_guarantee/more")', VIEW], "must stand below"),
        (['config.add_route("visitor", "/products/{slug}")'], "must stand below"),
        (["config.route_prefix = 'account'", ROUTE, VIEW], "must stand below"),
        (['config.add_route("product", "/+visitor/product")'], "the route product is another's"),
        (['config.add_route("access_guarantee", "/+visitor/x")'], "the route access_guarantee is another's"),
        (
            [ROUTE, 'config.add_view(page, name="visitor")'],
            "every view needs a route_name of the plugin's own",
        ),
        (
            ['config.add_view(page, route_name="front", request_method="BREW")'],
            "every view needs a route_name",
        ),
        (['config.add_view(page, route_name="access_guarantee")'], "every view needs a route_name"),
        (["config.add_notfound_view(page)"], "every view needs a route_name"),
        (["config.add_exception_view(page, context=ValueError)"], "every view needs a route_name"),
        (['config.add_static_view("visitor-files", "PACKAGE:files")'], "must stand below"),
    ],
)
def test_a_page_at_the_wrong_place_stops_the_start(install: Install, lines: list[str], said: str) -> None:
    with pytest.raises(Exception, match="plugin visitor: ") as refused:
        install(*lines)
    assert said in str(refused.value)


LIBRARY = """
from pyramid.response import Response


def includeme(config):
    config.add_route("visitor_library", "/+visitor/library")
    config.add_view(lambda request: Response("escaped"), route_name="visitor_library")
"""


def test_a_view_of_a_strangers_package_stops_the_start(install: Install) -> None:
    with pytest.raises(ConfigurationExecutionError, match="belongs neither to the core nor to a plugin"):
        install('config.include("somebodys_library")', somebodys_library=LIBRARY)


def test_what_a_plugin_takes_from_a_library_is_gated_when_it_registers_it_itself(install: Install) -> None:
    shop = install(
        "import somebodys_library_too",
        ROUTE,
        'config.add_view(somebodys_library_too.page, route_name="visitor")',
        somebodys_library_too="from pyramid.response import Response\ndef page(request): return Response('taken')\n",
    )
    shop.browser().get("/+visitor/", status=404)
    shop.switch("visitor", True)
    assert shop.browser().get("/+visitor/").text == "taken"


def test_an_error_while_it_registers_stops_the_start(install: Install) -> None:
    with pytest.raises(ZeroDivisionError):
        install("1 / 0")
    with pytest.raises(PluginError, match="visitor"):
        Plugins.installed([EntryPoint("visitor", "platform_core.money", GROUP)])
