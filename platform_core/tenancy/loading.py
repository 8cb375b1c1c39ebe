"""From a host name to a store. Start-up reads no store: each is read when first asked for, and kept while
its revision stands. A process notices a new revision, and a moved clock, within two seconds."""

import ipaddress
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa

from platform_core.clock import Clock
from platform_core.db import Database
from platform_core.tenancy.models import ClockSetting, Host, Revision, Tenant, TenantState
from platform_core.tenancy.plugins import Plugins
from platform_core.tenancy.schema import StoreConfig
from platform_core.tenancy.store import Store

# Which store is meant; made only where the database is asked.
Condition = Callable[[], sa.ColumnElement[bool]]

PULSE_SECONDS = 1.0
KEPT_STORES = 256
KEPT_NAMES = 4096
# A name of RFC 3986 (an underscore too, which proxies let pass) or an IPv6 address, and a port.
_HOST = re.compile(r"([a-z0-9_-][a-z0-9._-]{0,252}|\[[0-9a-f:.]{2,45}\])(?::[0-9]{0,5})?", re.ASCII)


class BadHost(ValueError):
    """The Host header is no host name."""


def normal_host(header: str) -> str:
    """A Host header without port, trailing dot and upper case. Raises BadHost for what is no name or address."""
    match = _HOST.fullmatch(header.strip().lower())
    if match is None:
        raise BadHost(header[:100])
    name: str = match[1].removesuffix(".")
    return name


def is_address(host: str) -> bool:
    """Is this an IP address rather than a name?"""
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


@dataclass(slots=True)
class _Kept:
    store: Store
    checked: float


class Stores:
    """The stores of this process, read lazily and bounded in number."""

    def __init__(self, database: Database, plugins: Plugins, clock: Clock, base_domain: str) -> None:
        self.database = database
        self.plugins = plugins
        self.clock = clock
        self.base_domain = base_domain.lower()
        self._kept: OrderedDict[UUID, _Kept] = OrderedDict()
        self._names: OrderedDict[str, UUID] = OrderedDict()
        self._lock = threading.Lock()
        self._clock_checked = 0.0

    def by_host(self, host: str) -> Store | None:
        """The store that answers to a normalised host name, or None."""
        slug = host.removesuffix("." + self.base_domain) if host.endswith("." + self.base_domain) else ""
        if slug and "." not in slug:
            return self.by_slug(slug)
        return self._find(
            f"host:{host}",
            lambda: Tenant.id == sa.select(Host.tenant_id).where(Host.name == host).scalar_subquery(),
        )

    def by_slug(self, slug: str) -> Store | None:
        """The store of that slug, or None."""
        return self._find(f"slug:{slug}", lambda: Tenant.slug == slug)

    def by_id(self, tenant_id: UUID) -> Store | None:
        """The store of that id, or None."""
        return self._find(f"id:{tenant_id}", lambda: Tenant.id == tenant_id)

    def reload(self, store: Store) -> Store:
        """The store as it is published at this moment, whatever this process has kept."""
        return self._load(f"id:{store.id}", lambda: Tenant.id == store.id) or store

    def forget(self) -> None:
        """Read every store anew when it is next asked for."""
        with self._lock:
            self._kept.clear()
            self._names.clear()

    def address(self, store: Store, scheme: str, port: str = "") -> str:
        """Where people open a store, without a trailing slash."""
        return f"{scheme}://{store.slug}.{self.base_domain}{port}"

    def _find(self, name: str, condition: Condition) -> Store | None:
        tenant_id = self._names.get(name)
        kept = self._kept.get(tenant_id) if tenant_id else None
        if kept is None:
            return self._load(name, condition)
        if time.monotonic() - kept.checked >= PULSE_SECONDS:
            number, offset = self._pulse(kept.store.id)
            self._follow(offset)
            if number != kept.store.revision:
                return self._load(name, condition)
            kept.checked = time.monotonic()
            with self._lock:  # the one that nobody has asked for longest leaves first
                if kept.store.id in self._kept:
                    self._kept.move_to_end(kept.store.id)
        return kept.store

    def _pulse(self, tenant_id: UUID) -> tuple[int | None, int | None]:
        offset = sa.select(ClockSetting.offset_us).scalar_subquery()
        with self.database.session(read_only=True) as session:
            row = session.execute(
                sa.select(Revision.number, offset).where(Revision.tenant_id == tenant_id)
            ).first()
        return (row[0], row[1]) if row else (None, None)

    def _follow(self, offset: int | None) -> None:
        self.clock.follow(timedelta(microseconds=offset or 0))
        self._clock_checked = time.monotonic()

    def follow_clock(self) -> None:
        """Take over a moved clock, for processes that look at no store for a while."""
        if time.monotonic() - self._clock_checked >= PULSE_SECONDS:
            with self.database.session(read_only=True) as session:
                self._follow(session.scalar(sa.select(ClockSetting.offset_us)))

    def _load(self, name: str, condition: Condition) -> Store | None:
        offset = sa.select(ClockSetting.offset_us).scalar_subquery()
        query = (
            sa.select(Tenant.id, Tenant.slug, Tenant.state, Revision.number, offset.label("offset"))
            .add_columns(Revision.configuration, Revision.catalogue)
            .join(Revision, Revision.tenant_id == Tenant.id)
            .where(condition())
        )
        with self.database.session(read_only=True) as session:
            row = session.execute(query).first()
        if row is None:
            return None
        self._follow(row.offset)
        store = Store(
            id=row.id,
            slug=row.slug,
            revision=row.number,
            closed=row.state is TenantState.CLOSED,
            config=StoreConfig.model_validate(row.configuration),
            plugins=self.plugins,
            clock=self.clock,
            catalogue_document=row.catalogue,
            base_domain=self.base_domain,
        )
        with self._lock:
            self._kept[store.id] = _Kept(store, time.monotonic())
            self._kept.move_to_end(store.id)
            self._names[name] = store.id
            while len(self._kept) > KEPT_STORES:
                self._kept.popitem(last=False)
            while len(self._names) > KEPT_NAMES:
                self._names.popitem(last=False)
        return store
