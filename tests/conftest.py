"""What every test may ask for. `WEBSTORE_TEST_DATABASE=postgres` runs the tests that use a database on PostgreSQL."""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from platform_core.db import Database
from platform_core.db.migrate import upgrade
from tests.common.cluster import Access, cluster
from tests.common.databases import Databases, PostgresDatabases, SQLiteDatabases
from tests.common.shop import Shop, seed

_ACCESS = pytest.StashKey[Access]()
_KIND = os.environ.get("WEBSTORE_TEST_DATABASE", "sqlite")


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def pytest_configure(config: pytest.Config) -> None:
    """Start the one cluster of this run; the workers are told where it is."""
    if _KIND not in ("sqlite", "postgres"):
        raise pytest.UsageError(f'WEBSTORE_TEST_DATABASE is "{_KIND}"; it may be sqlite or postgres')
    if _KIND == "sqlite" or config.option.collectonly or config.option.help:
        return
    if _is_worker(config):
        config.stash[_ACCESS] = Access(**config.workerinput["cluster"])  # type: ignore[attr-defined]
        return
    stack = ExitStack()
    config.add_cleanup(stack.close)
    config.stash[_ACCESS] = stack.enter_context(cluster())


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """xdist is about to start a worker."""
    if _ACCESS in node.config.stash:
        node.workerinput["cluster"] = asdict(node.config.stash[_ACCESS])


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On SQLite all but PostgreSQL's own; on PostgreSQL only what uses a database: the rest would be the same."""

    def wanted(item: pytest.Item) -> bool:
        own = item.get_closest_marker("postgres") is not None
        if _KIND == "sqlite":
            return not own
        return own or "databases" in getattr(item, "fixturenames", ())

    config.hook.pytest_deselected(items=[item for item in items if not wanted(item)])
    items[:] = [item for item in items if wanted(item)]


@pytest.fixture(scope="session")
def databases(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Databases]:
    """Templates and their copies. For a template of your own: `databases.copy("my-name", fill)`."""
    made: Databases
    if _KIND == "postgres":
        worker = getattr(request.config, "workerinput", {}).get("workerid", "main")
        made = PostgresDatabases(request.config.stash[_ACCESS], worker)
    else:
        made = SQLiteDatabases(tmp_path_factory.mktemp("databases"))
    yield made
    made.close()


@pytest.fixture
def database_url(databases: Databases) -> Iterator[str]:
    """The URL of an empty, migrated database of this test's own (PostgreSQL: as the role that owns it)."""
    url = databases.copy("migrated", upgrade)
    yield url
    databases.drop(url)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """The same database through the engines that the application uses."""
    made = Database(database_url)
    yield made
    made.dispose()


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data directory that all tests of this worker share: key ring, content store, download files."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture
def shop(databases: Databases, data_dir: Path) -> Iterator[Shop]:
    """An installation with the three demo stores, on a database of this test's own."""
    url = databases.copy("seeded", lambda template: seed(template, data_dir))
    made = Shop(url, data_dir)
    yield made
    made.close()
    databases.drop(url)
