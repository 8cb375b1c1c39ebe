"""Keys for the demo's pools, loaded once for each pool."""

import sqlalchemy as sa

from platform_core.cli import demo_data
from platform_core.cli.context import Context
from platform_core.fulfilment.key_file import Values
from platform_core.fulfilment.key_import import import_keys
from platform_core.fulfilment.models import KeyImport, KeyPool
from platform_core.tenancy.store import Store


def load_demo_keys(context: Context, store: Store) -> None:
    """Fill each pool of `store` that has never had an import; a pool that the demo keeps empty stays so."""
    with context.session(store.id, read_only=True) as session:
        filled = {
            (str(pool.product_id), pool.code)
            for pool in session.scalars(
                sa.select(KeyPool).where(
                    sa.exists().where(KeyImport.pool_id == KeyPool.id).correlate(KeyPool)
                )
            )
        }
    for product in store.catalogue_document["products"]:
        for credential in product["credentials"]:
            code, slug = credential["code"], product["slug"]
            count = demo_data.demo_keys(store.slug, slug, code)
            if not count or (product["id"], code) in filled:
                continue
            values = Values(tuple(demo_data.key_values(store.slug, slug, code, credential["kind"])))
            import_keys(
                context.database,
                context.clock,
                context.keys,
                store.id,
                slug,
                code,
                values,
                actor="operator:demo",
            )
