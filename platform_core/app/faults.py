"""Faults of plugins, counted in the database, so that `webstore doctor` can name plugin, hook and time."""

from typing import Any

import sqlalchemy as sa
import structlog
from sqlalchemy.dialects import postgresql, sqlite

from platform_core.clock import Clock
from platform_core.db import Database
from platform_core.tenancy.models import PluginFault
from platform_core.tenancy.plugins import Fault, Plugins

log = structlog.get_logger("webstore.plugins")


def flush_faults(database: Database, plugins: Plugins, clock: Clock) -> None:
    """Write what has been noted since the last time, in a short session of its own; a failure to do so is logged."""
    faults = []
    while plugins.faults:
        try:
            faults.append(plugins.faults.popleft())
        except IndexError:  # another thread was quicker
            break
    if not faults:
        return
    try:
        with database.session() as session, session.begin():
            for fault in faults:
                _count(session, fault, clock)
    except sa.exc.SQLAlchemyError:
        log.exception("plugin_faults_not_written")


def _count(session: Any, fault: Fault, clock: Clock) -> None:
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    values = {"last_at": clock.wall(), "last_ms": fault.milliseconds, "detail": fault.detail}
    statement = insert(PluginFault).values(
        plugin=fault.plugin, hook=fault.hook, kind=fault.kind, count=1, **values
    )
    session.execute(
        statement.on_conflict_do_update(
            index_elements=[PluginFault.plugin, PluginFault.hook, PluginFault.kind],
            set_={"count": PluginFault.count + 1, **values},
        )
    )


def includeme(config: Any) -> None:
    """Make `registry.flush_faults()` ready for the outermost tween."""
    registry = config.registry
    registry.flush_faults = lambda: flush_faults(registry.database, registry.plugins, registry.clock)
