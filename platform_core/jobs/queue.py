"""Putting work into the job table, inside the transaction that makes it necessary."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from platform_core.clock import Clock
from platform_core.db import TenantSession, uuid7
from platform_core.jobs.models import Job, JobState, TimeBase


def enqueue(
    session: TenantSession,
    clock: Clock,
    name: str,
    *,
    run_at: datetime | None = None,
    time_base: TimeBase = TimeBase.WALL,
    once: str | None = None,
    plugin: str | None = None,
    tenant_id: UUID | None = None,
    **args: Any,
) -> None:
    """Add a job for the session's store (or `tenant_id`); it exists if and only if the transaction commits.

    `run_at` is read on the clock that `time_base` names; None means now. `once` makes it one job however
    often it is asked for, at the earliest time asked for, until a worker begins it: what is asked for from
    then on needs a run of its own.
    `args` are ids and plain settings, never personal data.
    """
    values = {
        "id": uuid7(),
        "tenant_id": tenant_id or session.tenant,
        "name": name,
        "args": args,
        "plugin": plugin,
        "once_key": f"{name}:{tenant_id or session.tenant}:{once}" if once else None,
        "state": JobState.READY,
        "time_base": time_base,
        "run_at": run_at or (clock.wall() if time_base is TimeBase.WALL else clock.now()),
        "attempts": 0,
        "created_at": clock.wall(),
    }
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    added = insert(Job).values(**values)
    # The update locks the row that is there already: it cannot be begun before this transaction has ended, so
    # its run sees what this transaction wrote. If it is being begun just now, the insert waits and takes place.
    sooner = sa.case((added.excluded.run_at < Job.run_at, added.excluded.run_at), else_=Job.run_at)
    session.execute(added.on_conflict_do_update(index_elements=[Job.once_key], set_={"run_at": sooner}))


def dead_jobs(session: TenantSession, limit: int = 50) -> list[Job]:
    """Jobs that failed too often, newest first."""
    return list(
        session.scalars(sa.select(Job).where(Job.state == JobState.DEAD).order_by(Job.id.desc()).limit(limit))
    )
