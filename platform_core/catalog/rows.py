"""The catalogue as plain values by natural key, from two sides: what a file wants, what the database has.

Kinds of rows and their keys: publisher and category (slug); agreement (slug, version); product (slug); file and
offer (product's slug, code). References are keys too, so that both sides compare without ids.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from pydantic import BaseModel

from platform_core.catalog import models, schema
from platform_core.catalog.storefile import StoreFile
from platform_core.clock import day_start, local_day
from platform_core.db import TenantSession
from platform_core.files.content import StoredContent
from platform_core.tenancy.models import Revision, Source, TenantPlugin

Key = tuple[str, ...]
Values = dict[str, Any]
Contents = Mapping[Key, StoredContent]

MODELS: Mapping[str, type[models.Imported]] = {
    "publisher": models.Publisher,
    "category": models.Category,
    "agreement": models.Agreement,
    "product": models.Product,
    "file": models.ProductFile,
    "offer": models.Offer,
}
"""The kinds, each after those that it refers to."""

_PRODUCT_LISTS = ("variants", "requirements", "documents", "credentials")


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the database: who wrote it last, whether it has left the shelf, and its values."""

    id: UUID
    source: Source
    is_retired: bool
    values: Values


@dataclass(frozen=True, slots=True)
class State:
    """What the database has of one store. A store that is not there yet is the empty state."""

    rows: Mapping[str, Mapping[Key, Row]] = field(default_factory=lambda: {kind: {} for kind in MODELS})
    plugins: Mapping[str, Row] = field(default_factory=dict)
    configuration: Mapping[str, Any] | None = None
    """The published configuration; None before the first apply."""


# --- what a file wants -----------------------------------------------------------------------------------------


def wanted(file: StoreFile, contents: Contents) -> dict[str, dict[Key, Values]]:
    """The rows that a file asks for. A download whose bytes are not in `contents` has no digest and size."""
    catalogue, zone = file.catalogue, file.config.store.time_zone
    patterns = {category.slug: category.pattern for category in catalogue.categories}
    versions = {agreement.slug: agreement.version for agreement in catalogue.agreements}
    rows: dict[str, dict[Key, Values]] = {kind: {} for kind in MODELS}
    for publisher in catalogue.publishers:
        rows["publisher"][(publisher.slug,)] = {
            "name": publisher.name.root,
            "support_url": publisher.support_url,
        }
    for position, category in enumerate(catalogue.categories):
        rows["category"][(category.slug,)] = {
            "name": category.name.root,
            "pattern": category.pattern,
            "position": position,
        }
    for agreement in catalogue.agreements:
        rows["agreement"][(agreement.slug, agreement.version)] = {
            "title": agreement.title.root,
            "text": agreement.text.root,
        }
    for position, product in enumerate(catalogue.products):
        values = _product(product, position, patterns[product.category])
        values["agreement"] = (product.agreement, versions[product.agreement]) if product.agreement else None
        rows["product"][(product.slug,)] = values
        for place, download in enumerate(product.files):
            key = (product.slug, download.code)
            rows["file"][key] = _file(download, place, contents.get(key))
        for place, offer in enumerate(product.offers):
            rows["offer"][(product.slug, offer.code)] = _offer(offer, place, zone)
    return rows


def _plain(rows: tuple[BaseModel, ...]) -> list[Any]:
    return [row.model_dump(mode="json", exclude_none=True) for row in rows]


def _product(product: schema.Product, position: int, pattern: str) -> Values:
    return {
        "publisher": (product.publisher,),
        "category": (product.category,),
        "kind": product.kind,
        "name": product.name.root,
        "summary": product.summary.root,
        "description": product.description.root,
        "pattern": product.pattern or pattern,
        "monogram": product.monogram,
        "version": product.version,
        "released": product.released.isoformat() if product.released else None,
        "languages": list(product.languages),
        "licence_kind": product.licence.kind,
        "licence_months": product.licence.months,
        "licence_days": product.licence.days,
        "installs": product.installs,
        "key_asked": product.key_asked,
        "trial_of": product.trial_of,
        "popularity": product.popularity,
        "position": position,
    } | {name: _plain(getattr(product, name)) for name in _PRODUCT_LISTS}


def _file(download: schema.File, position: int, content: StoredContent | None) -> Values:
    values: Values = {
        "variant": download.variant,
        "title": download.title.root,
        "name": download.name,
        "meter": download.meter,
        "position": position,
    }
    return values | ({"sha256": content.sha256, "size": content.size} if content else {})


def _offer(offer: schema.Offer, position: int, zone: str) -> Values:
    return {
        "groups": list(offer.groups),
        "organisations": list(offer.organisations),
        "countries": list(offer.countries),
        "limit_count": offer.limit,
        "limit_period": offer.period,
        "free": offer.free,
        "starts_at": day_start(offer.first_day, zone) if offer.first_day else None,
        "ends_at": day_start(offer.last_day + timedelta(days=1), zone) if offer.last_day else None,
        "position": position,
        "prices": offer.amounts,
    }


def first_day(starts_at: datetime | None, zone: str) -> date | None:
    """The `from` that became `starts_at`."""
    return local_day(starts_at, zone) if starts_at else None


def last_day(ends_at: datetime | None, zone: str) -> date | None:
    """The `until` that became `ends_at`: the day that ends there."""
    return local_day(ends_at - timedelta(microseconds=1), zone) if ends_at else None


# --- what the database has -------------------------------------------------------------------------------------

_FIELDS: Mapping[str, tuple[str, ...]] = {
    "publisher": ("name", "support_url"),
    "category": ("name", "pattern", "position"),
    "agreement": ("title", "text"),
    "product": (
        *(
            "kind",
            "name",
            "summary",
            "description",
            "pattern",
            "monogram",
            "version",
            "released",
            "languages",
        ),
        *(
            "licence_kind",
            "licence_months",
            "licence_days",
            "installs",
            "key_asked",
            "trial_of",
            "popularity",
        ),
        *("position", *_PRODUCT_LISTS),
    ),
    "file": ("variant", "title", "name", "sha256", "size", "meter", "position"),
    "offer": (
        *(
            "groups",
            "organisations",
            "countries",
            "limit_count",
            "limit_period",
            "free",
            "starts_at",
            "ends_at",
        ),
        "position",
    ),
}


def read_state(session: TenantSession) -> State:
    """All that the session's store has, retired rows included."""
    keys: dict[UUID, Key] = {}
    rows: dict[str, dict[Key, Row]] = {}
    prices: dict[UUID, dict[str, int]] = {}
    for price in session.scalars(sa.select(models.Price)):
        prices.setdefault(price.offer_id, {})[price.currency] = price.amount
    for kind, model in MODELS.items():
        rows[kind] = {}
        for record in session.scalars(sa.select(model).order_by(model.id)):
            values = {name: getattr(record, name) for name in _FIELDS[kind]}
            key: Key = (record.slug,)
            if isinstance(record, models.Agreement):
                key = (record.slug, record.version)
            elif isinstance(record, models.Product):
                values["publisher"] = keys[record.publisher_id]
                values["category"] = keys[record.category_id]
                values["agreement"] = keys[record.agreement_id] if record.agreement_id else None
            elif isinstance(record, models.ProductFile | models.Offer):
                key = (*keys[record.product_id], record.slug)
            if isinstance(record, models.Offer):
                values["prices"] = prices.get(record.id, {})
            keys[record.id] = key
            rows[kind][key] = Row(record.id, record.source, record.retired_at is not None, values)
    plugins = {
        row.plugin: Row(row.id, row.source, False, {"enabled": row.enabled, "settings": row.settings})
        for row in session.scalars(sa.select(TenantPlugin))
    }
    configuration = session.scalar(
        sa.select(Revision.configuration).where(Revision.tenant_id == session.tenant)
    )
    return State(rows, plugins, configuration)
