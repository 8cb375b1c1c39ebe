"""The job table: what is to be done after a commit, or at a time."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from platform_core.db import Base, enum_type, uuid7


class JobState(StrEnum):
    """`dead` jobs failed too often; they stay for a person to see."""

    READY = "ready"
    DONE = "done"
    DEAD = "dead"


class TimeBase(StrEnum):
    """Which clock `run_at` is read on."""

    WALL = "wall"
    BUSINESS = "business"


class Job(Base):
    """One piece of work. Platform table: arguments are ids and plain settings, never personal data."""

    __tablename__ = "job"
    __table_args__ = (
        sa.Index("ix_job_due", "state", "time_base", "run_at", "id"),
        sa.Index("uq_job_once", "once_key", unique=True),
    )
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    tenant_id: Mapped[UUID | None]
    name: Mapped[str] = mapped_column(sa.String(100))
    args: Mapped[dict[str, Any]]
    plugin: Mapped[str | None] = mapped_column(sa.String(64))
    once_key: Mapped[str | None] = mapped_column(sa.String(200))
    state: Mapped[JobState] = mapped_column(enum_type(JobState, "state"), default=JobState.READY)
    time_base: Mapped[TimeBase] = mapped_column(enum_type(TimeBase, "time_base"), default=TimeBase.WALL)
    run_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    lease_until: Mapped[datetime | None]
    worker: Mapped[str | None] = mapped_column(sa.String(100))
    error: Mapped[str | None]
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
