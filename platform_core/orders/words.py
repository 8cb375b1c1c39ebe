"""Words for orders that several screens share: the state of an order, how long a licence runs."""

from collections.abc import Mapping

from platform_core.orders.transitions import Label
from platform_core.plugin_api.types import Words
from platform_core.web.i18n import _

STATES: Mapping[Label, tuple[str, Words]] = {
    Label.PLACED: ("info", _("Placed")),
    Label.PROCESSING: ("warn", _("In progress")),
    Label.COMPLETE: ("ok", _("Complete")),
    Label.CANCELLED: ("bad", _("Cancelled")),
    Label.AWAITING_PAYMENT: ("warn", _("Waiting for payment")),
    Label.AWAITING_VERIFICATION: ("warn", _("Waiting for verification")),
    Label.AWAITING_APPROVAL: ("warn", _("Waiting for approval")),
    Label.AWAITING_REVIEW: ("warn", _("Being looked at")),
}
"""Tone and word of each label."""

WAITING: tuple[str, Words] = ("warn", _("Waiting for a key"))
"""Tone and word of an order, or of a line, whose pool is empty."""


def licence_words(kind: str, months: int | None, days: int | None) -> Words:
    """How long a licence runs, such as "12-month licence"."""
    if kind == "perpetual":
        return _("licence without end")
    if kind == "enrolment":
        return _("while you study or work here")
    if kind == "evaluation":
        return _("${n}-day trial", mapping={"n": str(days)}) if days else _("trial")
    if months:
        return _("${n}-month licence", mapping={"n": str(months)})
    return _("${n}-day licence", mapping={"n": str(days)}) if days else _("licence for a time")
