"""The second wall: a session that belongs to one store and neither reads nor writes another's rows.

A session with a tenant adds `tenant_id = …` to every ORM statement. A session without one refuses every
statement that touches a tenant-owned table. Statements that SQLAlchemy cannot filter (`text()`, Core
statements on tables, bulk updates by primary key) are refused unless they stand inside `unscoped("reason")`.
The third wall, row level security, stands behind it on PostgreSQL.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Never
from uuid import UUID
from weakref import WeakKeyDictionary

import sqlalchemy as sa
from sqlalchemy import event, orm
from sqlalchemy.sql.lambdas import LambdaElement

from platform_core.db import statements
from platform_core.db.base import TenantOwned


class NoTenant(RuntimeError):
    """A session without a store touched a tenant-owned table."""


class WallBreach(RuntimeError):
    """A statement or a row would have crossed from one store to another."""


_unscoped: ContextVar[str | None] = ContextVar("webstore_unscoped", default=None)


@contextmanager
def unscoped(reason: str) -> Iterator[None]:
    """Let statements pass that the session cannot filter itself. `reason` says why that is safe.

    Row level security still holds on PostgreSQL, so such a statement names the tenant where it must.
    """
    if not reason:
        raise ValueError("say why the statement may pass the session's wall")
    token = _unscoped.set(reason)
    try:
        yield
    finally:
        _unscoped.reset(token)


class TenantSession(orm.Session):
    """One session, one store. `tenant` is given once and never changes; None means platform tables only."""

    def __init__(
        self, bind: sa.Engine | sa.Connection | None = None, *, tenant: UUID | None = None, **kw: Any
    ) -> None:
        kw.setdefault("expire_on_commit", False)
        kw.setdefault("autoflush", True)
        super().__init__(bind, **kw)
        self._tenant = tenant
        self._lent = False
        self._criteria = None
        if tenant is not None:
            self._criteria = orm.with_loader_criteria(
                TenantOwned, lambda cls: cls.tenant_id == tenant, include_aliases=True
            )

    @property
    def tenant(self) -> UUID | None:
        """The store that this session belongs to."""
        return self._tenant

    def connection(self, *args: Any, **kw: Any) -> sa.Connection:
        """The raw connection, which knows no store: only inside `unscoped`."""
        if _unscoped.get() is None:
            raise WallBreach(
                "a raw connection passes the session's wall; use the session, or unscoped('why')"
            )
        return super().connection(*args, **kw)

    @contextmanager
    def lend(self) -> Iterator[None]:
        """A savepoint for somebody else's code: it may write, but not end the transaction that it is in.

        What it wrote is undone if it raises. Raises WallBreach for `commit`, `rollback` and `close` meanwhile.
        """
        with self.begin_nested():
            self._lent = True
            try:
                yield
            finally:
                self._lent = False

    def _end(self) -> None:
        if self._lent:
            raise WallBreach("the transaction is not yours to end; use begin_nested() for a part of your own")

    def commit(self) -> None:
        self._end()
        super().commit()

    def rollback(self) -> None:
        self._end()
        super().rollback()

    def close(self) -> None:
        self._end()
        super().close()

    def bulk_save_objects(self, *args: Any, **kw: Any) -> Never:
        """Refused: writes past the unit of work, and so past the wall."""
        raise WallBreach("bulk methods pass the session's wall; add the rows, or execute an insert")

    bulk_insert_mappings = bulk_save_objects
    bulk_update_mappings = bulk_save_objects


# A SELECT never changes, and those that every page sends are made once: so they are looked into once.
_reads: WeakKeyDictionary[Any, tuple[str | None, str | None]] = WeakKeyDictionary()


def _judged(statement: Any) -> tuple[str | None, str | None]:
    """The tenant-owned table that a statement touches, and why the criteria would not hold it there.

    Raises WallBreach for a statement that nobody can look into.
    """
    is_read = isinstance(statement, sa.Select | sa.CompoundSelect)
    if is_read and (known := _reads.get(statement)) is not None:
        return known
    parts = statements.parts_of(statement)
    unknown = statements.opaque(statement, parts)
    if unknown is not None:
        raise WallBreach(f"{unknown} passes the session's wall; use mapped classes, or unscoped('why')")
    owned = statements.owned_table(statement, parts)
    flaw = statements.unfiltered(statement, parts) if owned is not None else None
    if is_read:
        _reads[statement] = (owned, flaw)
    return owned, flaw


@event.listens_for(TenantSession, "do_orm_execute")
def _second_wall(call: orm.ORMExecuteState) -> None:
    session = call.session
    assert isinstance(session, TenantSession)
    statement: Any = call.statement
    if isinstance(statement, LambdaElement):
        statement = statement._resolved
    if _unscoped.get() is not None:
        if call.is_orm_statement and session._criteria is not None and not call.is_insert:
            call.statement = call.statement.options(session._criteria)
        return
    owned, flaw = _judged(statement)
    if owned is None:
        return
    if session.tenant is None or session._criteria is None:
        raise NoTenant(f"{owned} belongs to stores, and this session belongs to none")
    if not call.is_orm_statement:
        raise WallBreach(f"a Core statement on {owned} passes the session's wall; use the mapped class")
    flaw = flaw or statements.foreign_values(statement, call.parameters, session.tenant)
    if flaw is not None:
        raise WallBreach(f"{flaw} passes the session's wall around {owned}; use mapped classes and ids")
    if not call.is_insert:
        call.statement = call.statement.options(session._criteria)


@event.listens_for(TenantSession, "before_attach")
def _own_rows_enter(session: TenantSession, row: Any) -> None:
    if not isinstance(row, TenantOwned):
        return
    key = sa.inspect(row).key
    owner = key[1][0] if key is not None else sa.inspect(row).dict.get("tenant_id")
    if owner is not None and owner != session.tenant:
        raise WallBreach(f"a {type(row).__name__} of another store cannot enter this session")


@event.listens_for(TenantSession, "before_flush")
def _own_rows_only(session: TenantSession, context: Any, instances: Any) -> None:
    for row in session.new | session.dirty | session.deleted:
        if not isinstance(row, TenantOwned):
            continue
        if session.tenant is None:
            raise NoTenant(f"{type(row).__name__} belongs to a store, and this session belongs to none")
        owner: UUID | None = row.tenant_id
        if owner is None:
            row.tenant_id = session.tenant
        elif owner != session.tenant:
            raise WallBreach(f"a {type(row).__name__} of another store cannot be written here")


@event.listens_for(TenantSession, "after_begin")
def _third_wall(
    session: TenantSession, transaction: orm.SessionTransaction, connection: sa.Connection
) -> None:
    if (
        transaction.nested
    ):  # the setting is the whole transaction's: no savepoint, left or rolled back to, undoes it
        return
    if session.tenant is not None and connection.dialect.name == "postgresql":
        connection.execute(
            sa.text("SELECT set_config('webstore.tenant', :tenant, true)"), {"tenant": str(session.tenant)}
        )
