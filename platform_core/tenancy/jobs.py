"""A job as its handler sees it. The runner (`jobs.runner`) makes it; rooms write handlers against it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from platform_core.clock import Clock
from platform_core.db import Database, TenantSession
from platform_core.jobs.models import TimeBase
from platform_core.jobs.queue import enqueue
from platform_core.keyring import KeyRing
from platform_core.tenancy.store import Store


@dataclass(frozen=True, slots=True)
class JobContext:
    """One run of one job: a fresh session bound to the job's store, or to none.

    What the handler writes into `session` and the end of the job are one commit. Handlers are idempotent: a
    job runs at least once, and what a killed run had not committed never was.
    """

    id: UUID
    name: str
    session: TenantSession
    found_store: Store | None
    database: Database
    clock: Clock
    keys: KeyRing
    args: Mapping[str, Any]
    attempts: int
    keep: Callable[[TenantSession], None]

    @property
    def store(self) -> Store:
        """The job's store. Raises RuntimeError for a job of the platform."""
        if self.found_store is None:
            raise RuntimeError(f"{self.name} is a job of the platform and has no store")
        return self.found_store

    def commit(self) -> None:
        """Commit what is done so far, for work in several steps. Raises if another worker took the job over."""
        self.keep(self.session)
        self.session.commit()

    def enqueue(
        self,
        name: str,
        *,
        run_at: datetime | None = None,
        time_base: TimeBase = TimeBase.WALL,
        once: str | None = None,
        tenant_id: UUID | None = None,
        **args: Any,
    ) -> None:
        """Add a job in this one's transaction (see `jobs.queue.enqueue`)."""
        enqueue(
            self.session,
            self.clock,
            name,
            run_at=run_at,
            time_base=time_base,
            once=once,
            tenant_id=tenant_id,
            **args,
        )


Handler = Callable[[JobContext], None]
