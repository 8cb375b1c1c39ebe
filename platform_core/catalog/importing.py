"""Apply: write what a store's file says into the database, in one transaction under the store's lock.

Downloads are hashed and stored before the transaction begins. A second apply of the same store waits for the
first, then finds nothing to do. Whatever fails leaves the store as it was.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from platform_core.catalog import models
from platform_core.catalog.planning import Plan, plan
from platform_core.catalog.publishing import catalogue_document
from platform_core.catalog.rows import MODELS, Key, State, Values, read_state
from platform_core.catalog.storefile import StoreFile
from platform_core.clock import Clock
from platform_core.db import Database, TenantSession, uuid7
from platform_core.db.engine import is_retryable
from platform_core.events.services import record
from platform_core.files.content import ContentStore, StoredContent, WrongContent
from platform_core.jobs.queue import enqueue
from platform_core.tenancy.changes import Change
from platform_core.tenancy.flaws import Flaw
from platform_core.tenancy.models import Source, Tenant, TenantPlugin
from platform_core.tenancy.problems import StoreFileErrors, located, parse_toml
from platform_core.tenancy.services import lock_tenant, publish
from platform_core.web.i18n import _

TRIES = 5
STOCK_JOB = "fulfilment.publish_stock"
"""Looks which products have no key left; a higher room's, so it is known here by name only."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What an apply of one store did. `revision` is None where nothing had to be published."""

    slug: str
    changes: tuple[Change, ...]
    revision: int | None

    @property
    def written(self) -> tuple[Change, ...]:
        """The changes that were made; the others were kept as they are on screen."""
        return tuple(change for change in self.changes if change.is_pending)


# --- downloads -------------------------------------------------------------------------------------------------


def contents_of(file: StoreFile, store: ContentStore, *, adopt: bool) -> dict[Key, StoredContent]:
    """The bytes of the file's downloads by (product, code); one that is not there is left out.

    With `adopt` they are taken into the content store, else only looked at. Raises StoreFileErrors for bytes
    that are not the announced ones.
    """
    contents: dict[Key, StoredContent] = {}
    flaws: list[Flaw] = []
    for index, product in enumerate(file.catalogue.products):
        for place, download in enumerate(product.files):
            path = ("products", index, "files", place)
            try:
                content = _content(download.source, download.sha256, store, adopt)
            except FileNotFoundError:
                continue
            except WrongContent as error:
                found = error.found or str(error)
                flaws.append(Flaw((*path, "sha256"), found, _("the SHA-256 of the file's bytes")))
            except OSError as error:
                flaws.append(Flaw((*path, "source"), str(error.strerror), _("a file that can be read")))
            else:
                contents[(product.slug, download.code)] = content
    _refuse(file, flaws)
    return contents


def _content(source: str, sha256: str | None, store: ContentStore, adopt: bool) -> StoredContent:
    if source.startswith("sha256:"):
        content = store.find(source.removeprefix("sha256:"))
        if content is None:
            raise FileNotFoundError(source)
        return content
    path = store.incoming / source
    if path.is_dir():
        raise WrongContent(f"{source} is a folder")
    if adopt:
        return store.adopt(path, sha256)
    content = store.look(path.resolve(strict=True))
    if sha256 not in (None, content.sha256):
        raise WrongContent(source, content.sha256)
    return content


def _refuse(file: StoreFile, flaws: list[Flaw] | tuple[Flaw, ...]) -> None:
    if flaws:
        data = parse_toml(file.text.encode(), file.file)[1]
        raise StoreFileErrors(located(flaws, file.file, file.text, data))


# --- plan and apply --------------------------------------------------------------------------------------------


def find_tenant(database: Database, slug: str) -> UUID | None:
    """The id of the store with that slug, if there is one."""
    with database.session(read_only=True) as session:
        return session.scalar(sa.select(Tenant.id).where(Tenant.slug == slug))


def plan_file(database: Database, file: StoreFile, store: ContentStore) -> Plan:
    """What an apply would do now. Nothing is written. Raises StoreFileErrors if the file cannot be applied."""
    contents = contents_of(file, store, adopt=False)
    tenant_id = find_tenant(database, file.slug)
    state = State()
    if tenant_id is not None:
        with database.session(tenant_id, read_only=True) as session:
            state = read_state(session)
    result = plan(file, state, contents)
    _refuse(file, result.flaws)
    return result


def apply_file(database: Database, file: StoreFile, store: ContentStore, clock: Clock, actor: str) -> Applied:
    """Make the database say what `file` says. `actor` is who the record names.

    Raises StoreFileErrors, with nothing written, if the file cannot be applied.
    """
    contents = contents_of(file, store, adopt=True)
    for attempt in range(1, TRIES + 1):
        try:
            return _apply(database, file, contents, clock, actor)
        except sa.exc.IntegrityError:
            # Another apply created the same store meanwhile: look again.
            if attempt == TRIES or find_tenant(database, file.slug) is None:
                raise
        except sa.exc.OperationalError as error:
            if attempt == TRIES or not is_retryable(error):
                raise
    raise AssertionError("the last try returns or raises")


def _apply(
    database: Database, file: StoreFile, contents: Mapping[Key, StoredContent], clock: Clock, actor: str
) -> Applied:
    known = find_tenant(database, file.slug)
    tenant_id = known or uuid7()
    now = clock.now()
    with database.session(tenant_id) as session, session.begin():
        if known is None:
            tenant = Tenant(id=tenant_id, slug=file.slug, names={}, created_at=now, changed_at=now)
            session.add(tenant)
            session.flush()
            state = State()
        else:
            tenant = lock_tenant(session, tenant_id)
            state = read_state(session)
        result = plan(file, state, contents)
        _refuse(file, result.flaws)
        number = None
        if result.publishes:
            _write(session, tenant_id, result, state, now)
            if tenant.names != file.config.store.name.root:
                tenant.names, tenant.changed_at = file.config.store.name.root, now
            session.flush()
            number = publish(session, tenant_id, result.configuration, catalogue_document(session), now)
            enqueue(session, clock, STOCK_JOB, once="stock")
            written = len(result.pending)
            kept = len(result.changes) - written
            record(
                session,
                clock,
                actor,
                "tenancy:file:applied",
                "store",
                None,
                revision=number,
                changes=written,
                kept=kept,
            )
        if tenant.digest != file.digest:
            tenant.digest = file.digest
    return Applied(file.slug, result.changes, number)


def _write(session: TenantSession, tenant_id: UUID, result: Plan, state: State, now: datetime) -> None:
    ids: dict[tuple[str, Key], UUID] = {}
    for kind, model in MODELS.items():
        ids |= {(kind, key): row.id for key, row in state.rows[kind].items()}
        new = result.inserts[kind]
        ids |= {(kind, key): uuid7() for key in new}
        rows = [
            {"tenant_id": tenant_id, "id": ids[(kind, key)], "source": Source.FILE, "retired_at": None}
            | _columns(kind, key, values, ids)
            for key, values in new.items()
        ]
        if rows:
            session.execute(sa.insert(model), rows)
        if kind == "offer":
            _insert_prices(
                session, tenant_id, {ids[(kind, key)]: values["prices"] for key, values in new.items()}
            )
    for update in result.updates:
        model = MODELS[update.kind]
        columns: dict[str, Any] = {"retired_at": now if update.retire else None}
        columns |= _columns(update.kind, None, update.values, ids)
        session.execute(
            sa.update(model).where(model.id == update.row.id).values(**columns), execution_options=_PLAIN
        )
        if "prices" in update.values:
            _change_prices(
                session, tenant_id, update.row.id, update.row.values["prices"], update.values["prices"]
            )
    for name, values in result.plugins.items():
        _write_plugin(session, name, values, state, now)


_PLAIN = {"synchronize_session": False}
_REFERENCES = ("publisher", "category", "agreement")


def _columns(
    kind: str, key: Key | None, values: Values, ids: Mapping[tuple[str, Key], UUID]
) -> dict[str, Any]:
    """Values by natural key as columns of the table."""
    columns = {name: value for name, value in values.items() if name != "prices"}
    for reference in _REFERENCES if kind == "product" else ():
        if reference in columns:
            target = columns.pop(reference)
            columns[f"{reference}_id"] = ids[(reference, target)] if target else None
    if key is None:
        return columns
    columns["slug"] = key[-1]
    if kind == "agreement":
        columns |= {"slug": key[0], "version": key[1]}
    elif kind in ("file", "offer"):
        columns["product_id"] = ids[("product", key[:1])]
    return columns


def _insert_prices(session: TenantSession, tenant_id: UUID, prices: Mapping[UUID, Mapping[str, int]]) -> None:
    rows = [
        {"tenant_id": tenant_id, "id": uuid7(), "offer_id": offer_id, "currency": currency, "amount": amount}
        for offer_id, amounts in prices.items()
        for currency, amount in amounts.items()
    ]
    if rows:
        session.execute(sa.insert(models.Price), rows)


def _change_prices(
    session: TenantSession, tenant_id: UUID, offer_id: UUID, old: Mapping[str, int], new: Mapping[str, int]
) -> None:
    """Prices are values of an offer: no order refers to their rows, so one that left the file goes."""
    of_offer = models.Price.offer_id == offer_id
    gone = [currency for currency in old if currency not in new]
    if gone:
        session.execute(
            sa.delete(models.Price).where(of_offer, models.Price.currency.in_(gone)), execution_options=_PLAIN
        )
    for currency in new.keys() & old.keys():
        if new[currency] != old[currency]:
            session.execute(
                sa.update(models.Price)
                .where(of_offer, models.Price.currency == currency)
                .values(amount=new[currency]),
                execution_options=_PLAIN,
            )
    added = {currency: amount for currency, amount in new.items() if currency not in old}
    _insert_prices(session, tenant_id, {offer_id: added})


def _write_plugin(session: TenantSession, name: str, values: Values, state: State, now: datetime) -> None:
    if name not in state.plugins:
        session.add(TenantPlugin(plugin=name, source=Source.FILE, changed_at=now, **values))
        return
    session.execute(
        sa.update(TenantPlugin).where(TenantPlugin.plugin == name).values(changed_at=now, **values),
        execution_options=_PLAIN,
    )
