"""Running jobs: claimed under a lease, at least once, with a growing pause after each failure.

A worker commits its claim before it runs the handler, so a job that kills its worker is counted too and ends as
dead. The handler's writes and the end of the job are one commit, and only of the worker that still holds the
job. A lease is renewed while the handler runs; when its worker is gone, another takes the job after a minute.
"""

import secrets
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

import sqlalchemy as sa
import structlog

from platform_core.clock import EPOCH, Clock
from platform_core.db import Database, TenantSession, claim
from platform_core.db.points import reached
from platform_core.jobs.models import Job, JobState, TimeBase
from platform_core.jobs.queue import enqueue
from platform_core.keyring import KeyRing
from platform_core.tenancy.jobs import Handler, JobContext
from platform_core.tenancy.loading import Stores

log = structlog.get_logger("webstore.jobs")

LEASE = timedelta(seconds=60)
MAX_ATTEMPTS = 8
LONGEST_PAUSE = 300
ABSENT_PAUSE = timedelta(minutes=5)
IDLE_SECONDS = 0.5
LONGEST_IDLE_SECONDS = 10.0
LOOK_SECONDS = 60.0
DONE_KEPT = timedelta(days=7)
PRUNE = "jobs.prune"
PRUNE_BATCH = 1000


class LeaseLost(RuntimeError):
    """Another worker has taken the job over; what this one did is rolled back."""


class Parts(Protocol):
    """What a worker works with: the application's registry, or anything that has these."""

    database: Database
    stores: Stores
    keys: KeyRing
    clock: Clock

    @property
    def job_handlers(self) -> Mapping[str, Handler]:
        """What runs, by the job's name."""

    @property
    def job_schedule(self) -> Mapping[str, timedelta]:
        """How often jobs of the platform run by themselves, by name."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """What a worker knows of the job that it has claimed."""

    id: UUID
    tenant_id: UUID | None
    name: str
    args: Mapping[str, Any]
    attempts: int
    once_key: str | None
    time_base: TimeBase


def prune(job: JobContext) -> None:
    """Forget jobs that were done a week ago. Dead ones stay for a person to see."""
    before = job.clock.wall() - DONE_KEPT
    old = sa.select(Job.id).where(Job.state == JobState.DONE, Job.finished_at < before).limit(PRUNE_BATCH)
    while True:
        ids = job.session.scalars(old).all()
        if not ids:
            return
        job.session.execute(
            sa.delete(Job).where(Job.id.in_(ids)), execution_options={"synchronize_session": False}
        )
        job.commit()


HANDLERS: Mapping[str, Handler] = {PRUNE: prune}
SCHEDULE: Mapping[str, timedelta] = {PRUNE: timedelta(hours=1)}


class Runner:
    """One worker. Any number of them may run, in threads or processes, on one database."""

    def __init__(self, registry: Parts, name: str | None = None, *, lease: timedelta = LEASE) -> None:
        self.registry = registry
        self.database = registry.database
        self.stores = registry.stores
        self.keys = registry.keys
        self.clock = registry.clock
        self.handlers = {**HANDLERS, **registry.job_handlers}
        self.schedule = {**SCHEDULE, **registry.job_schedule}
        self.name = f"{name or socket.gethostname()}:{secrets.token_hex(4)}"[-100:]
        self.lease = lease
        self._bases = [TimeBase.WALL, TimeBase.BUSINESS]
        self._looked: dict[str, float] = {}

    def run_due(self, limit: int = 1000) -> int:
        """Run what is due now, one after the other; how many were begun. For tests and `worker --once`."""
        begun = 0
        self.stores.follow_clock()
        while begun < limit and self.run_one():
            begun += 1
        return begun

    def run_one(self) -> bool:
        """Claim and run the next job that is due; False if there is none."""
        claimed = self._claim()
        if claimed is None:
            return False
        reached("job.claimed")
        with _Renewal(self, claimed.id):
            self._run(claimed)
        return True

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set; the job that runs then is finished first.

        A database that is away is asked again, with a growing pause.
        """
        log.info("worker_started", worker=self.name)
        pause = IDLE_SECONDS
        while not stop.is_set():
            try:
                self.stores.follow_clock()
                self.keep_schedule()
                busy = self.run_one()
            except sa.exc.SQLAlchemyError as error:
                log.error("worker_database", worker=self.name, error=_said(error))
                pause = min(pause * 2, LONGEST_IDLE_SECONDS)
                busy = False
            else:
                pause = IDLE_SECONDS
            if not busy:
                stop.wait(pause)
        log.info("worker_stopped", worker=self.name)

    # --- the schedule ----------------------------------------------------------------------------------------

    def keep_schedule(self) -> None:
        """See to it that each scheduled job has its next run in the table.

        Runs stand at whole multiples of their period since the epoch, so all workers mean the same one.
        """
        for name, period in self.schedule.items():
            now = time.monotonic()
            if now - self._looked.get(name, -LOOK_SECONDS) < min(LOOK_SECONDS, period.total_seconds() / 4):
                continue
            self._looked[name] = now
            next_run = EPOCH + ((self.clock.wall() - EPOCH) // period + 1) * period
            with self.database.session() as session, session.begin():
                enqueue(session, self.clock, name, run_at=next_run, once="schedule")

    # --- claiming --------------------------------------------------------------------------------------------

    def _claim(self) -> Claimed | None:
        with self.database.session() as session, session.begin():
            self._bases.reverse()  # neither clock's jobs can keep the other's waiting
            for base in self._bases:
                while job := self._claim_row(session, base):
                    if (claimed := self._accept(job)) is not None:
                        return claimed
        return None

    def _claim_row(self, session: TenantSession, base: TimeBase) -> Job | None:
        wall = self.clock.wall()
        due = wall if base is TimeBase.WALL else self.clock.now()
        rows = claim(
            session,
            Job,
            Job.state == JobState.READY,
            Job.time_base == base,
            Job.run_at <= due,
            sa.or_(Job.lease_until.is_(None), Job.lease_until < wall),
            order_by=[Job.run_at, Job.id],
            values={"worker": self.name, "lease_until": wall + self.lease, "attempts": Job.attempts + 1},
        )
        return rows[0] if rows else None

    def _accept(self, job: Job) -> Claimed | None:
        """What to run, or None for a job that only moves to another place in the table."""
        if job.name not in self.handlers:
            # A plugin that is gone for now: its jobs wait for it, and their tries are not used up.
            base_time = self.clock.wall() if job.time_base is TimeBase.WALL else self.clock.now()
            job.run_at = base_time + ABSENT_PAUSE
            job.attempts -= 1
            job.worker = job.lease_until = None
            job.error = f"no handler named {job.name}: is its plugin installed?"
            log.warning("job_without_handler", job=str(job.id), name=job.name)
            return None
        if job.attempts > MAX_ATTEMPTS:
            job.attempts = MAX_ATTEMPTS
            job.state, job.once_key, job.worker, job.lease_until = JobState.DEAD, None, None, None
            job.finished_at = self.clock.wall()
            job.error = job.error or f"its worker was lost {MAX_ATTEMPTS} times"
            log.error("job_dead", job=str(job.id), name=job.name)
            return None
        # From here on the same work may be asked for anew: whoever asks now may mean what this run has not seen.
        once_key, job.once_key = job.once_key, None
        return Claimed(job.id, job.tenant_id, job.name, job.args, job.attempts, once_key, job.time_base)

    # --- running ---------------------------------------------------------------------------------------------

    def _run(self, claimed: Claimed) -> None:
        session = self.database.session(claimed.tenant_id)
        try:
            store = self.stores.by_id(claimed.tenant_id) if claimed.tenant_id is not None else None
            if claimed.tenant_id is not None and store is None:
                raise LookupError("the job's store has not been published")
            self.handlers[claimed.name](
                JobContext(
                    id=claimed.id,
                    name=claimed.name,
                    session=session,
                    found_store=store,
                    database=self.database,
                    clock=self.clock,
                    keys=self.keys,
                    args=claimed.args,
                    attempts=claimed.attempts,
                    keep=lambda current: self._hold(current, claimed),
                )
            )
            reached("job.handled")
            values = {
                "state": JobState.DONE,
                "finished_at": self.clock.wall(),
                "lease_until": None,
                "error": None,
            }
            self._mine(session, claimed.id, values)
            reached("job.ended")
            session.commit()
            reached("job.committed")
        except LeaseLost:
            session.rollback()
            log.warning("job_lease_lost", job=str(claimed.id), name=claimed.name, worker=self.name)
        except Exception as error:
            session.rollback()
            log.exception("job_failed", job=str(claimed.id), name=claimed.name, attempts=claimed.attempts)
            self._failed(claimed, error)
        except BaseException:
            session.rollback()
            self._give_back(claimed)
            raise
        finally:
            session.close()

    def _mine(self, session: TenantSession, job_id: UUID, values: Mapping[str, Any]) -> None:
        session.flush()
        changed = session.execute(
            sa.update(Job)
            .where(Job.id == job_id, Job.worker == self.name, Job.state == JobState.READY)
            .values(**values)
            .returning(Job.id),
            execution_options={"synchronize_session": False},
        ).all()
        if not changed:
            raise LeaseLost(str(job_id))

    def _hold(self, session: TenantSession, claimed: Claimed) -> None:
        self._mine(session, claimed.id, {"lease_until": self.clock.wall() + self.lease})

    def renew(self, job_id: UUID) -> bool:
        """Lengthen the lease; False if it cannot be done now."""
        try:
            with self.database.session() as session, session.begin():
                self._mine(session, job_id, {"lease_until": self.clock.wall() + self.lease})
        except (LeaseLost, sa.exc.SQLAlchemyError):
            return False
        return True

    def _failed(self, claimed: Claimed, error: Exception) -> None:
        values: dict[str, Any] = {"error": _said(error), "worker": None, "lease_until": None}
        if claimed.attempts >= MAX_ATTEMPTS:
            values |= {"state": JobState.DEAD, "finished_at": self.clock.wall()}
            log.error("job_dead", job=str(claimed.id), name=claimed.name)
            self._write_end(claimed, values, None)
            return
        base_time = self.clock.wall() if claimed.time_base is TimeBase.WALL else self.clock.now()
        values["run_at"] = base_time + timedelta(seconds=min(LONGEST_PAUSE, 2**claimed.attempts))
        self._write_end(claimed, values, claimed.once_key)

    def _give_back(self, claimed: Claimed) -> None:
        values = {"worker": None, "lease_until": None, "attempts": claimed.attempts - 1}
        self._write_end(claimed, values, claimed.once_key)

    def _write_end(self, claimed: Claimed, values: Mapping[str, Any], once_key: str | None) -> None:
        try:
            with self.database.session() as session, session.begin():
                if once_key is not None:
                    values = {**values, "once_key": self._take_place(session, once_key)}
                self._mine(session, claimed.id, values)
        except LeaseLost:
            log.warning("job_lease_lost", job=str(claimed.id), name=claimed.name, worker=self.name)
        except sa.exc.SQLAlchemyError as failure:
            # The lease runs out by itself, and another run begins.
            log.error("job_end_not_written", job=str(claimed.id), name=claimed.name, error=_said(failure))

    def _take_place(self, session: TenantSession, once_key: str) -> str | None:
        """The key back, for the failed job goes on with its count of tries; a twin asked for since then goes."""
        twin = sa.select(Job.id).where(Job.once_key == once_key, Job.lease_until.is_(None)).with_for_update()
        found = session.scalar(twin)
        if found is not None:
            session.execute(
                sa.delete(Job).where(Job.id == found), execution_options={"synchronize_session": False}
            )
        return once_key


class _Renewal:
    """Renews a lease from a thread of its own, three times before it would end."""

    def __init__(self, runner: Runner, job_id: UUID) -> None:
        self._done = threading.Event()
        self._renew: Callable[[], bool] = lambda: runner.renew(job_id)
        self._seconds = runner.lease.total_seconds() / 3
        self._thread = threading.Thread(target=self._work, name="job-lease", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_error: object) -> None:
        # Not joined: on SQLite it may be waiting for a lock; a renewal after the end finds no row of ours.
        self._done.set()

    def _work(self) -> None:
        while not self._done.wait(self._seconds):
            self._renew()


def _said(error: BaseException) -> str:
    """An error for the job table: where it came from, but no values of statements, which may be personal."""
    where = ""
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        where = f" at {Path(code.co_filename).name}:{trace.tb_lineno} in {code.co_name}"
        trace = trace.tb_next
    text = "" if isinstance(error, sa.exc.SQLAlchemyError) else f": {error}"[:300]
    if isinstance(error, sa.exc.DBAPIError):
        original: Any = error.orig
        text = f" ({getattr(original, 'sqlstate', None) or getattr(original, 'sqlite_errorname', '')})"
    return f"{type(error).__name__}{text}{where}"


@dataclass(frozen=True, slots=True)
class Waiting:
    """Jobs that no handler of this installation runs."""

    name: str
    count: int
    oldest: datetime


def without_handler(session: TenantSession, names: Mapping[str, Handler]) -> list[Waiting]:
    """What waits for an absent plugin, by name (for doctor)."""
    rows = session.execute(
        sa.select(Job.name, sa.func.count(), sa.func.min(Job.created_at))
        .where(Job.state == JobState.READY, Job.name.not_in([*HANDLERS, *names]))
        .group_by(Job.name)
        .order_by(Job.name)
    )
    return [Waiting(name, count, oldest) for name, count, oldest in rows]
