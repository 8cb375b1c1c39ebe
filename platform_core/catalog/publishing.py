"""The catalogue document of a revision: all that any visitor may see of a store's shelf, in one JSON value."""

from typing import Any

import sqlalchemy as sa

from platform_core.catalog import models
from platform_core.db import TenantSession
from platform_core.tenancy.models import Revision


def catalogue_document(session: TenantSession) -> dict[str, Any]:
    """The live catalogue of the session's store, from its rows.

    Texts are objects by language ("" = every language), ids are strings, moments ISO 8601 in UTC, prices minor
    units by currency. `publishers`, `categories`, `agreements` (without their text) and `products` are lists in
    the store's order; products hold their `files` and `offers`. `former_slugs` maps old product slugs to new.
    `stock` is no part of the rows here: what the last revision says of it is kept.
    """
    publishers = {
        row.id: row for row in session.scalars(sa.select(models.Publisher).order_by(models.Publisher.slug))
    }
    categories = {
        row.id: row
        for row in session.scalars(
            sa.select(models.Category).order_by(models.Category.position, models.Category.id)
        )
    }
    agreements = {
        row.id: row
        for row in session.execute(
            sa.select(
                models.Agreement.id,
                models.Agreement.slug,
                models.Agreement.version,
                models.Agreement.title,
                models.Agreement.retired_at,
            ).order_by(models.Agreement.slug, models.Agreement.id)
        )
    }
    live = models.Product.retired_at.is_(None)
    products = session.scalars(
        sa.select(models.Product).where(live).order_by(models.Product.position, models.Product.id)
    ).all()
    prices: dict[Any, dict[str, int]] = {}
    for price in session.scalars(sa.select(models.Price).order_by(models.Price.currency)):
        prices.setdefault(price.offer_id, {})[price.currency] = price.amount
    offers: dict[Any, list[dict[str, Any]]] = {}
    for offer in session.scalars(
        sa.select(models.Offer)
        .where(models.Offer.retired_at.is_(None))
        .order_by(models.Offer.position, models.Offer.id)
    ):
        offers.setdefault(offer.product_id, []).append(_offer(offer, prices.get(offer.id, {})))
    files: dict[Any, list[dict[str, Any]]] = {}
    for file in session.scalars(
        sa.select(models.ProductFile)
        .where(models.ProductFile.retired_at.is_(None))
        .order_by(models.ProductFile.position, models.ProductFile.id)
    ):
        files.setdefault(file.product_id, []).append(_file(file))
    used = {
        reference for row in products for reference in (row.publisher_id, row.category_id, row.agreement_id)
    }
    return {
        "publishers": [
            {"id": str(row.id), "slug": row.slug, "name": row.name, "support_url": row.support_url}
            for row in publishers.values()
            if row.retired_at is None or row.id in used
        ],
        "categories": [
            {"id": str(row.id), "slug": row.slug, "name": row.name, "pattern": row.pattern}
            for row in categories.values()
            if row.retired_at is None or row.id in used
        ],
        "agreements": [
            {"id": str(row.id), "slug": row.slug, "version": row.version, "title": row.title}
            for row in agreements.values()
            if row.retired_at is None or row.id in used
        ],
        "products": [
            _product(row)
            | {
                "publisher": publishers[row.publisher_id].slug,
                "category": categories[row.category_id].slug,
                "agreement_id": str(row.agreement_id) if row.agreement_id else None,
                "files": files.get(row.id, []),
                "offers": offers.get(row.id, []),
            }
            for row in products
        ],
        "former_slugs": _former_slugs(session, {row.id: row.slug for row in products}),
    } | _stock(session)


def _product(row: models.Product) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "slug": row.slug,
        "kind": row.kind.value,
        "name": row.name,
        "summary": row.summary,
        "description": row.description,
        "pattern": row.pattern,
        "monogram": row.monogram,
        "version": row.version,
        "released": row.released,
        "languages": row.languages,
        "licence": {"kind": row.licence_kind.value, "months": row.licence_months, "days": row.licence_days},
        "installs": row.installs,
        "key_asked": row.key_asked,
        "trial_of": row.trial_of,
        "popularity": row.popularity,
        "variants": row.variants,
        "requirements": row.requirements,
        "documents": row.documents,
        "credentials": row.credentials,
    }


def _file(row: models.ProductFile) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "code": row.slug,
        "variant": row.variant,
        "title": row.title,
        "name": row.name,
        "size": row.size,
        "meter": row.meter,
    }


def _offer(row: models.Offer, prices: dict[str, int]) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "code": row.slug,
        "groups": row.groups,
        "organisations": row.organisations,
        "countries": row.countries,
        "limit": row.limit_count,
        "period": row.limit_period.value,
        "free": row.free,
        "starts_at": row.starts_at.isoformat() if row.starts_at else None,
        "ends_at": row.ends_at.isoformat() if row.ends_at else None,
        "prices": prices,
    }


def _former_slugs(session: TenantSession, slugs: dict[Any, str]) -> dict[str, str]:
    rows = session.scalars(sa.select(models.FormerSlug).order_by(models.FormerSlug.slug))
    return {row.slug: slugs[row.product_id] for row in rows if row.product_id in slugs}


def _stock(session: TenantSession) -> dict[str, Any]:
    stock = session.scalar(sa.select(Revision.catalogue["stock"]).where(Revision.tenant_id == session.tenant))
    return {"stock": stock} if stock else {}
