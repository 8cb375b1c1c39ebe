"""Migrations: one Alembic run and one version table for the core, and one of its own for each plugin."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from platform_core.db.engine import Database
from platform_core.db.wall import prepare_role, renew_grants


@dataclass(frozen=True, slots=True)
class Scripts:
    """A folder of migrations and the table that remembers which of them ran."""

    name: str
    folder: Path
    version_table: str


CORE = Scripts("core", Path(__file__).parent.parent / "migrations", "alembic_version")


def plugin_scripts(name: str, folder: Path) -> Scripts:
    """A plugin's migrations: removing its package stops no later upgrade."""
    return Scripts(name, folder, f"alembic_version_{name}")


def _config(scripts: Scripts, connection: sa.Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(CORE.folder))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", str(scripts.folder / "versions"))
    config.attributes["connection"] = connection
    config.attributes["version_table"] = scripts.version_table
    return config


@contextmanager
def _migration_transaction(url: str) -> Iterator[sa.Connection]:
    database = Database(url, owner=True)
    try:
        with database.writer.connect() as connection:
            if database.is_sqlite:
                # Batch mode rebuilds tables by DROP; the pragma is a no-op inside a transaction.
                raw = connection.connection.dbapi_connection
                assert raw is not None
                raw.execute("PRAGMA foreign_keys=OFF")
            with connection.begin():
                if not database.is_sqlite:
                    connection.execute(sa.text("SELECT pg_advisory_xact_lock(7403271)"))
                    prepare_role(connection)
                yield connection
                if database.is_sqlite:
                    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
                    if broken:
                        raise RuntimeError(f"a migration left references to nothing: {broken[:5]}")
                else:
                    renew_grants(connection)
    finally:
        database.dispose()


def upgrade(url: str, sets: Sequence[Scripts] = (CORE,), target: str = "heads") -> None:
    """Bring the database up to date, all sets in one transaction. Two processes at once do it one after the other."""
    with _migration_transaction(url) as connection:
        for scripts in sets:
            command.upgrade(_config(scripts, connection), target)


def downgrade(url: str, scripts: Scripts, target: str = "base") -> None:
    """Take one set of migrations back (tests only; production goes forward)."""
    with _migration_transaction(url) as connection:
        command.downgrade(_config(scripts, connection), target)


def pending(database: Database, sets: Sequence[Scripts] = (CORE,)) -> list[str]:
    """Migrations that have not run yet, as `set:revision`.

    A database that is ahead of this program (a newer release has migrated it) lacks nothing: migrations expand
    first, so the release before goes on serving.
    """
    missing = []
    with database.reader.connect() as connection:
        for scripts in sets:
            directory = ScriptDirectory.from_config(_config(scripts, connection))
            context = MigrationContext.configure(connection, opts={"version_table": scripts.version_table})
            current = context.get_current_heads()
            known = {script.revision for script in directory.walk_revisions()}
            if set(current) - known:
                continue
            done = {script.revision for script in directory.get_all_current(current)}
            missing += [f"{scripts.name}:{head}" for head in directory.get_heads() if head not in done]
    return missing
