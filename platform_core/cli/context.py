"""What every command works with, made when first asked for."""

from functools import cached_property
from uuid import UUID

import click

from platform_core.app.settings import Settings
from platform_core.clock import Clock
from platform_core.db import Database, TenantSession
from platform_core.keyring import KeyRing
from platform_core.tenancy.loading import Stores
from platform_core.tenancy.plugins import Plugins
from platform_core.tenancy.store import Store


class Context:
    """Settings, database, plugins, clock and stores of one run of the command."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings.from_environment()

    @cached_property
    def database(self) -> Database:
        """Connections in the runtime role."""
        return Database(self.settings.database_url)

    @cached_property
    def plugins(self) -> Plugins:
        """The installed plugins."""
        return Plugins.installed()

    @cached_property
    def clock(self) -> Clock:
        """Both times; the stored offset is taken over when a store is read."""
        return Clock()

    @cached_property
    def keys(self) -> KeyRing:
        """The platform's key ring."""
        return KeyRing.create(self.settings.secret_file)

    @cached_property
    def stores(self) -> Stores:
        """The stores, with the clock moved as the database says."""
        stores = Stores(self.database, self.plugins, self.clock, self.settings.base_domain)
        stores.follow_clock()
        return stores

    def store(self, slug: str) -> Store:
        """The store of that slug. Raises a click error that names it."""
        store = self.stores.by_slug(slug)
        if store is None:
            raise click.ClickException(f"found no store {slug!r}; `webstore tenants list` names them all")
        return store

    def session(self, tenant: UUID | None = None, *, read_only: bool = False) -> TenantSession:
        """A session of one store, or of the platform."""
        return self.database.session(tenant, read_only=read_only)


pass_context = click.make_pass_decorator(Context)
