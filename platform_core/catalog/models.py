"""The catalogue of one store: publishers, categories, licence agreements, products, files, offers and prices.

Rows come from the store's file by slug (`source=file`) or from a screen; they are retired, never deleted.
Localised texts are JSON objects by language; the key "" means every language.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from platform_core.db import Base, TenantOwned, enum_type, tenant_fk
from platform_core.tenancy.models import Source


class Imported(TenantOwned):
    """What every catalogue row has: a slug, who wrote it last, and when it left the shelf."""

    slug: Mapped[str] = mapped_column(sa.String(100), sort_order=-10)
    source: Mapped[Source] = mapped_column(enum_type(Source, "source"), default=Source.FILE)
    retired_at: Mapped[datetime | None]


class Publisher(Imported, Base):
    """Who makes a product, with the support link of CAT-10."""

    __tablename__ = "publisher"
    __table_args__ = (sa.UniqueConstraint("tenant_id", "slug"),)
    name: Mapped[dict[str, Any]]
    support_url: Mapped[str | None]


class Category(Imported, Base):
    """A subject; `pattern` names the cover pattern of its products."""

    __tablename__ = "category"
    __table_args__ = (sa.UniqueConstraint("tenant_id", "slug"),)
    name: Mapped[dict[str, Any]]
    pattern: Mapped[str] = mapped_column(sa.String(40))
    position: Mapped[int] = mapped_column(default=0)


class Agreement(Imported, Base):
    """A publisher's licence agreement in one version (EXT-02). A new version is a new row."""

    __tablename__ = "agreement"
    __table_args__ = (sa.UniqueConstraint("tenant_id", "slug", "version"),)
    version: Mapped[str] = mapped_column(sa.String(40))
    title: Mapped[dict[str, Any]]
    text: Mapped[dict[str, Any]]


class ProductKind(StrEnum):
    """CAT-07."""

    SOFTWARE = "software"
    EBOOK = "ebook"


class LicenceKind(StrEnum):
    """CAT-05; `enrolment` runs while the person studies or works at the institution."""

    PERPETUAL = "perpetual"
    RENTAL = "rental"
    EVALUATION = "evaluation"
    ENROLMENT = "enrolment"


class Product(Imported, Base):
    """One product. `variants`, `requirements`, `documents` and `credentials` are lists as in the store's file."""

    __tablename__ = "product"
    __table_args__ = (
        sa.UniqueConstraint("tenant_id", "slug"),
        tenant_fk("publisher_id", "publisher"),
        tenant_fk("category_id", "category"),
        tenant_fk("agreement_id", "agreement"),
    )
    publisher_id: Mapped[UUID]
    category_id: Mapped[UUID]
    agreement_id: Mapped[UUID | None]
    kind: Mapped[ProductKind] = mapped_column(enum_type(ProductKind, "kind"))
    name: Mapped[dict[str, Any]]
    summary: Mapped[dict[str, Any]]
    description: Mapped[dict[str, Any]]
    pattern: Mapped[str] = mapped_column(sa.String(40))
    monogram: Mapped[str] = mapped_column(sa.String(3))
    version: Mapped[str] = mapped_column(sa.String(60))
    released: Mapped[str | None] = mapped_column(sa.String(10))
    languages: Mapped[list[str]]
    licence_kind: Mapped[LicenceKind] = mapped_column(enum_type(LicenceKind, "licence_kind"))
    licence_months: Mapped[int | None]
    licence_days: Mapped[int | None]
    installs: Mapped[int | None]
    key_asked: Mapped[str] = mapped_column(sa.String(20), default="none")
    trial_of: Mapped[str | None] = mapped_column(sa.String(100))
    popularity: Mapped[int] = mapped_column(default=0)
    position: Mapped[int] = mapped_column(default=0)
    variants: Mapped[list[Any]]
    requirements: Mapped[list[Any]]
    documents: Mapped[list[Any]]
    credentials: Mapped[list[Any]]


class ProductFile(Imported, Base):
    """A file that a buyer downloads; `sha256` names its bytes in the content store. `slug` is the file's code."""

    __tablename__ = "product_file"
    __table_args__ = (
        sa.UniqueConstraint("tenant_id", "product_id", "slug"),
        tenant_fk("product_id", "product"),
    )
    product_id: Mapped[UUID]
    variant: Mapped[str | None] = mapped_column(sa.String(100))
    title: Mapped[dict[str, Any]]
    name: Mapped[str] = mapped_column(sa.String(255))
    sha256: Mapped[str] = mapped_column(sa.String(64))
    size: Mapped[int]
    meter: Mapped[str] = mapped_column(sa.String(40), default="main")
    position: Mapped[int] = mapped_column(default=0)


class LimitPeriod(StrEnum):
    """Over what a person's limit is counted (EXT-09)."""

    EVER = "ever"
    YEAR = "year"
    ORDER = "order"


class Offer(Imported, Base):
    """On what terms a product may be had, and by whom. `slug` is the offer's code within the product."""

    __tablename__ = "offer"
    __table_args__ = (
        sa.UniqueConstraint("tenant_id", "product_id", "slug"),
        tenant_fk("product_id", "product"),
    )
    product_id: Mapped[UUID]
    groups: Mapped[list[str]]
    organisations: Mapped[list[str]]
    countries: Mapped[list[str]]
    limit_count: Mapped[int] = mapped_column(default=0)
    limit_period: Mapped[LimitPeriod] = mapped_column(
        enum_type(LimitPeriod, "limit_period"), default=LimitPeriod.EVER
    )
    free: Mapped[bool] = mapped_column(default=False)
    starts_at: Mapped[datetime | None]
    ends_at: Mapped[datetime | None]
    position: Mapped[int] = mapped_column(default=0)


class Price(TenantOwned, Base):
    """An offer's price in one currency, as the store's file says it (with or without tax)."""

    __tablename__ = "price"
    __table_args__ = (
        sa.UniqueConstraint("tenant_id", "offer_id", "currency"),
        tenant_fk("offer_id", "offer"),
    )
    offer_id: Mapped[UUID]
    currency: Mapped[str] = mapped_column(sa.String(3))
    amount: Mapped[int] = mapped_column(sa.BigInteger, sa.CheckConstraint("amount >= 0", name="not_negative"))


class OfferUse(TenantOwned, Base):
    """How many of an offer a person has had in one period; raised by one guarded UPDATE in the order's transaction."""

    __tablename__ = "offer_use"
    __table_args__ = (
        sa.UniqueConstraint("tenant_id", "account_id", "offer_id", "period"),
        tenant_fk("offer_id", "offer"),
        tenant_fk("account_id", "account"),
    )
    account_id: Mapped[UUID]
    offer_id: Mapped[UUID]
    period: Mapped[str] = mapped_column(sa.String(10))
    used: Mapped[int] = mapped_column(default=0)


class FormerSlug(TenantOwned, Base):
    """A slug that a product had before; its address redirects."""

    __tablename__ = "former_slug"
    __table_args__ = (sa.UniqueConstraint("tenant_id", "slug"), tenant_fk("product_id", "product"))
    slug: Mapped[str] = mapped_column(sa.String(100))
    product_id: Mapped[UUID]
