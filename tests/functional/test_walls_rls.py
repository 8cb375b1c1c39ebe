"""Wall 3: PostgreSQL itself shows a connection the rows of one store only, whatever it is asked."""

import subprocess
import sys
from collections.abc import Iterator
from typing import cast
from uuid import UUID

import psycopg
import pytest
import sqlalchemy as sa
from psycopg import sql

from platform_core.app.upgrade import upgrade
from platform_core.catalog.models import Publisher
from platform_core.clock import machine_time
from platform_core.db import Base, Database, TenantSession, unscoped, uuid7
from platform_core.db.base import owned_tables
from platform_core.db.engine import APP_ROLE
from platform_core.db.migrate import CORE
from platform_core.db.migrate import upgrade as upgrade_sets
from platform_core.db.wall import UnsafeRole, refuse_unsafe_role
from platform_core.tenancy.models import Tenant
from tests.common.cluster import OWNER, Access, cluster
from tests.common.databases import Databases, PostgresDatabases
from tests.common.walls import PLATFORM_TABLES, VERSION_TABLES, load_all_models, unwalled

pytestmark = pytest.mark.postgres
OURS, THEIRS = uuid7(), uuid7()


@pytest.fixture
def complete(databases: Databases) -> Iterator[Database]:
    """A database with the core's and all installed plugins' tables, and a publisher in each of two stores."""
    url = databases.copy("with-plugins", upgrade)
    database = Database(url, pool_size=1)
    for tenant, slug in ((OURS, "ours"), (THEIRS, "theirs")):
        with database.session(tenant) as session, session.begin():
            session.add(Publisher(slug=slug, name={}))
    yield database
    database.dispose()
    databases.drop(url)


def _raw(session: TenantSession) -> list[str]:
    with unscoped("asks what the database itself shows"):
        return list(session.scalars(sa.text("SELECT slug FROM publisher ORDER BY slug")))


def _role(session: TenantSession) -> tuple[str, str]:
    with unscoped("asks who we are"):
        return tuple(session.execute(sa.text("SELECT current_user, session_user")).one())


def test_raw_text_sees_one_store_and_a_session_of_none_sees_nothing(complete: Database) -> None:
    for tenant, seen in ((OURS, ["ours"]), (THEIRS, ["theirs"]), (None, []), (OURS, ["ours"]), (None, [])):
        with complete.session(tenant) as session:  # one pooled connection serves them all
            assert _raw(session) == seen


def test_foreign_rows_are_neither_written_nor_changed(complete: Database) -> None:
    values = {"t": THEIRS, "id": uuid7()}
    for line in (
        "INSERT INTO publisher (tenant_id, id, slug, source, name) VALUES (:t, :id, 'x', 'file', '{}')",
        "UPDATE publisher SET tenant_id = :t, id = :id",
    ):
        with complete.session(OURS) as session, unscoped("tries to cross"):
            with pytest.raises(sa.exc.ProgrammingError, match="row-level security"):
                session.execute(sa.text(line), values)
            session.rollback()
    with complete.session(OURS) as session, session.begin(), unscoped("tries to cross"):
        session.execute(sa.text("DELETE FROM publisher WHERE tenant_id = :t"), {"t": THEIRS})
        session.execute(sa.text("UPDATE publisher SET slug = 'x' WHERE slug = 'theirs'"))
    with complete.session(THEIRS) as session:
        assert _raw(session) == ["theirs"]


def test_the_store_is_set_again_in_every_transaction(complete: Database) -> None:
    with complete.session(OURS) as session:
        assert _raw(session) == ["ours"]
        session.commit()
        assert _raw(session) == ["ours"]
        session.rollback()
        assert _raw(session) == ["ours"]
        with pytest.raises(sa.exc.DBAPIError), unscoped("breaks the transaction"):
            session.execute(sa.text("SELECT 1/0"))
        session.rollback()
        assert _raw(session) == ["ours"]
        with session.begin_nested() as savepoint:
            assert _raw(session) == ["ours"]
            savepoint.rollback()
        assert _raw(session) == ["ours"]


def test_the_role_stays_after_rollback_error_and_return_to_the_pool(complete: Database) -> None:
    walled = (APP_ROLE, OWNER)
    with complete.session(OURS) as session:
        assert _role(session) == walled
        session.rollback()
        assert _role(session) == walled
        with pytest.raises(sa.exc.DBAPIError), unscoped("breaks the transaction"):
            session.execute(sa.text("SELECT 1/0"))
        session.rollback()
        assert _role(session) == walled
        session.commit()
    for read_only in (True, False):
        with complete.session(read_only=read_only) as session:
            assert _role(session) == walled
            with unscoped("tries to become the owner"):
                session.execute(sa.text("RESET ROLE"))
            assert _role(session) == walled
    complete.dispose()
    with complete.session() as session:
        assert _role(session) == walled


def test_the_role_can_neither_lower_the_wall_nor_empty_a_table(complete: Database) -> None:
    for line in (
        "ALTER TABLE publisher DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE publisher NO FORCE ROW LEVEL SECURITY",
        "DROP POLICY tenant_wall ON publisher",
        "TRUNCATE publisher",
        "CREATE TABLE mine (id int)",
    ):
        with complete.session(OURS) as session, unscoped("tries to lower the wall"):
            with pytest.raises(sa.exc.ProgrammingError):
                session.execute(sa.text(line))
            session.rollback()


def test_the_owner_is_walled_too(complete: Database) -> None:
    owner = Database(complete.url.render_as_string(hide_password=False), owner=True)
    with owner.session() as session:
        assert _raw(session) == []
    owner.dispose()


def _admin(databases: Databases, database: Database) -> Database:
    access = cast(PostgresDatabases, databases)._access
    return Database(access.admin(str(database.url.database)), owner=True)


def test_start_up_refuses_an_owner_and_a_superuser(complete: Database, databases: Databases) -> None:
    refuse_unsafe_role(complete.writer)
    owner = Database(complete.url.render_as_string(hide_password=False), owner=True)
    superuser = _admin(databases, complete)
    try:
        for unsafe in (owner, superuser):
            with pytest.raises(UnsafeRole, match="run as webstore_app"):
                refuse_unsafe_role(unsafe.writer)
    finally:
        owner.dispose()
        superuser.dispose()


def test_policies_stand_on_the_owned_tables_and_on_no_other(complete: Database) -> None:
    load_all_models()
    owned = set(owned_tables())
    assert "access_guarantee_grant" in owned
    with complete.writer.connect() as connection:
        assert list(unwalled(connection, owned)) == []
        tables = set(sa.inspect(connection).get_table_names())
    assert tables == owned | PLATFORM_TABLES | VERSION_TABLES
    assert tables - VERSION_TABLES == set(Base.metadata.tables)


@pytest.mark.parametrize(
    "leak",
    [
        "DROP POLICY tenant_wall ON publisher",
        "ALTER TABLE publisher DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE publisher NO FORCE ROW LEVEL SECURITY",
        "CREATE POLICY kind ON publisher USING (true)",
        "ALTER POLICY tenant_wall ON publisher USING (true)",
        "ALTER POLICY tenant_wall ON publisher WITH CHECK (true)",
        "CREATE TABLE planted (tenant_id uuid, id uuid, PRIMARY KEY (tenant_id, id))",
    ],
)
def test_a_planted_leak_is_found_and_wall_2_still_stands(
    complete: Database, databases: Databases, leak: str
) -> None:
    owner = Database(complete.url.render_as_string(hide_password=False), owner=True)
    with owner.writer.begin() as connection:
        connection.execute(sa.text(leak))
    with owner.writer.connect() as connection:
        assert list(unwalled(connection, set(owned_tables()))) != []
    owner.dispose()
    with complete.session(OURS) as session:
        assert set(session.scalars(sa.select(Publisher.slug))) <= {"ours"}


def test_platform_tables_are_open_to_a_session_of_none(complete: Database) -> None:
    with complete.session() as session, session.begin():
        now = machine_time()
        session.add(Tenant(slug="s", names={}, created_at=now, changed_at=now))
    with complete.session(read_only=True) as session:
        assert session.scalars(sa.select(Tenant.slug)).all() == ["s"]


# Roles belong to the whole server: these tests have one of their own.

UPGRADE = "import sys; from platform_core.app.upgrade import upgrade; upgrade(sys.argv[1])"


@pytest.fixture(scope="module")
def server() -> Iterator[Access]:
    with cluster() as access:
        yield access


def _make(server: Access, name: str, owner: str = OWNER) -> str:
    with psycopg.connect(server.admin(), autocommit=True) as admin:
        admin.execute(
            sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), sql.Identifier(owner))
        )
    return server.owner(name).replace(f"//{OWNER}:", f"//{owner}:")


def _role_exists(server: Access) -> bool:
    with psycopg.connect(server.admin(), autocommit=True) as admin:
        return admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (APP_ROLE,)).fetchone() is not None


def test_first_an_owner_without_createrole_is_told_what_a_dba_runs(server: Access) -> None:
    """First in this module's own server: here the role does not exist yet."""
    with psycopg.connect(server.admin(), autocommit=True) as admin:
        admin.execute(
            sql.SQL("CREATE ROLE plain LOGIN NOCREATEROLE PASSWORD {}").format(sql.Literal(server.password))
        )
    url = _make(server, "plain", "plain")
    with pytest.raises(UnsafeRole) as refused:
        upgrade_sets(url, (CORE,))
    lines = [line.strip() for line in str(refused.value).splitlines()[1:]]
    assert lines == [
        "CREATE ROLE webstore_app NOLOGIN NOSUPERUSER NOBYPASSRLS;",
        "GRANT webstore_app TO plain;",
    ]
    assert not _role_exists(server)
    with psycopg.connect(server.admin(), autocommit=True) as admin:
        admin.execute(lines[0])
    with pytest.raises(UnsafeRole):  # the role is there, the membership is not
        upgrade_sets(url, (CORE,))
    with psycopg.connect(server.admin(), autocommit=True) as admin:
        admin.execute(lines[1])
    upgrade_sets(url, (CORE,))
    database = Database(url)
    with database.session(OURS) as session:
        assert _raw(session) == []
    database.dispose()
    with psycopg.connect(url, autocommit=True) as plain:
        plain.execute("DROP OWNED BY plain CASCADE")
    with psycopg.connect(server.admin("plain"), autocommit=True) as admin:
        admin.execute("DROP OWNED BY webstore_app")
        admin.execute("DROP ROLE webstore_app")


def test_the_role_may_be_made_by_other_databases_at_the_same_moment(server: Access) -> None:
    """Three databases of one server are upgraded at once, one by two processes; the role does not exist yet."""
    assert not _role_exists(server)
    urls = [_make(server, f"at_once_{number}") for number in range(3)]
    started = [
        subprocess.Popen([sys.executable, "-c", UPGRADE, url], stderr=subprocess.PIPE, text=True)
        for url in (*urls, urls[0])
    ]
    failures = [process.communicate(timeout=120)[1] for process in started]
    assert [process.returncode for process in started] == [0] * 4, "\n".join(failures)
    for url in urls:
        database = Database(url)
        refuse_unsafe_role(database.writer)
        with database.session(UUID(int=1)) as session:
            assert _raw(session) == []
        database.dispose()
