"""`db upgrade`: the core's migrations, then each installed plugin's."""

from platform_core.db import migrate
from platform_core.tenancy.plugins import Plugins


def upgrade(url: str, plugins: Plugins | None = None) -> None:
    """Bring the database at `url` up to date, as its owner."""
    migrate.upgrade(url, (plugins or Plugins.installed()).scripts())
