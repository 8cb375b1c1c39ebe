"""What `webstore bench` counts is what there was."""

import os
import re
import subprocess
import sys

import sqlalchemy as sa

from platform_core.accounts.models import WebSession
from platform_core.cli.measuring import Cost, counted
from platform_core.clock import EPOCH
from platform_core.db import Database
from platform_core.tenancy.models import Tenant
from platform_core.tenancy.services import create_tenant
from tests.common.shop import TENANTS, Shop


def fill(database: Database, numbers: range) -> None:
    """Some stores, by name only."""
    with database.session() as session, session.begin():
        for number in numbers:
            create_tenant(session, f"school-{number}", {"en": "School"}, EPOCH)


def look(database: Database, query: sa.Select[Tenant]) -> Cost:
    """What reading all that `query` finds costs."""
    with counted(database) as cost, database.session(read_only=True) as session:
        session.scalars(query).all()
    return cost


def test_work_tells_a_scan_from_a_look_up(database: Database) -> None:
    found, every = sa.select(Tenant).where(Tenant.slug == "school-5"), sa.select(Tenant)
    unindexed = sa.select(Tenant).where(Tenant.digest == "none")
    fill(database, range(200))
    few = [look(database, query) for query in (found, every, unindexed)]
    assert [(cost.statements, cost.rows) for cost in few] == [(1, 1), (1, 200), (1, 0)]
    fill(database, range(200, 2000))
    many = [look(database, query) for query in (found, every, unindexed)]
    assert [cost.rows for cost in many] == [1, 2000, 0]
    assert many[1].work > 8 * few[1].work and many[2].work > 8 * few[2].work


def test_pages_prints_ratios_and_leaves_no_session(shop: Shop) -> None:
    settings = shop.settings
    environment = {
        **os.environ,
        "WEBSTORE_DATABASE_URL": settings.database_url,
        "WEBSTORE_DATA_DIR": str(settings.data_dir),
        "WEBSTORE_TENANTS_DIR": str(TENANTS),
    }
    command = [sys.executable, "-m", "platform_core.cli", "bench", "pages", "--rounds", "3"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0 and not done.stderr, done.stderr
    assert re.search(r"^/products, visitor( +[0-9.]+){3}$", done.stdout, re.MULTILINE)
    assert "cold 1 statements, 1 rows" in done.stdout
    assert "/account/orders, signed in" in done.stdout
    with shop.session() as session:
        assert session.scalars(sa.select(WebSession)).all() == []
