"""Writing the record of what happened."""

from typing import Any
from uuid import UUID

from platform_core.clock import Clock
from platform_core.db import TenantSession
from platform_core.events.models import Event, EventPersonal


def record(
    session: TenantSession,
    clock: Clock,
    actor: str,
    tag: str,
    subject_type: str,
    subject_id: UUID | None,
    personal: dict[str, Any] | None = None,
    **data: Any,
) -> Event:
    """Append one event in the session's transaction. `actor` is `person:<id>`, `system` or `operator:<name>`.

    `data` holds ids and plain values; names and addresses go into `personal`.
    """
    event = Event(
        subject_type=subject_type,
        subject_id=subject_id,
        actor=actor,
        tag=tag,
        data=data,
        business_at=clock.now(),
        wall_at=clock.wall(),
    )
    session.add(event)
    if personal:
        session.flush()
        session.add(EventPersonal(event_id=event.id, data=personal))
    return event
