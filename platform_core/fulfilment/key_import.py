"""Loading credentials into a pool: all or nothing, in short transactions, at constant memory.

The file is gone through twice. First every line is checked, against the others (in a temporary SQLite file) and
against the pool; any flaw ends it with nothing written. Then the rows are written in batches under an import
that claims ignore, and one last UPDATE makes them all available. A run that is killed leaves an import in state
`loading`; the next import of the pool, or a job, takes it away.
"""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from platform_core.clock import Clock
from platform_core.db import Database, TenantSession, uuid7
from platform_core.db.points import reached
from platform_core.events.services import record
from platform_core.fulfilment import keys as key_values
from platform_core.fulfilment.key_file import Entries, Entry
from platform_core.fulfilment.models import Credential, CredentialState, ImportState, KeyImport
from platform_core.fulfilment.pools import ask_to_serve, available, find_pool, lock_pools
from platform_core.jobs.queue import enqueue
from platform_core.keyring import KeyRing
from platform_core.tenancy.jobs import JobContext

BATCH = 2000
LOOK_UP = 500
LEASE = timedelta(minutes=5)
FLAWS_KEPT = 1000
CLEAN_JOB = "fulfilment.clean_import"
PAUSE_SECONDS = 0.01

Progress = Callable[[str, int], None]
"""Called with `check` or `load` and the number of lines done."""


class ImportRefused(ValueError):
    """An import that cannot begin; the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong with a line of the file."""

    line: int
    text: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.text}"


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of a file. With any flaw nothing was loaded; `flaws` holds the first thousand of them."""

    accepted: int
    flaws: tuple[Flaw, ...]
    flaw_count: int
    import_id: UUID | None = None

    @property
    def is_loaded(self) -> bool:
        """Are the keys in the pool?"""
        return self.import_id is not None


@dataclass(slots=True)
class _Flaws:
    kept: list[Flaw] = field(default_factory=list)
    count: int = 0

    def add(self, line: int, text: str) -> None:
        self.count += 1
        if len(self.kept) < FLAWS_KEPT:
            self.kept.append(Flaw(line, text))

    def report(self) -> ImportReport:
        return ImportReport(0, tuple(sorted(self.kept, key=lambda flaw: flaw.line)), self.count)


class _Twice(Exception):
    """A line that somebody else loaded while we did."""


def import_keys(
    database: Database,
    clock: Clock,
    keys: KeyRing,
    tenant_id: UUID,
    product_slug: str,
    code: str,
    entries: Entries,
    *,
    actor: str,
    file_name: str = "",
    progress: Progress = lambda _step, _lines: None,
) -> ImportReport:
    """Load credentials into the pool of `product_slug` and `code`. Opens its own short transactions.

    Raises NoSuchPool, or ImportRefused while another import into that pool is running.
    """
    run = _Import(database, clock, keys, tenant_id, progress)
    with run.session() as session, session.begin():
        run.pool_id = find_pool(session, clock, product_slug, code)
    run.clean_killed()
    flaws = run.check(entries)
    if flaws.count:
        return flaws.report()
    return run.load(entries, actor, file_name)


class _Import:
    def __init__(
        self, database: Database, clock: Clock, keys: KeyRing, tenant_id: UUID, progress: Progress
    ) -> None:
        self.database = database
        self.clock = clock
        self.keys = keys
        self.tenant_id = tenant_id
        self.progress = progress
        self.pool_id = tenant_id

    def session(self, *, read_only: bool = False) -> TenantSession:
        return self.database.session(self.tenant_id, read_only=read_only)

    # --- first: look -----------------------------------------------------------------------------------------

    def check(self, entries: Entries) -> _Flaws:
        """Every line by itself, against the lines before it and against the pool."""
        flaws = _Flaws()
        done = 0
        with closing(sqlite3.connect("")) as seen:  # "" is a temporary file that nobody else sees
            seen.execute("PRAGMA cache_size=-16000")
            seen.execute("CREATE TABLE seen (fingerprint BLOB PRIMARY KEY, line INTEGER) WITHOUT ROWID")
            for batch in _batches(iter(entries), LOOK_UP):
                good = []
                for entry in batch:
                    if entry.flaw is not None:
                        flaws.add(entry.line, entry.flaw)
                    else:
                        good.append(entry)
                self._check_batch(seen, good, flaws)
                done += len(batch)
                self.progress("check", done)
        if not done:
            flaws.add(1, "no keys in the file")
        return flaws

    def _check_batch(self, seen: sqlite3.Connection, batch: list[Entry], flaws: _Flaws) -> None:
        prints = [key_values.fingerprints(self.keys, entry.value) for entry in batch]
        in_pool = self._in_pool([each for known in prints for each in known])
        for entry, known in zip(batch, prints, strict=True):
            if any(each in in_pool for each in known):
                flaws.add(entry.line, "already in the pool")
                continue
            cursor = seen.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (known[0], entry.line))
            if cursor.rowcount == 0:
                (line,) = seen.execute("SELECT line FROM seen WHERE fingerprint = ?", (known[0],)).fetchone()
                flaws.add(entry.line, f"the same key as in line {line}")

    def _in_pool(self, prints: list[bytes]) -> set[bytes]:
        if not prints:
            return set()
        query = sa.select(Credential.fingerprint).where(
            Credential.tenant_id == self.tenant_id,
            Credential.pool_id == self.pool_id,
            Credential.fingerprint.in_(prints),
        )
        with self.session(read_only=True) as session:
            return set(session.scalars(query))

    # --- then: write -----------------------------------------------------------------------------------------

    def load(self, entries: Entries, actor: str, file_name: str) -> ImportReport:
        """Write the lines and make them available; a key that came in meanwhile takes all of them away again."""
        import_id = self._open(file_name)
        done, line = 0, 0
        try:
            for batch in _batches(iter(entries), BATCH):
                rows = [self._row(import_id, entry) for entry in batch]
                line = batch[0].line
                self._write(import_id, rows)
                done += len(rows)
                self.progress("load", done)
                reached("keys.batch")
                time.sleep(PAUSE_SECONDS)  # SQLite's lock is not fair: let waiting buyers in
            self._go_live(import_id, done, actor)
        except _Twice:
            self._abandon(import_id)
            flaws = self.check(entries)
            if not flaws.count:
                flaws.add(line, "a key that another import was loading at the same time; try again")
            return flaws.report()
        except BaseException:
            self._abandon(import_id)
            raise
        return ImportReport(done, (), 0, import_id)

    def _open(self, file_name: str) -> UUID:
        import_id = uuid7()
        wall = self.clock.wall()
        with self.session() as session, session.begin():
            lock_pools(session, [self.pool_id])
            self._refuse_running(session)
            session.add(
                KeyImport(
                    id=import_id,
                    pool_id=self.pool_id,
                    state=ImportState.LOADING,
                    file_name=file_name[:255],
                    started_at=self.clock.now(),
                    lease_until=wall + LEASE,
                )
            )
            enqueue(session, self.clock, CLEAN_JOB, run_at=wall + 2 * LEASE, import_id=str(import_id))
        return import_id

    def _refuse_running(self, session: TenantSession) -> None:
        running = session.scalars(
            sa.select(KeyImport.started_at).where(
                KeyImport.pool_id == self.pool_id,
                KeyImport.state == ImportState.LOADING,
                KeyImport.lease_until >= self.clock.wall(),
            )
        ).first()
        if running is not None:
            raise ImportRefused(
                f"another import into this pool is running since {running:%Y-%m-%d %H:%M} UTC; wait for its end "
                f"(if it was killed, {LEASE.total_seconds() / 60:.0f} minutes)"
            )

    def _row(self, import_id: UUID, entry: Entry) -> dict[str, Any]:
        if entry.flaw is not None:
            raise ImportRefused(f"line {entry.line}: the file changed while it was read ({entry.flaw})")
        place = key_values.Place(self.tenant_id, self.pool_id, uuid7())
        sealed = key_values.seal(self.keys, place, entry.value)
        return {
            "tenant_id": self.tenant_id,
            "id": place.credential_id,
            "pool_id": self.pool_id,
            "import_id": import_id,
            "state": CredentialState.AVAILABLE,
            "key_id": sealed.key_id,
            "secret": sealed.secret,
            "fingerprint": sealed.fingerprint,
            "tail": sealed.tail,
        }

    def _write(self, import_id: UUID, rows: list[dict[str, Any]]) -> None:
        try:
            with self.session() as session, session.begin():
                session.execute(sa.insert(Credential), rows)
                _still_loading(
                    session,
                    import_id,
                    accepted=KeyImport.accepted + len(rows),
                    lease_until=self.clock.wall() + LEASE,
                )
        except sa.exc.IntegrityError as error:
            raise _Twice from error

    def _go_live(self, import_id: UUID, count: int, actor: str) -> None:
        with self.session() as session, session.begin():
            # Nobody who finds the pool empty can become a waiting buyer between this line and the commit.
            product_ids = lock_pools(session, [self.pool_id])
            _still_loading(
                session,
                import_id,
                state=ImportState.LIVE,
                accepted=count,
                lease_until=None,
                live_at=self.clock.now(),
            )
            record(
                session,
                self.clock,
                actor,
                "fulfilment:keys:imported",
                "key_pool",
                self.pool_id,
                accepted=count,
            )
            ask_to_serve(session, self.clock, product_ids)
            reached("keys.live")
        reached("keys.committed")

    def _abandon(self, import_id: UUID) -> None:
        remove_import(self.session, import_id)

    def clean_killed(self) -> None:
        """Take away what killed imports of this pool left, and refuse to work beside one that lives."""
        with self.session() as session, session.begin():
            self._refuse_running(session)
            left = session.scalars(
                sa.select(KeyImport.id).where(
                    KeyImport.pool_id == self.pool_id,
                    sa.or_(
                        KeyImport.state == ImportState.LOADING,
                        sa.and_(KeyImport.state == ImportState.FAILED, KeyImport.accepted > 0),
                    ),
                )
            ).all()
        for import_id in left:
            remove_import(self.session, import_id)


def _still_loading(session: TenantSession, import_id: UUID, **values: Any) -> None:
    changed = session.scalars(
        sa.update(KeyImport)
        .where(KeyImport.id == import_id, KeyImport.state == ImportState.LOADING)
        .values(**values)
        .returning(KeyImport.id),
        execution_options={"synchronize_session": False},
    ).all()
    if not changed:
        raise ImportRefused("the import was stopped for too long and has been taken away; start it again")


def _batches(entries: Iterator[Entry], size: int) -> Iterator[list[Entry]]:
    while batch := list(islice(entries, size)):
        yield batch


def remove_import(open_session: Callable[[], TenantSession], import_id: UUID) -> bool:
    """Take away an import that never went live: mark it failed, then delete its rows in batches.

    False if it is live. Doing it again, or from where a kill stopped it, comes to the same.
    """
    with open_session() as session, session.begin():
        state = session.scalars(
            sa.select(KeyImport.state).where(KeyImport.id == import_id).with_for_update()
        ).one_or_none()
        if state not in (ImportState.LOADING, ImportState.FAILED):
            return False
        _set(session, import_id, state=ImportState.FAILED, lease_until=None)
    while True:
        with open_session() as session, session.begin():
            ids = session.scalars(
                sa.select(Credential.id)
                .where(
                    Credential.tenant_id == session.tenant,
                    Credential.import_id == import_id,
                    Credential.state == available(),
                )
                .limit(BATCH)
            ).all()
            if not ids:
                _set(session, import_id, accepted=0)
                return True
            session.execute(
                sa.delete(Credential).where(Credential.tenant_id == session.tenant, Credential.id.in_(ids)),
                execution_options={"synchronize_session": False},
            )
        time.sleep(PAUSE_SECONDS)


def _set(session: TenantSession, import_id: UUID, **values: Any) -> None:
    session.execute(
        sa.update(KeyImport).where(KeyImport.id == import_id).values(**values),
        execution_options={"synchronize_session": False},
    )


def clean_import(job: JobContext) -> None:
    """Job: look whether an import is still running; take it away if its lease has ended."""
    import_id = UUID(job.args["import_id"])
    row = job.session.get(KeyImport, (job.store.id, import_id))
    if row is None or row.state in (ImportState.LIVE, ImportState.DRAINED):
        return
    if row.lease_until is not None and row.lease_until >= job.clock.wall():
        job.enqueue(CLEAN_JOB, run_at=row.lease_until + LEASE, import_id=str(import_id))
        return
    job.session.rollback()  # the rows go in transactions of their own
    remove_import(lambda: job.database.session(job.store.id), import_id)
