"""Frozen values that hooks and decisions speak in. Never models, never requests."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from platform_core.clock import Clock
from platform_core.db import TenantSession
from platform_core.money import Money

Words = str
"""A text for people, usually made with `_("…")`: a TranslationString, translated when the page is rendered."""


class Settings(BaseModel):
    """Base of a plugin's settings schema: unknown keys are refused, values never change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class PluginInfo:
    """What a plugin says of itself. `api` is the range of plugin API versions that it was written for."""

    name: str
    title: Words
    description: Words
    category: str
    api: tuple[int, int] = (1, 1)


@dataclass(frozen=True, slots=True)
class ShopTenant:
    """The store that a hook runs for."""

    id: UUID
    slug: str
    languages: tuple[str, ...]
    currencies: tuple[str, ...]
    time_zone: str


@dataclass(frozen=True, slots=True)
class Shop:
    """What a hook is handed: the store, its clock, the plugin's own settings and a session of that store.

    `db` is for the plugin's own tables. It is None where a hook runs outside any transaction.
    """

    tenant: ShopTenant
    clock: Clock
    settings: Any
    db: TenantSession | None


class Outcome(StrEnum):
    """A criterion's answer; `unknown` means that the store must ask first."""

    PASSED = "passed"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Mend:
    """The one thing to do about a criterion: words for a link, and where it leads (a route and its parts)."""

    words: Words
    route: str
    parts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Criterion:
    """One rule and its answer: `code` is stable, `title` and `detail` are words for a person.

    `wanted` and `found` are plain values for staff and tests; `source` says where the rule is configured.
    """

    code: str
    outcome: Outcome
    title: Words
    detail: Words = ""
    wanted: Any = None
    found: Any = None
    source: str = ""
    mend: Mend | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer to "may I?": every criterion that was asked, in the order of asking."""

    criteria: tuple[Criterion, ...]

    @property
    def allowed(self) -> bool:
        """Did every criterion pass?"""
        return all(c.outcome is Outcome.PASSED for c in self.criteria)

    @property
    def open_points(self) -> tuple[Criterion, ...]:
        """What did not pass."""
        return tuple(c for c in self.criteria if c.outcome is not Outcome.PASSED)

    @property
    def refused(self) -> bool:
        """Did a criterion fail for certain?"""
        return any(c.outcome is Outcome.FAILED for c in self.criteria)


@dataclass(frozen=True, slots=True)
class PersonTerms:
    """A signed-in person as rules see them."""

    account_id: UUID
    groups: frozenset[str]
    organisations: frozenset[str]
    verified: bool
    verified_until: datetime | None
    country: str | None


@dataclass(frozen=True, slots=True)
class OfferTerms:
    """An offer as rules see it, with what this person has had of it in the period that counts."""

    offer_id: UUID
    product_slug: str
    groups: tuple[str, ...]
    organisations: tuple[str, ...]
    countries: tuple[str, ...]
    limit: int
    period: str
    starts_at: datetime | None
    ends_at: datetime | None
    already_had: int = 0
    in_cart: int = 1


@dataclass(frozen=True, slots=True)
class PlacedItem:
    """One item of an order that has just been placed."""

    line_id: UUID
    product_slug: str
    product_name: str
    licence_kind: str
    free: bool


@dataclass(frozen=True, slots=True)
class PlacedOrder:
    """An order that has just been placed."""

    order_id: UUID
    number: str
    account_id: UUID
    placed_at: datetime
    items: tuple[PlacedItem, ...]


TONES = ("info", "ok", "warn", "bad")


@dataclass(frozen=True, slots=True)
class AccessTerms:
    """Until when keys and downloads of an item stay reachable; None means without end. `source` names the rule."""

    until: datetime | None
    source: str

    def __post_init__(self) -> None:
        until: Any = self.until
        if until is not None and (not isinstance(until, datetime) or until.tzinfo is None):
            raise TypeError("AccessTerms.until is a datetime with a zone, or None")


@dataclass(frozen=True, slots=True)
class Fragment:
    """A piece of a page that a plugin contributes; the core renders and escapes it.

    `tone` is one of info, ok, warn, bad. `link` is a route of the plugin with its words.
    """

    title: Words
    text: Words
    tone: str = "info"
    link: Mend | None = None
    order: int = 100

    def __post_init__(self) -> None:
        title: Any = self.title
        text: Any = self.text
        order: Any = self.order
        link: Any = self.link
        if not (isinstance(title, str) and isinstance(text, str) and isinstance(order, int)):
            raise TypeError("Fragment.title and Fragment.text are words, Fragment.order is a number")
        if self.tone not in TONES or not (link is None or isinstance(link, Mend)):
            raise TypeError(f"Fragment.tone is one of {', '.join(TONES)}, Fragment.link a Mend or None")


@dataclass(frozen=True, slots=True)
class SlotContext:
    """Where a fragment is to stand: the order for `receipt`, else None."""

    order: PlacedOrder | None = None


@dataclass(frozen=True, slots=True)
class Quoted:
    """A price with its tax and the rule that set it."""

    gross: Money
    net: Money
    tax: Money
    tax_code: str
    tax_rate: Decimal
    rule: str
