"""`Store`: one store as the code of a request or a job sees it. Frozen; a new revision is a new Store."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID

from platform_core.clock import Clock
from platform_core.db import TenantSession
from platform_core.plugin_api.types import Settings, Shop, ShopTenant
from platform_core.tenancy.plugins import Answer, Plugins, TenantHooks
from platform_core.tenancy.schema import Distributor, StoreConfig

Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class Store:
    """Effective configuration, the store's hooks, the clock, and the published catalogue of one revision."""

    id: UUID
    slug: str
    revision: int
    closed: bool
    config: StoreConfig
    plugins: Plugins
    clock: Clock
    catalogue_document: Mapping[str, Any]
    base_domain: str = "localhost"
    _made: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def once(self, name: str, make: Callable[["Store"], Made]) -> Made:
        """What is the same for all visitors is worked out once per revision: `make(store)`, kept under `name`."""
        if name not in self._made:
            self._made[name] = make(self)
        made: Made = self._made[name]
        return made

    def name(self, locale: str) -> str:
        """The institution's name in a language."""
        return self.config.store.name.get(locale, self.languages)

    def tagline(self, locale: str) -> str:
        """The line below the name, such as "Software store"."""
        return self.config.store.tagline.get(locale, self.languages)

    @property
    def languages(self) -> tuple[str, ...]:
        """Languages of the store, its own first (TEN-06)."""
        return tuple(self.config.store.languages)

    @property
    def currencies(self) -> tuple[str, ...]:
        """Currencies of the store, its own first (PAY-06)."""
        return tuple(self.config.store.currencies)

    @property
    def zone(self) -> str:
        """The time zone that dates are worked out in."""
        return self.config.store.time_zone

    @property
    def distributor(self) -> Distributor:
        """Who sells (CAT-12)."""
        return self.config.distributor

    @property
    def hooks(self) -> TenantHooks:
        """The caller of this store's enabled plugins."""
        return self.plugins.hooks(name for name, block in self.config.plugins.items() if block["enabled"])

    def settings_of(self, plugin: str) -> Settings:
        """The typed settings of an installed plugin in this store."""
        block = self.config.plugins.get(plugin, {})
        values = {key: value for key, value in block.items() if key != "enabled"}
        return self.plugins.schemas[plugin].model_validate(values)

    def shop(self, session: TenantSession | None) -> Callable[[str], Shop]:
        """A maker of what each plugin is handed."""
        config = self.config.store
        tenant = ShopTenant(self.id, self.slug, self.languages, self.currencies, config.time_zone)
        return lambda plugin: Shop(tenant, self.clock, self.settings_of(plugin), session)

    def ask(self, hook: str, session: TenantSession | None, **arguments: Any) -> list[Answer]:
        """Ask this store's plugins (see `TenantHooks.ask`).

        The session is lent to each plugin in a savepoint of its own: what a failing one wrote is undone, and its
        failed statement does not end the transaction of the page (PostgreSQL).
        """
        around = session.lend if session is not None else None
        return self.hooks.ask(hook, self.shop(session), around, **arguments)
