"""The licence's own clock (KEY-07): whatever access was bought, a term ends when it ends."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from platform_core.catalog.models import LicenceKind
from platform_core.clock import end_of_day_after


def licence_until(licence: Mapping[str, Any], start: datetime, zone: str) -> datetime | None:
    """The first instant after the term's last day in `zone`; None where no date ends it.

    `licence` is {kind, months, days} as an order's line keeps it. Perpetual licences do not end; those for the
    time of enrolment end with the person's status, which no date tells.
    """
    if LicenceKind(licence["kind"]) in (LicenceKind.PERPETUAL, LicenceKind.ENROLMENT):
        return None
    months, days = licence.get("months") or 0, licence.get("days") or 0
    if not months and not days:
        return None
    return end_of_day_after(start, zone, months=months, days=days)
