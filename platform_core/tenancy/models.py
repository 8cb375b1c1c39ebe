"""Stores: the platform's own tables of them, and each store's configuration and plugin switches."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from platform_core.db import Base, TenantOwned, enum_type, uuid7


class TenantState(StrEnum):
    """May people come in?"""

    OPEN = "open"
    CLOSED = "closed"


class Tenant(Base):
    """A store, as the platform lists it. Platform table: no wall, nothing personal."""

    __tablename__ = "tenant"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    slug: Mapped[str] = mapped_column(sa.String(63), unique=True)
    names: Mapped[dict[str, Any]]
    state: Mapped[TenantState] = mapped_column(enum_type(TenantState, "state"), default=TenantState.OPEN)
    digest: Mapped[str] = mapped_column(sa.String(64), default="")
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime] = mapped_column(index=True)


class Host(Base):
    """A name that a store answers to, besides `<slug>.<base domain>`. Platform table; the operator's."""

    __tablename__ = "host"
    name: Mapped[str] = mapped_column(sa.String(253), primary_key=True)
    tenant_id: Mapped[UUID] = mapped_column(sa.ForeignKey("tenant.id", ondelete="RESTRICT"), index=True)


class Revision(Base):
    """What a store publishes: its configuration and its catalogue, numbered. Platform table.

    It is what any visitor may see, so it stands outside the wall and one read loads a whole store. Processes
    compare `number` and reload when it has risen; checkout locks the row FOR SHARE while it decides.
    """

    __tablename__ = "revision"
    tenant_id: Mapped[UUID] = mapped_column(sa.ForeignKey("tenant.id", ondelete="RESTRICT"), primary_key=True)
    number: Mapped[int]
    published_at: Mapped[datetime]
    configuration: Mapped[dict[str, Any]]
    catalogue: Mapped[dict[str, Any]]


class ClockSetting(Base):
    """How far business time is ahead of wall time, in microseconds. Platform table with one row."""

    __tablename__ = "clock"
    id: Mapped[int] = mapped_column(
        sa.SmallInteger, sa.CheckConstraint("id = 1", name="one_row"), primary_key=True
    )
    offset_us: Mapped[int]


class Source(StrEnum):
    """Who wrote a row last: the store's file, or somebody on a screen or at the command line."""

    FILE = "file"
    SCREEN = "screen"


class TenantPlugin(TenantOwned, Base):
    """One plugin's switch and settings in one store. A row outlives the plugin's code."""

    __tablename__ = "tenant_plugin"
    __table_args__ = (sa.UniqueConstraint("tenant_id", "plugin"),)
    plugin: Mapped[str] = mapped_column(sa.String(64))
    enabled: Mapped[bool]
    settings: Mapped[dict[str, Any]]
    settings_version: Mapped[int] = mapped_column(default=1)
    source: Mapped[Source] = mapped_column(enum_type(Source, "source"), default=Source.FILE)
    changed_at: Mapped[datetime]


class PluginFault(Base):
    """How often a plugin's hook raised, answered the wrong type or was slow. Platform table, no personal data."""

    __tablename__ = "plugin_fault"
    plugin: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    hook: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(16), primary_key=True)
    count: Mapped[int]
    last_at: Mapped[datetime]
    last_ms: Mapped[int]
    detail: Mapped[str] = mapped_column(sa.String(200))
