"""Migrations on both databases: up, down and up again with rows in them, and equal to the models."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from platform_core.app.health import problems
from platform_core.app.upgrade import upgrade
from platform_core.db import Base, Database, migrate, unscoped
from platform_core.db.migrate import CORE, Scripts, pending, plugin_scripts
from platform_core.tenancy.plugins import Plugins
from plugins.access_guarantee.models import Grant
from tests.common.databases import Databases
from tests.common.factories import House
from tests.common.walls import PLATFORM_TABLES, VERSION_TABLES, load_all_models


@pytest.fixture
def empty_url(databases: Databases) -> Iterator[str]:
    """A database without a table."""
    url = databases.copy("empty", lambda url: None)
    yield url
    databases.drop(url)


@pytest.fixture
def complete_url(databases: Databases) -> Iterator[str]:
    """A database with the core's and the plugins' tables."""
    url = databases.copy("with-plugins", upgrade)
    yield url
    databases.drop(url)


def tables(url: str) -> set[str]:
    database = Database(url, owner=True)
    try:
        return set(sa.inspect(database.writer).get_table_names())
    finally:
        database.dispose()


def differences(url: str) -> list[Any]:
    """What alembic would still change to bring the database to the models."""
    load_all_models()
    database = Database(url, owner=True)
    try:
        with database.writer.connect() as connection:
            context = MigrationContext.configure(
                connection,
                opts={
                    "compare_type": True,
                    "compare_server_default": True,
                    "include_name": lambda name, kind, _parents: (
                        kind != "table" or name not in VERSION_TABLES
                    ),
                },
            )
            return list(compare_metadata(context, Base.metadata))
    finally:
        database.dispose()


def fill(url: str) -> UUID:
    """An order with a key and what hangs on it, in the core and in the plugin; the answer is the store's id."""
    database = Database(url)
    house = House(database)
    product = house.product()
    house.load(product, ["AAAA-0001"])
    order_id = house.buy(product)
    with house.session() as session:
        session.add(Grant(order_id=order_id, kind="basic", days=31, until=house.clock.now()))
    database.dispose()
    return house.tenant_id


def rows(url: str, tenant: UUID) -> dict[str, int]:
    """How many rows each table of the store has."""
    database = Database(url)
    with database.session(tenant) as session, unscoped("counts the rows of every table"):
        counts = {
            name: session.scalar(sa.select(sa.func.count()).select_from(table))
            for name, table in Base.metadata.tables.items()
        }
    database.dispose()
    return {name: count for name, count in counts.items() if count}


def test_the_models_and_the_migrated_schema_are_one(complete_url: str) -> None:
    load_all_models()
    assert differences(complete_url) == []
    assert tables(complete_url) - VERSION_TABLES == set(Base.metadata.tables)
    assert set(Base.metadata.tables) >= PLATFORM_TABLES


def test_a_planted_difference_is_found(complete_url: str) -> None:
    database = Database(complete_url, owner=True)
    with database.writer.begin() as connection:
        connection.execute(sa.text("ALTER TABLE publisher ADD COLUMN planted TEXT"))
        connection.execute(sa.text("DROP TABLE clock"))
    database.dispose()
    assert {change[0] for change in differences(complete_url)} == {"remove_column", "add_table"}


def test_up_down_and_up_again_with_rows(complete_url: str) -> None:
    tenant = fill(complete_url)
    before = rows(complete_url, tenant)
    assert {"order_line", "credential", "entitlement", "event", "access_guarantee_grant"} <= set(before)
    upgrade(complete_url)  # nothing to do, nothing lost
    assert rows(complete_url, tenant) == before
    for scripts in reversed(Plugins.installed().scripts()):
        migrate.downgrade(complete_url, scripts)
    assert tables(complete_url) <= VERSION_TABLES
    upgrade(complete_url)
    assert differences(complete_url) == []
    assert rows(complete_url, fill(complete_url)) == before


def test_what_has_not_run_is_named(empty_url: str) -> None:
    sets = Plugins.installed().scripts()
    migrate.upgrade(empty_url, (), "heads")
    database = Database(empty_url)
    heads = ["core:core_0001", "access_guarantee:access_guarantee_0001"]
    assert pending(database, sets) == heads
    assert problems(database, Plugins.installed())[0].startswith("migrations: core:core_0001")
    migrate.upgrade(empty_url, (CORE,))
    assert pending(database, sets) == heads[1:]
    migrate.upgrade(empty_url, sets)
    assert pending(database, sets) == []
    assert problems(database, Plugins.installed()) == []
    database.dispose()


def test_each_plugin_has_a_version_table_of_its_own(complete_url: str) -> None:
    database = Database(complete_url)
    with database.writer.connect() as connection:
        assert connection.scalars(sa.text("SELECT version_num FROM alembic_version")).all() == ["core_0001"]
        assert connection.scalars(
            sa.text("SELECT version_num FROM alembic_version_access_guarantee")
        ).all() == ["access_guarantee_0001"]
    database.dispose()


def test_a_plugin_that_was_taken_away_stops_nothing_and_loses_nothing(complete_url: str) -> None:
    tenant = fill(complete_url)
    before = rows(complete_url, tenant)
    without = Plugins({}, {"access_guarantee": "plugins.access_guarantee"})
    upgrade(complete_url, without)
    database = Database(complete_url)
    assert problems(database, without) == []
    upgrade(complete_url)  # and here it is again
    assert pending(database, Plugins.installed().scripts()) == []
    assert rows(complete_url, tenant) == before
    database.dispose()


MIGRATION = """
import sqlalchemy as sa
from alembic import op
from platform_core.plugin_api import wall

revision = "{revision}"
down_revision = {down}
branch_labels = None
depends_on = None


def upgrade() -> None:
    {up}


def downgrade() -> None:
    {back}
"""


def _scripts(folder: Path, *steps: tuple[str, str, str]) -> Scripts:
    down = "None"
    (folder / "versions").mkdir(parents=True, exist_ok=True)
    for revision, up, back in steps:
        text = MIGRATION.format(revision=revision, down=down, up=up, back=back)
        (folder / "versions" / f"{revision}.py").write_text(text)
        down = f'"{revision}"'
    return plugin_scripts("visitor", folder)


MAKE = (
    "visitor_0001",
    """op.create_table("visitor_note", sa.Column("tenant_id", sa.Uuid(), primary_key=True),
        sa.Column("id", sa.Uuid(), primary_key=True), sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id", "order_id"], ["order.tenant_id", "order.id"], name="fk_note",
                                ondelete="CASCADE"))
    wall(op, "visitor_note")""",
    """op.drop_table("visitor_note")""",
)
# PostgreSQL shows the owner no rows of any store: there a migration of rows goes store by store.
FILL = (
    "visitor_0002",
    """op.execute('INSERT INTO visitor_note (tenant_id, id, order_id) SELECT tenant_id, id, id FROM "order"')""",
    "pass",
)
REBUILD = (
    "visitor_0003",
    """
    with op.batch_alter_table("order") as batch:
        batch.alter_column("language", existing_type=sa.String(12), nullable=True)""",
    "pass",
)


def test_a_rebuild_of_a_table_keeps_the_rows_that_refer_to_it(complete_url: str, tmp_path: Path) -> None:
    """On SQLite batch mode drops the table and makes it anew; with foreign keys on, CASCADE would empty others."""
    tenant = fill(complete_url)
    before = rows(complete_url, tenant)
    migrate.upgrade(complete_url, [_scripts(tmp_path, MAKE, FILL, REBUILD)])
    assert rows(complete_url, tenant) == before
    database = Database(complete_url)
    with database.session(tenant) as session, unscoped("counts the visitor's rows"):
        assert session.scalar(sa.text("SELECT count(*) FROM visitor_note")) == int(database.is_sqlite)
        if database.is_sqlite:
            assert session.scalar(sa.text("PRAGMA foreign_keys")) == 1
    database.dispose()


def test_a_migration_that_fails_leaves_nothing_behind(empty_url: str, tmp_path: Path) -> None:
    scripts = _scripts(tmp_path, MAKE, ("visitor_0002", 'raise RuntimeError("half way")', "pass"))
    with pytest.raises(RuntimeError, match="half way"):
        migrate.upgrade(empty_url, [CORE, scripts])
    assert tables(empty_url) == set()
    fixed = _scripts(tmp_path, MAKE, ("visitor_0002", "pass", "pass"))
    migrate.upgrade(empty_url, [CORE, fixed])
    database = Database(empty_url)
    assert pending(database, [CORE, fixed]) == []
    database.dispose()


def test_references_to_nothing_stop_a_migration(complete_url: str, tmp_path: Path) -> None:
    fill(complete_url)
    orphan = ("visitor_0002", """op.execute("DELETE FROM account")""", "pass")
    database = Database(complete_url)
    if database.is_sqlite:  # PostgreSQL checks each row itself, and shows the owner none here
        with pytest.raises(RuntimeError, match="references to nothing"):
            migrate.upgrade(complete_url, [_scripts(tmp_path, MAKE, orphan)])
        assert "visitor_note" not in tables(complete_url)
    database.dispose()


def test_an_older_program_on_a_newer_database_goes_on(empty_url: str, tmp_path: Path) -> None:
    """A migration expands first: while a new release is rolled out, the one before it still serves."""
    newer = _scripts(tmp_path / "newer", MAKE, ("visitor_0002", "pass", "pass"))
    older = _scripts(tmp_path / "older", MAKE)
    migrate.upgrade(empty_url, [CORE, newer])
    database = Database(empty_url)
    assert pending(database, [CORE, older]) == []
    database.dispose()


UPGRADE = "import sys; from platform_core.app.upgrade import upgrade; upgrade(sys.argv[1])"


def test_two_migrators_at_once_do_it_one_after_the_other(empty_url: str) -> None:
    started = [
        subprocess.Popen([sys.executable, "-c", UPGRADE, empty_url], stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    said = [process.communicate(timeout=120)[1] for process in started]
    assert [process.returncode for process in started] == [0, 0, 0], "\n".join(said)
    assert differences(empty_url) == []
