"""Taking credentials from pools: each goes out once, the oldest import first, to whoever came first."""

from dataclasses import dataclass
from enum import Enum, auto
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from platform_core.clock import Clock
from platform_core.db import TenantSession, claim
from platform_core.db.points import reached
from platform_core.fulfilment.models import (
    Credential,
    CredentialState,
    Entitlement,
    EntitlementState,
    ImportState,
    KeyImport,
    KeyPool,
)
from platform_core.fulfilment.pools import available, lock_pools

LOW = 32
"""With fewer left behind the one that was taken, the job looks whether the pool has become empty."""
TEND_ONE_IN = 256


@dataclass(frozen=True, slots=True)
class Taken:
    """One credential that was taken; `tend` asks for a look at its pool afterwards."""

    credential_id: UUID
    key_id: str
    tend: bool


class Missed(Enum):
    """Why none was taken: there is none at all, or others are just taking all that there are."""

    EMPTY = auto()
    LOCKED = auto()


def take(
    session: TenantSession,
    clock: Clock,
    pool_id: UUID,
    entitlement_id: UUID,
    *,
    unless_waiting_for: UUID | None = None,
) -> Taken | Missed:
    """Issue the next credential of a pool to an entitlement, whose row stands in the database already.

    With `unless_waiting_for` (a product) nothing is taken while anybody waits for it. That condition stands in
    the same statement as the claim: whoever sees an import sees also those who began to wait before it.
    """
    conditions = []
    if unless_waiting_for is not None:
        conditions.append(~_somebody_waits(session, unless_waiting_for))
    for key_import in _live_imports(session, pool_id):
        rows = claim(
            session,
            Credential,
            Credential.tenant_id == session.tenant,
            Credential.import_id == key_import.id,
            Credential.state == available(),
            *_from(key_import.first_available),
            *conditions,
            order_by=[Credential.id],
            values={
                "state": CredentialState.ISSUED,
                "entitlement_id": entitlement_id,
                "issued_at": clock.now(),
            },
        )
        if rows:
            reached("fulfilment.claimed")
            return Taken(rows[0].id, rows[0].key_id, _tend(session, rows[0]))
    return Missed.LOCKED if has_available(session, pool_id) else Missed.EMPTY


def take_or_hold(
    session: TenantSession, clock: Clock, pool_id: UUID, entitlement_id: UUID, product_id: UUID
) -> Taken | Missed:
    """A newcomer's take. When there is none, the pool is held and asked once more.

    An import that goes live meanwhile is then either seen here, or will see this buyer waiting.
    """
    found = take(session, clock, pool_id, entitlement_id, unless_waiting_for=product_id)
    if isinstance(found, Taken):
        return found
    lock_pools(session, [pool_id])
    return take(session, clock, pool_id, entitlement_id, unless_waiting_for=product_id)


@dataclass(frozen=True, slots=True)
class _LiveImport:
    id: UUID
    first_available: UUID | None


def _live_imports(session: TenantSession, pool_id: UUID) -> list[_LiveImport]:
    rows = session.execute(
        sa.select(KeyImport.id, KeyImport.first_available)
        .where(KeyImport.pool_id == pool_id, KeyImport.state == ImportState.LIVE)
        .order_by(KeyImport.id)
    )
    return [_LiveImport(row.id, row.first_available) for row in rows]


def _from(first: UUID | None) -> list[sa.ColumnElement[bool]]:
    return [] if first is None else [Credential.id >= first]


def _somebody_waits(session: TenantSession, product_id: UUID) -> sa.Exists:
    waiting = orm.aliased(Entitlement)
    return (
        sa.select(sa.literal(1))
        .where(
            waiting.tenant_id == session.tenant,
            waiting.product_id == product_id,
            waiting.state == EntitlementState.WAITING,
        )
        .exists()
    )


def _tend(session: TenantSession, taken: Credential) -> bool:
    if taken.id.int % TEND_ONE_IN == 0:
        return True
    behind = (
        sa.select(sa.literal(1))
        .where(
            Credential.tenant_id == session.tenant,
            Credential.import_id == taken.import_id,
            Credential.state == available(),
            Credential.id > taken.id,
        )
        .limit(LOW)
        .subquery()
    )
    left = session.scalar(sa.select(sa.func.count()).select_from(behind))
    return (left or 0) < LOW


def has_available(session: TenantSession, pool_id: UUID) -> bool:
    """Does the pool hold any key that nobody has (or that somebody is just taking)?"""
    return any(_first_available(session, each) is not None for each in _live_imports(session, pool_id))


def _first_available(session: TenantSession, key_import: _LiveImport) -> UUID | None:
    return session.scalar(
        sa.select(Credential.id)
        .where(
            Credential.tenant_id == session.tenant,
            Credential.import_id == key_import.id,
            Credential.state == available(),
            *_from(key_import.first_available),
        )
        .order_by(Credential.id)
        .limit(1)
    )


def tend(session: TenantSession, pool_id: UUID) -> bool:
    """Write down where the available keys of each import begin, and drain imports that have none; is any left?

    A credential that somebody is just taking counts as available, so nothing is passed over that could come
    back. The pool is held by the caller.
    """
    left = False
    for key_import in _live_imports(session, pool_id):
        first = _first_available(session, key_import)
        left = left or first is not None
        if first is not None and first == key_import.first_available:
            continue
        values = {"state": ImportState.DRAINED} if first is None else {"first_available": first}
        session.execute(
            sa.update(KeyImport)
            .where(KeyImport.id == key_import.id, KeyImport.state == ImportState.LIVE)
            .values(**values),
            execution_options={"synchronize_session": False},
        )
    return left


def counts(session: TenantSession) -> list[tuple[UUID, str, CredentialState, int]]:
    """(product, code, state, number) of all credentials of the store that are or were live."""
    rows = session.execute(
        sa.select(KeyPool.product_id, KeyPool.code, Credential.state, sa.func.count())
        .join(KeyPool, sa.and_(KeyPool.tenant_id == Credential.tenant_id, KeyPool.id == Credential.pool_id))
        .join(
            KeyImport,
            sa.and_(KeyImport.tenant_id == Credential.tenant_id, KeyImport.id == Credential.import_id),
        )
        .where(KeyImport.state.in_([ImportState.LIVE, ImportState.DRAINED]))
        .group_by(KeyPool.product_id, KeyPool.code, Credential.state)
    )
    return [(row[0], row[1], row[2], row[3]) for row in rows]
