"""Writing stores: create, publish a revision, switch a plugin, move the clock."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from platform_core.clock import Clock, ClockGoesBackwards
from platform_core.db import TenantSession
from platform_core.events.services import record
from platform_core.tenancy.models import ClockSetting, Revision, Source, Tenant, TenantPlugin


def create_tenant(session: TenantSession, slug: str, names: Mapping[str, str], now: datetime) -> Tenant:
    """A new store without content. `session` is a platform session."""
    tenant = Tenant(slug=slug, names=dict(names), created_at=now, changed_at=now)
    session.add(tenant)
    session.flush()
    return tenant


def lock_tenant(session: TenantSession, tenant_id: UUID) -> Tenant:
    """Hold the store's lock until the transaction ends: one apply at a time."""
    return session.scalars(sa.select(Tenant).where(Tenant.id == tenant_id).with_for_update()).one()


def publish(
    session: TenantSession,
    tenant_id: UUID,
    configuration: Mapping[str, Any],
    catalogue: Mapping[str, Any],
    now: datetime,
) -> int:
    """Make configuration and catalogue visible as the store's next revision; its number is the answer."""
    revision = session.scalars(
        sa.select(Revision).where(Revision.tenant_id == tenant_id).with_for_update()
    ).one_or_none()
    if revision is None:
        revision = Revision(tenant_id=tenant_id, number=0)
        session.add(revision)
    revision.number += 1
    revision.published_at = now
    revision.configuration = dict(configuration)
    revision.catalogue = dict(catalogue)
    session.flush()
    return revision.number


def switch_plugin(
    session: TenantSession,
    clock: Clock,
    plugin: str,
    enabled: bool,
    actor: str,
    settings: Mapping[str, Any] | None = None,
) -> bool:
    """Switch a plugin on or off in the session's store, effective with the revision that this publishes.

    The switch is kept over later applies of the store's file (source "screen"). Answers whether anything
    changed; the change is recorded with its actor.
    """
    assert session.tenant is not None
    lock_tenant(session, session.tenant)
    row = session.scalars(sa.select(TenantPlugin).where(TenantPlugin.plugin == plugin)).one_or_none()
    if row is None:
        row = TenantPlugin(plugin=plugin, enabled=not enabled, settings={}, changed_at=clock.now())
        session.add(row)
    if row.enabled == enabled and settings is None:
        return False
    row.enabled = enabled
    row.settings = dict(settings) if settings is not None else row.settings
    row.source = Source.SCREEN
    row.changed_at = clock.now()
    revision = session.scalars(sa.select(Revision).where(Revision.tenant_id == session.tenant)).one()
    configuration = dict(revision.configuration)
    blocks = dict(configuration.get("plugins", {}))
    blocks[plugin] = {"enabled": enabled, **row.settings}
    configuration["plugins"] = blocks
    tag = "tenancy:plugin:" + ("enabled" if enabled else "disabled")
    record(session, clock, actor, tag, "store", None, plugin=plugin)
    publish(session, session.tenant, configuration, revision.catalogue, clock.now())
    return True


def move_clock(session: TenantSession, clock: Clock, offset: timedelta) -> None:
    """Store a new distance of business time from wall time. Raises ClockGoesBackwards for a smaller one."""
    row = session.get(ClockSetting, 1, with_for_update=True)
    if row is None:
        row = ClockSetting(id=1, offset_us=0)
        session.add(row)
    microseconds = offset // timedelta(microseconds=1)
    if microseconds < row.offset_us:
        raise ClockGoesBackwards(
            "business time never runs backwards: start anew with FRESH=1 for an earlier date"
        )
    row.offset_us = microseconds
    session.flush()
    clock.follow(offset)
