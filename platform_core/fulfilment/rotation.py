"""Sealing credentials anew with the ring's current key, in batches; a run that was stopped goes on where it was."""

from collections.abc import Callable
from uuid import UUID

import sqlalchemy as sa

from platform_core.db import Database, TenantSession
from platform_core.fulfilment.keys import Place, open_key, seal
from platform_core.fulfilment.models import Credential
from platform_core.keyring import KeyRing

BATCH = 500


def rotate_store(
    database: Database, tenant_id: UUID, keys: KeyRing, progress: Callable[[int], None] = lambda _done: None
) -> int:
    """Bring a store's credentials under the current key; how many were rewritten.

    Rows that are under it already are passed over. Raises KeyError for a row whose key is not on the ring:
    what was done until then stands.
    """
    done, after = 0, UUID(int=0)
    while True:
        with database.session(tenant_id) as session, session.begin():
            rows = _next(session, keys.current, after)
            for row in rows:
                _reseal(row, keys)
        if not rows:
            return done
        done += len(rows)
        after = rows[-1].id
        progress(done)


def _next(session: TenantSession, current: str, after: UUID) -> list[Credential]:
    return list(
        session.scalars(
            sa.select(Credential)
            .where(
                Credential.tenant_id == session.tenant, Credential.id > after, Credential.key_id != current
            )
            .order_by(Credential.id)
            .limit(BATCH)
            .with_for_update()
        )
    )


def _reseal(row: Credential, keys: KeyRing) -> None:
    place = Place(row.tenant_id, row.pool_id, row.id)
    sealed = seal(keys, place, open_key(keys, place, row.key_id, row.secret))
    row.key_id, row.secret = sealed.key_id, sealed.secret
    row.fingerprint, row.tail = sealed.fingerprint, sealed.tail
