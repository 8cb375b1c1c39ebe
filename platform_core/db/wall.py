"""The third wall: row level security on PostgreSQL, put up by migrations, the core's and the plugins'."""

from typing import Any

import sqlalchemy as sa
from alembic.operations import Operations

from platform_core.db.engine import APP_ROLE

POLICY = "tenant_wall"
_NOT_ALLOWED = "42501"
_MADE_MEANWHILE = {"42710", "23505", "XX000"}  # exists, unique violation, "tuple concurrently updated"
_RULE = "tenant_id = nullif(current_setting('webstore.tenant', true), '')::uuid"


class UnsafeRole(RuntimeError):
    """The running role could pass row level security."""


def wall(op: Operations | Any, table: str) -> None:
    """Put the wall around a tenant-owned table that the migration has just made. No-op on SQLite."""
    if op.get_bind().dialect.name != "postgresql":
        return
    op.execute(f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY')
    op.execute(f'ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY')
    op.execute(f'CREATE POLICY {POLICY} ON "{table}" USING ({_RULE}) WITH CHECK ({_RULE})')


def prepare_role(connection: sa.Connection) -> None:
    """Create the runtime role if it is missing and let the owner become it.

    Roles belong to the whole server, so two databases may be prepared at once. Raises UnsafeRole with the lines
    for a database administrator where the owner may not do it.
    """
    exists = connection.scalar(sa.text("SELECT 1 FROM pg_roles WHERE rolname = :name"), {"name": APP_ROLE})
    if not exists:
        _meanwhile_or_dba(connection, f"CREATE ROLE {APP_ROLE} NOLOGIN NOSUPERUSER NOBYPASSRLS")
    # From PostgreSQL 16 on who creates a role is a member, but may not become it without SET.
    version = connection.dialect.server_version_info or (0,)
    wanted = "SET" if int(version[0]) >= 16 else "MEMBER"
    member = sa.text("SELECT pg_has_role(current_user, :name, :wanted)")
    if not connection.scalar(member, {"name": APP_ROLE, "wanted": wanted}):
        _meanwhile_or_dba(connection, f"GRANT {APP_ROLE} TO CURRENT_USER")


def _meanwhile_or_dba(connection: sa.Connection, line: str) -> None:
    """Run a line about the role; that another process ran it at the same moment is fine."""
    try:
        with connection.begin_nested():
            connection.execute(sa.text(line))
    except sa.exc.DBAPIError as error:
        state = getattr(error.orig, "sqlstate", "")
        if state == _NOT_ALLOWED:
            raise UnsafeRole(
                "the database user may not prepare the role; a database administrator runs once:\n"
                f"  CREATE ROLE {APP_ROLE} NOLOGIN NOSUPERUSER NOBYPASSRLS;\n"
                f"  GRANT {APP_ROLE} TO {connection.scalar(sa.text('SELECT current_user'))};"
            ) from error
        if state not in _MADE_MEANWHILE:
            raise


def renew_grants(connection: sa.Connection) -> None:
    """Let the runtime role work on all tables; it owns none."""
    for line in (
        f"GRANT USAGE ON SCHEMA public TO {APP_ROLE}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {APP_ROLE}",
    ):
        connection.execute(sa.text(line))


def refuse_unsafe_role(engine: sa.Engine) -> None:
    """Raise UnsafeRole if the connections of `engine` run as a role that walls do not hold."""
    if engine.dialect.name != "postgresql":
        return
    with engine.connect() as connection:
        name, superuser, bypass, owns = connection.execute(
            sa.text(
                "SELECT current_user, rolsuper, rolbypassrls,"
                " EXISTS (SELECT 1 FROM pg_class c WHERE c.relowner = r.oid AND c.relkind IN ('r', 'p'))"
                " FROM pg_roles r WHERE rolname = current_user"
            )
        ).one()
    if superuser or bypass or owns:
        raise UnsafeRole(
            f"connections run as {name}, which row level security does not hold; run as {APP_ROLE}"
        )
