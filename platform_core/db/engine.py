"""Engines. One database, two ways in: a writer, and a reader whose transactions cannot write."""

from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import event

from platform_core.db.session import TenantSession

APP_ROLE = "webstore_app"
_RETRYABLE_SQLITE = "SQLITE_BUSY"


def is_retryable(error: BaseException | None) -> bool:
    """Could the same transaction succeed if it ran again (PostgreSQL class 40, SQLite busy)?"""
    original = getattr(error, "orig", error)
    if (getattr(original, "sqlstate", None) or "").startswith("40"):
        return True
    return str(getattr(original, "sqlite_errorname", "")).startswith(_RETRYABLE_SQLITE)


class Database:
    """The engines of one process for one URL (`sqlite:///…` or `postgresql://…`).

    With `owner=True` connections keep the URL's own role (migrations); otherwise PostgreSQL connections start
    as `webstore_app`, which owns nothing and is walled by row level security.
    """

    def __init__(self, url: str, *, owner: bool = False, pool_size: int = 10) -> None:
        self.url = sa.make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        options: dict[str, Any] = {"pool_pre_ping": not self.is_sqlite}
        if not self.is_sqlite:
            arguments = {} if owner else {"options": f"-c role={APP_ROLE}"}
            options |= {"connect_args": arguments, "pool_size": pool_size, "max_overflow": pool_size}
        elif self.url.database not in (None, "", ":memory:"):
            options |= {"pool_size": pool_size, "max_overflow": pool_size * 2}
        self.writer = sa.create_engine(self.url, **options)
        if self.is_sqlite:
            event.listen(self.writer, "connect", _sqlite_connect)
            event.listen(self.writer, "begin", _sqlite_begin)
        self.reader = self.writer.execution_options(read_only=True, postgresql_readonly=True)

    def session(self, tenant: UUID | None = None, *, read_only: bool = False) -> TenantSession:
        """A session of one store, or of the platform's tables for None. The caller closes it."""
        return TenantSession(self.reader if read_only else self.writer, tenant=tenant)

    def dispose(self) -> None:
        """Close all pooled connections."""
        self.writer.dispose()


def _sqlite_connect(connection: Any, record: Any) -> None:
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "busy_timeout=10000", "foreign_keys=ON", "synchronous=NORMAL"):
        connection.execute(f"PRAGMA {pragma}")


def _sqlite_begin(connection: sa.Connection) -> None:
    read_only = connection.get_execution_options().get("read_only", False)
    connection.exec_driver_sql(f"PRAGMA query_only={'ON' if read_only else 'OFF'}")
    connection.exec_driver_sql("BEGIN DEFERRED" if read_only else "BEGIN IMMEDIATE")
