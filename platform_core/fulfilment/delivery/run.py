"""The download server as a process: `webstore serve` starts it."""

from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from platform_core.clock import Clock
from platform_core.db import Database
from platform_core.files.content import ContentStore
from platform_core.fulfilment.downloads import signer
from platform_core.keyring import KeyRing
from platform_core.tenancy.loading import Stores
from platform_core.tenancy.plugins import Plugins
from platform_core.tenancy.store import Store

from .server import make_delivery_app
from .serving import run
from .store import DECIDERS, StoreBackend, StoreSink, Targets
from .writer import MeterWriter

PORTS_BETWEEN = 4
"""The stores' port is so much below the downloads' (`webstore serve`)."""


class Origins(Protocol):
    """What tells where stores and downloads are."""

    @property
    def base_domain(self) -> str: ...
    @property
    def download_origin(self) -> str: ...


class DeliverySettings(Origins, Protocol):
    """What the server needs of the installation's settings."""

    @property
    def database_url(self) -> str: ...
    @property
    def data_dir(self) -> Path: ...
    @property
    def secret_file(self) -> Path: ...


def store_origin(settings: Origins, store: Store) -> str:
    """Where people open a store, without a trailing slash, as far as the downloads' own address tells.

    The scheme is the same; a port that is named is `PORTS_BETWEEN` above the stores'.
    """
    own = urlsplit(settings.download_origin)
    port = f":{own.port - PORTS_BETWEEN}" if own.port is not None else ""
    return f"{own.scheme}://{store.slug}.{settings.base_domain}{port}"


def main(settings: DeliverySettings, host: str, port: int) -> None:
    """Serve downloads on `host` and `port` until SIGTERM or SIGINT; what arrived until then is recorded."""
    database = Database(settings.database_url, pool_size=DECIDERS + 2)
    clock = Clock()
    stores = Stores(database, Plugins.installed(), clock, settings.base_domain)
    stores.follow_clock()
    targets = Targets()
    writer = MeterWriter(StoreSink(database, clock, targets), clock)
    backend = StoreBackend(database, stores, writer, targets, lambda store: store_origin(settings, store))
    addresses = signer(KeyRing.create(settings.secret_file), clock)
    try:
        run(make_delivery_app(backend, addresses, clock, ContentStore(settings.data_dir).root), host, port)
    finally:
        writer.close()
        backend.close()
        database.dispose()
