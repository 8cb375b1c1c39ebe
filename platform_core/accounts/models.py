"""People of one store: accounts, groups, organisations, verification, sessions, and sign-in counters."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from platform_core.db import Base, TenantOwned, enum_type, tenant_fk


class AccountState(StrEnum):
    """`invited` was made by an administrator and waits for its owner (ACC-11)."""

    ACTIVE = "active"
    INVITED = "invited"
    DEACTIVATED = "deactivated"


class Account(TenantOwned, Base):
    """A person's account in one store. The username is unique there, the e-mail address is not (ACC-16)."""

    __tablename__ = "account"
    __table_args__ = (sa.UniqueConstraint("tenant_id", "username_key"),)
    username: Mapped[str] = mapped_column(sa.String(200))
    username_key: Mapped[str] = mapped_column(sa.String(400))
    email: Mapped[str] = mapped_column(sa.String(320), index=False)
    given_name: Mapped[str] = mapped_column(sa.String(200), default="")
    family_name: Mapped[str] = mapped_column(sa.String(200), default="")
    display_name: Mapped[str] = mapped_column(sa.String(400))
    password_hash: Mapped[str | None]
    password_changed_at: Mapped[datetime | None]
    state: Mapped[AccountState] = mapped_column(enum_type(AccountState, "state"), default=AccountState.ACTIVE)
    language: Mapped[str | None] = mapped_column(sa.String(12))
    country: Mapped[str | None] = mapped_column(sa.String(2))
    short_idle: Mapped[bool] = mapped_column(default=False)
    expires_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class AccountGroup(TenantOwned, Base):
    """Membership of an eligibility group, by the group's code in the store's configuration (ELG-02)."""

    __tablename__ = "account_group"
    __table_args__ = (
        tenant_fk("account_id", "account"),
        sa.UniqueConstraint("tenant_id", "account_id", "group_code"),
    )
    account_id: Mapped[UUID]
    group_code: Mapped[str] = mapped_column(sa.String(63))


class AccountOrganisation(TenantOwned, Base):
    """Membership of an organisation, by its code in the store's configuration (ELG-03)."""

    __tablename__ = "account_organisation"
    __table_args__ = (
        tenant_fk("account_id", "account"),
        sa.UniqueConstraint("tenant_id", "account_id", "organisation_code"),
    )
    account_id: Mapped[UUID]
    organisation_code: Mapped[str] = mapped_column(sa.String(63))


class AccountRole(TenantOwned, Base):
    """A role that grants permissions, such as `admin`."""

    __tablename__ = "account_role"
    __table_args__ = (
        tenant_fk("account_id", "account"),
        sa.UniqueConstraint("tenant_id", "account_id", "role"),
    )
    account_id: Mapped[UUID]
    role: Mapped[str] = mapped_column(sa.String(40))


class Verification(TenantOwned, Base):
    """One verification of a person's status: kept, so that it can be looked at again (ELG-08)."""

    __tablename__ = "verification"
    __table_args__ = (
        tenant_fk("account_id", "account"),
        sa.Index("ix_verification_account", "tenant_id", "account_id"),
    )
    account_id: Mapped[UUID]
    method: Mapped[str] = mapped_column(sa.String(64))
    verified_at: Mapped[datetime]
    valid_until: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    details: Mapped[dict[str, Any]]


class WebSession(TenantOwned, Base):
    """A browser's session. The cookie holds 256 random bits, the row their hash; ends are wall time."""

    __tablename__ = "web_session"
    __table_args__ = (
        tenant_fk("account_id", "account"),
        sa.UniqueConstraint("tenant_id", "token_hash"),
        sa.Index("ix_web_session_account", "tenant_id", "account_id"),
    )
    token_hash: Mapped[str] = mapped_column(sa.String(64))
    account_id: Mapped[UUID]
    csrf_token: Mapped[str] = mapped_column(sa.String(64))
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    idle_until: Mapped[datetime]
    absolute_until: Mapped[datetime]


class RateLimit(Base):
    """A counter in a window of wall time. Platform table: the key is a salted hash."""

    __tablename__ = "rate_limit"
    key: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    window_start: Mapped[datetime]
    count: Mapped[int]
