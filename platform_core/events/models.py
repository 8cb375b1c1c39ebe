"""The append-only record of what happened. Personal values stand apart, so that they can be erased."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from platform_core.db import Base, TenantOwned, tenant_fk


class Event(TenantOwned, Base):
    """One thing that happened: `tag` is `source:subject:action`; both clocks; no personal values in `data`."""

    __tablename__ = "event"
    __table_args__ = (sa.Index("ix_event_subject", "tenant_id", "subject_type", "subject_id", "id"),)
    subject_type: Mapped[str] = mapped_column(sa.String(40))
    subject_id: Mapped[UUID | None]
    actor: Mapped[str] = mapped_column(sa.String(80))
    tag: Mapped[str] = mapped_column(sa.String(100))
    data: Mapped[dict[str, Any]]
    business_at: Mapped[datetime]
    wall_at: Mapped[datetime]


class EventPersonal(TenantOwned, Base):
    """The personal values of an event; erasing a row leaves the event."""

    __tablename__ = "event_personal"
    __table_args__ = (tenant_fk("event_id", "event"),)
    event_id: Mapped[UUID]
    data: Mapped[dict[str, Any]]
