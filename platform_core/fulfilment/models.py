"""What a buyer is given: credentials from pools, entitlements to access, and downloads."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from platform_core.db import Base, TenantOwned, enum_type, tenant_fk, uuid7


class KeyPool(TenantOwned, Base):
    """The credentials of one kind for one product; `code` as in the product's `credentials` (KEY-01, KEY-02)."""

    __tablename__ = "key_pool"
    __table_args__ = (
        sa.UniqueConstraint("tenant_id", "product_id", "code"),
        tenant_fk("product_id", "product"),
    )
    product_id: Mapped[UUID]
    code: Mapped[str] = mapped_column(sa.String(63))
    created_at: Mapped[datetime]


class ImportState(StrEnum):
    """Claims look only at `live` imports that are not `drained`."""

    LOADING = "loading"
    LIVE = "live"
    DRAINED = "drained"
    FAILED = "failed"


class KeyImport(TenantOwned, Base):
    """One load of credentials: rows come in batches and none counts before the last UPDATE makes it live.

    `lease_until` (wall time) is renewed with each batch; a loading import whose lease has ended was killed.
    No credential before `first_available` can be had any more, so a claim does not walk over used ones.
    """

    __tablename__ = "key_import"
    __table_args__ = (
        tenant_fk("pool_id", "key_pool"),
        sa.Index("ix_key_import_pool", "tenant_id", "pool_id", "state", "id"),
    )
    pool_id: Mapped[UUID]
    state: Mapped[ImportState] = mapped_column(enum_type(ImportState, "state"), default=ImportState.LOADING)
    file_name: Mapped[str] = mapped_column(sa.String(255), default="")
    accepted: Mapped[int] = mapped_column(default=0)
    started_at: Mapped[datetime]
    lease_until: Mapped[datetime | None]
    live_at: Mapped[datetime | None]
    first_available: Mapped[UUID | None]


class CredentialState(StrEnum):
    """An issued credential never becomes available again (KEY-05); a dead one was replaced or revoked."""

    AVAILABLE = "available"
    ISSUED = "issued"
    DEAD = "dead"


class Credential(TenantOwned, Base):
    """One key, encrypted (AES-256-GCM, AAD tenant, pool and id). `fingerprint` finds duplicates, `tail` the search."""

    __tablename__ = "credential"
    __table_args__ = (
        tenant_fk("pool_id", "key_pool"),
        tenant_fk("import_id", "key_import"),
        tenant_fk("entitlement_id", "entitlement"),
        sa.UniqueConstraint("tenant_id", "pool_id", "fingerprint"),
        sa.Index(
            "ix_credential_available",
            "tenant_id",
            "import_id",
            "id",
            sqlite_where=sa.text("state = 'available'"),
            postgresql_where=sa.text("state = 'available'"),
        ),
        sa.Index("ix_credential_entitlement", "tenant_id", "entitlement_id"),
        sa.Index("ix_credential_tail", "tenant_id", "tail"),
        sa.CheckConstraint("(state = 'available') = (entitlement_id IS NULL)", name="issued_to_somebody"),
    )
    pool_id: Mapped[UUID]
    import_id: Mapped[UUID]
    state: Mapped[CredentialState] = mapped_column(
        enum_type(CredentialState, "state"), default=CredentialState.AVAILABLE
    )
    key_id: Mapped[str] = mapped_column(sa.String(16))
    secret: Mapped[bytes] = mapped_column(sa.LargeBinary)
    fingerprint: Mapped[bytes] = mapped_column(sa.LargeBinary(32))
    tail: Mapped[bytes] = mapped_column(sa.LargeBinary(16))
    entitlement_id: Mapped[UUID | None]
    issued_at: Mapped[datetime | None]


class EntitlementState(StrEnum):
    """`waiting` for a key is served in order of `id`; `revoked` ended by a person's decision."""

    WAITING = "waiting"
    ACTIVE = "active"
    REVOKED = "revoked"


FILE_TAG_BITS = 32


def entitlement_id() -> UUID:
    """A UUIDv7 whose last 32 bits are free: with a file's tag in them it names a download (`downloads`)."""
    return UUID(int=uuid7().int >> FILE_TAG_BITS << FILE_TAG_BITS)


class Entitlement(TenantOwned, Base):
    """A person's right to one item of an order: keys, downloads, licence and access, each with its own clock."""

    __tablename__ = "entitlement"
    __table_args__ = (
        sa.UniqueConstraint("tenant_id", "line_id", "unit"),
        tenant_fk("line_id", "order_line"),
        tenant_fk("account_id", "account"),
        tenant_fk("product_id", "product"),
        sa.Index("ix_entitlement_waiting", "tenant_id", "product_id", "state", "id"),
        sa.Index("ix_entitlement_account", "tenant_id", "account_id"),
    )
    id: Mapped[UUID] = mapped_column(sa.Uuid, primary_key=True, default=entitlement_id, sort_order=-19)
    line_id: Mapped[UUID]
    unit: Mapped[int] = mapped_column(default=1)
    account_id: Mapped[UUID]
    product_id: Mapped[UUID]
    variant: Mapped[str | None] = mapped_column(sa.String(100))
    state: Mapped[EntitlementState] = mapped_column(enum_type(EntitlementState, "state"))
    downloads_allowed: Mapped[int]
    licence_from: Mapped[datetime]
    licence_until: Mapped[datetime | None]
    access_from: Mapped[datetime]
    access_until: Mapped[datetime | None]
    access_source: Mapped[str] = mapped_column(sa.String(64), default="")
    snapshot: Mapped[dict[str, Any]]
    granted_at: Mapped[datetime]


class Download(TenantOwned, Base):
    """One use of one file of an entitlement, in however many tries and parts; counts once `completed_at` is set.

    Made when its first byte has been delivered. `state` holds the tries (`delivery.uses`); `sha256` and `size`
    are those of the file as it was then.
    """

    __tablename__ = "download"
    __table_args__ = (
        sa.UniqueConstraint("tenant_id", "entitlement_id", "file_id", "number"),
        tenant_fk("entitlement_id", "entitlement"),
        tenant_fk("file_id", "product_file"),
    )
    entitlement_id: Mapped[UUID]
    file_id: Mapped[UUID]
    number: Mapped[int]
    sha256: Mapped[str] = mapped_column(sa.String(64))
    size: Mapped[int]
    state: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    completed_at: Mapped[datetime | None]
