"""A plugin's folder is deleted from an installation whose database holds its rows: all goes on, and nothing is lost."""

import json
import os
import subprocess
import sys
from datetime import timedelta
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from platform_core.app.health import problems
from platform_core.app.settings import Settings
from platform_core.app.upgrade import upgrade
from platform_core.db import unscoped
from platform_core.jobs.queue import enqueue
from platform_core.jobs.runner import Runner
from platform_core.tenancy.plugins import GROUP, Plugins
from tests.common.ordering import number_of, order
from tests.common.shop import Shop

ROOT = Path(__file__).parents[2]
PLUGIN = "access_guarantee"

# A process whose import system has never heard of the plugin: as if its folder were gone.
GONE = f"import sys; sys.modules['plugins.{PLUGIN}'] = None; "
COMMAND = GONE + "from platform_core.cli import main; main()"
RECEIPT = GONE + (
    "import json; from pathlib import Path; from tests.common.shop import Shop;"
    "said = json.load(sys.stdin); shop = Shop(said['url'], Path(said['data_dir']));"
    "browser = shop.browser().sign_in('student');"
    "answers = {path: browser.get(path, expect_errors=True) for path in said['paths']};"
    "print('PAGES ' + json.dumps({path: [a.status_code, a.text] for path, a in answers.items()})); shop.close()"
)


def url_of(shop: Shop) -> str:
    return shop.database.url.render_as_string(hide_password=False)


def environment(settings: Settings) -> dict[str, str]:
    return {
        **os.environ,
        "WEBSTORE_DATABASE_URL": settings.database_url,
        "WEBSTORE_DATA_DIR": str(settings.data_dir),
        "WEBSTORE_SECRET_FILE": str(settings.secret_file),
        "WEBSTORE_TENANTS_DIR": str(settings.tenants_dir),
    }


def run(shop: Shop, code: str, *arguments: str, said: object = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        env=environment(shop.settings),
        input=json.dumps(said),
        capture_output=True,
        text=True,
        timeout=120,
    )


def pages_without(shop: Shop, *paths: str) -> dict[str, Any]:
    """(status, text) of pages of the student's, in a process without the plugin."""
    said = {"url": url_of(shop), "data_dir": str(shop.settings.data_dir), "paths": paths}
    answer = run(shop, RECEIPT, said=said)
    line = next((line for line in answer.stdout.splitlines() if line.startswith("PAGES ")), None)
    assert line is not None, answer.stdout + answer.stderr
    return dict(json.loads(line.removeprefix("PAGES ")))


def grants(shop: Shop) -> list[Any]:
    """The plugin's rows as the database has them."""
    with shop.session() as session, unscoped("the class of these rows is a plugin's"):
        rows = session.execute(sa.text("SELECT * FROM access_guarantee_grant ORDER BY order_id"))
        return [tuple(row) for row in rows]


def until(receipt: str) -> bool:
    return "Access guarantee: basic, until" in receipt


@pytest.mark.feature("AGR-15")
def test_without_its_plugin_an_installation_goes_on_and_with_it_nothing_is_lost(shop: Shop) -> None:
    browser = shop.browser().sign_in("student")
    before = order(browser, "campus-suite", "mac")
    assert until(before.text)
    path, kept = before.request.path, grants(shop)
    assert len(kept) == 1

    upgraded = run(shop, COMMAND, "db", "upgrade")
    assert upgraded.returncode == 0, upgraded.stdout + upgraded.stderr
    doctor = run(shop, COMMAND, "doctor")
    assert doctor.returncode == 0, doctor.stdout + doctor.stderr
    assert f"note: plugin {PLUGIN} is absent (no module plugins.{PLUGIN})" in doctor.stdout
    listed = run(shop, COMMAND, "plugins", "list")
    assert listed.returncode == 0 and f"{PLUGIN}" in listed.stdout and "absent" in listed.stdout
    worked = run(shop, COMMAND, "worker", "--once")
    assert worked.returncode == 0, worked.stderr

    found = pages_without(
        shop, path, "/account/orders", "/products/campus-suite", f"/+{PLUGIN}/", "/", "/cart"
    )
    assert {each: status for each, (status, _text) in found.items()} == {
        path: 200,
        "/account/orders": 200,
        "/products/campus-suite": 200,
        f"/+{PLUGIN}/": 404,
        "/": 200,
        "/cart": 200,
    }
    text = found[path][1]
    key = before.html.select_one('.key code[id^="item-"]').get_text()
    assert key in text and "Access guarantee" not in text and PLUGIN not in text
    assert grants(shop) == kept

    again = run(shop, "from platform_core.cli import main; main()", "db", "upgrade")
    assert again.returncode == 0, again.stdout + again.stderr
    assert until(browser.get(path).text)
    assert browser.get(f"/+{PLUGIN}/").status_code == 200
    assert grants(shop) == kept


@pytest.fixture
def without(shop: Shop) -> Any:
    """The same installation, started with an entry point whose module is gone."""
    plugins = Plugins.installed([EntryPoint(PLUGIN, "plugins.gone_with_its_folder", GROUP)])
    made = Shop(url_of(shop), shop.settings.data_dir, plugins)
    yield made
    made.close()


def test_what_is_ordered_meanwhile_stands_without_a_grant_and_stays_so(shop: Shop, without: Shop) -> None:
    upgrade(url_of(shop), without.plugins)
    assert problems(without.database, without.plugins) == []
    assert without.plugins.absent == {PLUGIN: "plugins.gone_with_its_folder"}
    receipt = order(without.browser().sign_in("student"), "campus-suite", "mac")
    assert "Complete" in receipt.text and "Access guarantee" not in receipt.text
    assert grants(shop) == []
    back = shop.browser().sign_in("student").get(f"/orders/{number_of(receipt)}")
    assert "Complete" in back.text and "Access guarantee" not in back.text, "it promised nothing then"


def test_the_stores_keep_their_switch_and_settings(shop: Shop, without: Shop) -> None:
    before = shop.store().config.plugins
    assert without.store().config.plugins == before and before[PLUGIN]["enabled"]
    assert without.store().hooks.enabled == frozenset()
    assert PLUGIN in shop.store().hooks.enabled


def test_jobs_of_the_plugin_wait_for_it(shop: Shop, without: Shop) -> None:
    Runner(shop.registry).run_due()
    with shop.session() as session:
        enqueue(session, shop.clock, f"{PLUGIN}.remind", plugin=PLUGIN, order="x")
    Runner(without.registry).run_due()
    ran: list[str] = []
    with_it = Runner(shop.registry)
    with_it.handlers = {**with_it.handlers, f"{PLUGIN}.remind": lambda job: ran.append(job.args["order"])}
    shop.move_wall(timedelta(minutes=10))
    with_it.run_due()
    shop.move_wall(timedelta())
    assert ran == ["x"]


def test_any_other_error_of_a_plugin_stops_the_start() -> None:
    """A plugin that is there and broken is no absent plugin: silence would lose what it does."""
    with pytest.raises(AttributeError):
        Plugins.installed([EntryPoint(PLUGIN, "plugins.access_guarantee:gone", GROUP)])
