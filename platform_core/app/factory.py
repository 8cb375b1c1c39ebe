"""The web application: a table of contents, in an order that matters."""

from typing import Any

from pyramid.config import Configurator
from pyramid.tweens import EXCVIEW

from platform_core.accounts.demo import DEMO_PEOPLE
from platform_core.app.gate import include_plugins
from platform_core.app.proxies import TrustedProxies
from platform_core.app.settings import Settings
from platform_core.clock import Clock
from platform_core.db import Database
from platform_core.keyring import KeyRing
from platform_core.tenancy.loading import Stores
from platform_core.tenancy.plugins import Plugins

ROOMS = ("accounts", "catalog", "fulfilment", "checkout")


def make_app(
    settings: Settings,
    *,
    database: Database | None = None,
    clock: Clock | None = None,
    plugins: Plugins | None = None,
) -> Any:
    """The WSGI application. What is not given is made from `settings`; tests bring their own parts."""
    config = make_config(settings, database=database, clock=clock, plugins=plugins)
    return TrustedProxies(config.make_wsgi_app(), settings.trusted_proxies)


def make_config(
    settings: Settings,
    *,
    database: Database | None = None,
    clock: Clock | None = None,
    plugins: Plugins | None = None,
) -> Configurator:
    """The configuration behind `make_app`, for those who look at routes and views."""
    config = Configurator(settings={"pyramid.default_locale_name": "en"})
    registry: Any = config.registry
    registry.webstore = settings
    registry.clock = clock or Clock()
    registry.database = database or Database(settings.database_url)
    registry.plugins = plugins or Plugins.installed()
    registry.keys = KeyRing.create(settings.secret_file)
    registry.demo_people = DEMO_PEOPLE if settings.demo else None
    registry.stores = Stores(registry.database, registry.plugins, registry.clock, settings.base_domain)

    config.include("platform_core.web")
    config.include("platform_core.app.languages")
    config.include("platform_core.app.faults")
    headers, log = "platform_core.web.headers.headers_tween", "platform_core.app.tweens.log_tween"
    config.add_tween(log, under=headers, over=EXCVIEW)
    config.add_tween("platform_core.app.tweens.site_tween", under=log, over=EXCVIEW)
    config.add_tween("platform_core.app.tweens.body_tween", under=EXCVIEW)
    config.include("platform_core.app.database")
    config.include("platform_core.app.gate")
    config.include("platform_core.app.security")
    config.include("platform_core.app.page")
    config.include("platform_core.app.errors")
    config.include("platform_core.app.platform_views")
    config.include("platform_core.app.job_handlers")
    config.include("platform_core.accounts.personal")
    for room in ROOMS:
        config.include(f"platform_core.{room}")
    include_plugins(config)
    return config
