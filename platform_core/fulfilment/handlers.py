"""The jobs of this room: serving those who wait, telling the store what is empty, cleaning up after imports."""

from collections.abc import Mapping
from uuid import UUID

import sqlalchemy as sa

from platform_core.catalog.importing import STOCK_JOB
from platform_core.catalog.models import Product
from platform_core.db import TenantSession
from platform_core.fulfilment.claiming import Missed, tend
from platform_core.fulfilment.key_import import CLEAN_JOB, clean_import
from platform_core.fulfilment.models import (
    Credential,
    Entitlement,
    EntitlementState,
    ImportState,
    KeyImport,
    KeyPool,
)
from platform_core.fulfilment.pools import SERVE_JOB, ask_to_serve, available, lock_pools
from platform_core.fulfilment.services import AGAIN_SECONDS, pools_of, serve
from platform_core.tenancy.jobs import Handler, JobContext
from platform_core.tenancy.models import Revision
from platform_core.tenancy.services import lock_tenant, publish

SERVED_AT_ONCE = 100
DRY = "dry"


def serve_waiting(job: JobContext) -> None:
    """Job: serve those who wait for a product, strictly in the order in which they came, and look after its pools."""
    session, product_id = job.session, UUID(job.args["product_id"])
    pools = sorted(pools_of(session, [product_id])[product_id].values())
    lock_pools(session, pools)
    waiting = session.scalars(
        sa.select(Entitlement)
        .where(Entitlement.product_id == product_id, Entitlement.state == EntitlementState.WAITING)
        .order_by(Entitlement.id)
        .limit(SERVED_AT_ONCE)
    ).all()
    missed = None
    for entitlement in waiting:
        missed = serve(session, job.store, job.keys, entitlement)
        if missed is not None:
            break
    session.flush()
    for pool in pools:
        tend(session, pool)
    if missed is Missed.LOCKED:
        ask_to_serve(session, job.clock, [product_id], seconds=AGAIN_SECONDS)
    elif missed is None and len(waiting) == SERVED_AT_ONCE:
        ask_to_serve(session, job.clock, [product_id])
    job.enqueue(STOCK_JOB, once="stock")


def publish_stock(job: JobContext) -> None:
    """Job: publish which products have no key left, if that has changed, so that lists can say "Key comes later"."""
    session, store = job.session, job.store
    if published_stock(session, store.id) == empty_products(session):
        return
    lock_tenant(session, store.id)
    stock = empty_products(session)
    revision = session.scalars(
        sa.select(Revision).where(Revision.tenant_id == store.id).execution_options(populate_existing=True)
    ).one()
    if revision.catalogue.get("stock", {}) != stock:
        publish(
            session, store.id, revision.configuration, {**revision.catalogue, "stock": stock}, job.clock.now()
        )


def published_stock(session: TenantSession, tenant_id: UUID) -> dict[str, str]:
    """What the store's visitors are told now."""
    query = sa.select(Revision.catalogue["stock"]).where(Revision.tenant_id == tenant_id)
    return dict(session.scalars(query).one_or_none() or {})


def empty_products(session: TenantSession) -> dict[str, str]:
    """Products on the shelf that need a key and have none left, as {slug: "dry"}."""
    has_some = (
        sa.select(sa.literal(1))
        .where(
            Credential.tenant_id == KeyImport.tenant_id,
            Credential.import_id == KeyImport.id,
            Credential.state == available(),
        )
        .correlate(KeyImport)
        .exists()
    )
    filled = {
        (product_id, code)
        for product_id, code in session.execute(
            sa.select(KeyPool.product_id, KeyPool.code)
            .join(
                KeyImport, sa.and_(KeyImport.tenant_id == KeyPool.tenant_id, KeyImport.pool_id == KeyPool.id)
            )
            .where(KeyImport.state == ImportState.LIVE, has_some)
        )
    }
    products = session.execute(
        sa.select(Product.id, Product.slug, Product.credentials)
        .where(Product.retired_at.is_(None))
        .order_by(Product.slug)
    )
    return {
        slug: DRY
        for product_id, slug, credentials in products
        if any((product_id, each["code"]) not in filled for each in credentials)
    }


HANDLERS: Mapping[str, Handler] = {
    SERVE_JOB: serve_waiting,
    STOCK_JOB: publish_stock,
    CLEAN_JOB: clean_import,
}
