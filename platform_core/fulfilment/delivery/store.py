"""The download server's two ends in the database: the decision at each request, and the record of what arrived."""

import asyncio
import gettext
import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from uuid import UUID

import sqlalchemy as sa
from translationstring import TranslationString

import platform_core
from platform_core.catalog.models import ProductFile
from platform_core.clock import Clock
from platform_core.db import Database, TenantSession, uuid7
from platform_core.events.services import record
from platform_core.fulfilment import downloads
from platform_core.fulfilment.models import Download, Entitlement
from platform_core.orders.models import Order, OrderLine
from platform_core.plugin_api.types import Decision, Words
from platform_core.tenancy.loading import Stores
from platform_core.tenancy.store import Store
from platform_core.web.i18n import DOMAIN

from . import pages
from .backend import Grant, Refusal, Text
from .signing import Ticket
from .uses import Use
from .writer import AttemptChange, Batch, MeterWriter

log = logging.getLogger("webstore.delivery")

DECIDERS = 8
REMEMBERED = 100_000
_LOCALES = Path(platform_core.__file__).parent / "locale"
_STATUS: dict[str, Literal[403, 404, 410]] = {"file": 404, "access": 410}


@dataclass(frozen=True, slots=True, kw_only=True)
class FileGrant(Grant):
    """A grant that knows which rows it is about."""

    entitlement_id: UUID
    file_id: UUID


class Targets:
    """What each attempt under way is about, from its beginning until its end has been stored."""

    def __init__(self) -> None:
        self._grants: OrderedDict[UUID, FileGrant] = OrderedDict()

    def add(self, grant: FileGrant) -> None:
        """An attempt begins."""
        self._grants[grant.attempt_id] = grant
        while len(self._grants) > REMEMBERED:
            self._grants.popitem(last=False)

    def get(self, attempt_id: UUID) -> FileGrant | None:
        """What an attempt is about, if it has begun here and is not stored as ended."""
        return self._grants.get(attempt_id)

    def forget(self, attempt_id: UUID) -> None:
        """Its end has been stored."""
        self._grants.pop(attempt_id, None)


class StoreBackend:
    """Decides from the database, each time in a read-only session in a thread; records through the writer.

    `origin(store)` is where people open a store, for the way back to an order.
    """

    def __init__(
        self,
        database: Database,
        stores: Stores,
        writer: MeterWriter,
        targets: Targets,
        origin: Callable[[Store], str],
    ) -> None:
        self._database = database
        self._stores = stores
        self._writer = writer
        self._targets = targets
        self._origin = origin
        self._threads = ThreadPoolExecutor(DECIDERS, thread_name_prefix="delivery-decide")

    async def open(self, ticket: Ticket) -> Grant | Refusal:
        """The decision of `downloads.permission`, as a grant or in the buyer's words."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self.decide, ticket)

    async def way_back(self, ticket: Ticket) -> str | None:
        """The order's page."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._find_way_back, ticket)

    def begin(self, grant: Grant) -> None:
        """An answer starts."""
        assert isinstance(grant, FileGrant)
        self._targets.add(grant)
        self._writer.begin(grant)

    def delivered(self, attempt_id: UUID, start: int, stop: int) -> None:
        """Bytes have arrived."""
        self._writer.delivered(attempt_id, start, stop)

    def ended(self, attempt_id: UUID, complete: bool) -> None:
        """The answer is over."""
        self._writer.ended(attempt_id, complete)

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    def decide(self, ticket: Ticket) -> Grant | Refusal:
        """The decision, in this thread."""
        store = self._stores.by_id(ticket.tenant_id)
        if store is None or store.closed:
            return _gone(None)
        with self._database.session(store.id, read_only=True) as session:
            found = _find(session, ticket)
            if found is None:
                return _gone(None)
            entitlement, order = found
            files = downloads.files_of(session, [entitlement])[entitlement.id]
            uses = downloads.uses_of(session, [entitlement.id])[entitlement.id]
            facts = downloads.order_facts(session, order.id)
        file = next((each for each in files if downloads.is_file_of(ticket.download_id, each.id)), None)
        meters = downloads.meters(files, uses, store.clock.wall())
        used = meters[file.meter].used if file is not None and file.meter in meters else 0
        decision = downloads.permission(facts, entitlement, file, used, store.clock.now())
        back_url = self._order_url(store, order)
        if file is None or not decision.allowed:
            return _refusal(decision, back_url)
        return _grant(ticket, entitlement, file, back_url)

    def _find_way_back(self, ticket: Ticket) -> str | None:
        store = self._stores.by_id(ticket.tenant_id)
        if store is None:
            return None
        with self._database.session(store.id, read_only=True) as session:
            found = _find(session, ticket)
        return self._order_url(store, found[1]) if found else None

    def _order_url(self, store: Store, order: Order) -> str:
        return f"{self._origin(store)}/orders/{order.number}"


def _find(session: TenantSession, ticket: Ticket) -> tuple[Entitlement, Order] | None:
    row = session.execute(
        sa.select(Entitlement, Order)
        .join(
            OrderLine,
            sa.and_(OrderLine.tenant_id == Entitlement.tenant_id, OrderLine.id == Entitlement.line_id),
        )
        .join(Order, sa.and_(Order.tenant_id == OrderLine.tenant_id, Order.id == OrderLine.order_id))
        .where(Entitlement.id == downloads.entitlement_of(ticket.download_id))
    ).one_or_none()
    return (row[0], row[1]) if row is not None else None


def _grant(ticket: Ticket, entitlement: Entitlement, file: ProductFile, back_url: str) -> FileGrant:
    return FileGrant(
        tenant_id=ticket.tenant_id,
        download_id=ticket.download_id,
        attempt_id=uuid7(),
        path=f"{file.sha256[:2]}/{file.sha256[2:]}",
        size=file.size,
        etag=file.sha256,
        filename=file.name,
        back_url=back_url,
        entitlement_id=entitlement.id,
        file_id=file.id,
    )


# --- words -----------------------------------------------------------------------------------------------------


def _gone(back_url: str | None) -> Refusal:
    return Refusal("not_found", pages.MESSAGES["not_found"], 404, back_url)


def _refusal(decision: Decision, back_url: str) -> Refusal:
    point = decision.open_points[0]
    return Refusal(point.code, in_all_languages(point.detail), _STATUS.get(point.code, 403), back_url)


def in_all_languages(words: Words) -> Text:
    """A text of ours in the languages that the download server's pages speak."""
    if not isinstance(words, TranslationString):
        return dict.fromkeys(pages.LANGUAGES, words)
    texts = {}
    for language in pages.LANGUAGES:
        catalogue = gettext.translation(DOMAIN, _LOCALES, [language], fallback=True)
        translated = catalogue.gettext(str(words)) if str(words) else ""
        texts[language] = words.interpolate(translated)
    return texts


# --- the record ------------------------------------------------------------------------------------------------


class StoreSink:
    """Writes what arrived into `download` rows: one transaction per store and batch.

    A row is made when the first byte of a use has arrived. It has come to its end when every byte of the file
    has; an attempt that began later opens the next one.
    """

    def __init__(self, database: Database, clock: Clock, targets: Targets) -> None:
        self._database = database
        self._clock = clock
        self._targets = targets

    def apply(self, batch: Batch) -> None:
        """Store all changes, or raise. A store that is through already is not harmed by coming again."""
        by_tenant: dict[UUID, list[tuple[FileGrant, AttemptChange]]] = {}
        for change in batch.changes:
            grant = self._targets.get(change.attempt_id)
            if grant is None:
                log.error(
                    "attempt %s is not known here; what it delivered is not recorded", change.attempt_id
                )
                continue
            by_tenant.setdefault(change.tenant_id, []).append((grant, change))
        for tenant_id, changes in by_tenant.items():
            with self._database.session(tenant_id) as session, session.begin():
                self._apply(session, changes)
        for change in batch.changes:
            if change.ended is not None:
                self._targets.forget(change.attempt_id)

    def _apply(self, session: TenantSession, changes: Sequence[tuple[FileGrant, AttemptChange]]) -> None:
        wanted = {grant.entitlement_id for grant, _change in changes}
        # The entitlement's row is held: two servers cannot both open a use's row.
        there = set(
            session.scalars(
                sa.select(Entitlement.id)
                .where(Entitlement.id.in_(wanted))
                .order_by(Entitlement.id)
                .with_for_update(key_share=True)
            )
        )
        rows: dict[tuple[UUID, UUID], list[Download]] = {}
        for row in session.scalars(
            sa.select(Download).where(Download.entitlement_id.in_(there)).order_by(Download.number)
        ):
            rows.setdefault((row.entitlement_id, row.file_id), []).append(row)
        for grant, change in changes:
            if grant.entitlement_id in there:
                self._one(session, rows.setdefault((grant.entitlement_id, grant.file_id), []), grant, change)

    def _one(
        self, session: TenantSession, rows: list[Download], grant: FileGrant, change: AttemptChange
    ) -> None:
        row = _row_of(rows, grant, change)
        if row is None:
            if not change.delivered.spans and not (grant.size == 0 and change.complete):
                return
            row = self._next(rows, grant)
            session.add(row)
            rows.append(row)
        use = Use.from_json(row.state, row.size).after(change)
        row.state = use.to_json()
        if use.whole_at is not None and row.completed_at is None:
            row.completed_at = self._clock.now()
            session.flush()
            record(
                session,
                self._clock,
                "system",
                "fulfilment:download:completed",
                "entitlement",
                grant.entitlement_id,
                file=str(grant.file_id),
                number=row.number,
            )

    def _next(self, rows: Sequence[Download], grant: FileGrant) -> Download:
        return Download(
            entitlement_id=grant.entitlement_id,
            file_id=grant.file_id,
            number=max((row.number for row in rows), default=0) + 1,
            sha256=grant.etag,
            size=grant.size,
            state=Use(grant.size).to_json(),
            created_at=self._clock.now(),
        )


def _row_of(rows: Sequence[Download], grant: FileGrant, change: AttemptChange) -> Download | None:
    """The use that an attempt belongs to: the one that knows it, else the last one if it takes it."""
    for row in rows:
        if Use.from_json(row.state, row.size).knows(change.attempt_id):
            return row
    for row in rows:
        if row.sha256 == grant.etag and Use.from_json(row.state, row.size).takes(change):
            return row
    return None
