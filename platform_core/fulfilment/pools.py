"""Pools of credentials: found, held for a moment, and looked after by one job."""

from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa

from platform_core.catalog.models import Product
from platform_core.clock import Clock
from platform_core.db import TenantSession
from platform_core.fulfilment.models import Credential, CredentialState, KeyPool
from platform_core.jobs.queue import enqueue

SERVE_JOB = "fulfilment.serve_waiting"


class NoSuchPool(ValueError):
    """A product or a credential that the catalogue does not have; the message says what it has."""


def find_pool(session: TenantSession, clock: Clock, product_slug: str, code: str) -> UUID:
    """The pool of one credential of a product, made when it is first asked for.

    Raises NoSuchPool for a product or a credential that the catalogue does not have.
    """
    product = session.scalars(sa.select(Product).where(Product.slug == product_slug)).one_or_none()
    if product is None:
        raise NoSuchPool(f"found no product {product_slug!r} in this store")
    codes = [each["code"] for each in product.credentials]
    if code not in codes:
        allowed = f"allowed: {', '.join(codes)}" if codes else "it needs none"
        raise NoSuchPool(f"{product_slug} has no credential {code!r}; {allowed}")
    pool = session.scalars(
        sa.select(KeyPool.id).where(KeyPool.product_id == product.id, KeyPool.code == code)
    ).one_or_none()
    if pool is None:
        made = KeyPool(product_id=product.id, code=code, created_at=clock.now())
        session.add(made)
        session.flush()
        pool = made.id
    return pool


def lock_pools(session: TenantSession, pool_ids: list[UUID]) -> list[UUID]:
    """Hold pools until the transaction ends, always in the same order; answers their products.

    Going live and beginning to wait exclude each other by it. On SQLite the write lock does.
    """
    rows = session.execute(
        sa.select(KeyPool.product_id)
        .where(KeyPool.id.in_(pool_ids))
        .order_by(KeyPool.id)
        .with_for_update(key_share=True)
    )
    return sorted({row.product_id for row in rows})


def ask_to_serve(
    session: TenantSession,
    clock: Clock,
    product_ids: list[UUID],
    *,
    seconds: float = 0,
    together: bool = True,
) -> None:
    """Have the job look at the pools of these products.

    `together` makes one job of all who ask, which makes them wait for each other's commits; buyers don't.
    """
    for product_id in sorted(product_ids):
        enqueue(
            session,
            clock,
            SERVE_JOB,
            run_at=clock.wall() + timedelta(seconds=seconds),
            once=str(product_id) if together else None,
            product_id=str(product_id),
        )


def available() -> sa.ColumnElement[CredentialState]:
    """The state as a literal in the SQL: only so do both databases see that the partial index fits."""
    return sa.bindparam(None, CredentialState.AVAILABLE, type_=Credential.state.type, literal_execute=True)
