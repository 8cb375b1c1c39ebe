"""Stores, products and people made in memory, for tests of rules and prices that need no database."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from platform_core.clock import Clock
from platform_core.plugin_api.types import PersonTerms
from platform_core.tenancy.plugins import Plugins
from platform_core.tenancy.schema import StoreConfig
from platform_core.tenancy.store import Store

NOON = datetime(2026, 10, 15, 16, 0, tzinfo=UTC)
GROUPS = ("student", "faculty", "staff")
ORGANISATIONS = ("science", "arts", "law", "music")
CURRENCIES = ("CAD", "USD")
NO_PLUGINS = Plugins({})


def config(**parts: Any) -> StoreConfig:
    """A store's configuration: two languages, two currencies, three groups, four organisations, 13 % tax."""
    values: dict[str, Any] = {
        "store": {
            "slug": "northfield",
            "name": {"en": "Northfield", "fr": "Northfield (fr)"},
            "languages": ["en", "fr"],
            "currencies": list(CURRENCIES),
            "country": "CA",
            "time_zone": "America/Toronto",
        },
        "distributor": {"name": "Larkfield"},
        "tax": {"included": True, "rates": [{"code": "HST", "label": "HST", "rate": "13", "country": "CA"}]},
        "groups": [{"code": g, "name": {"en": g.title(), "fr": g.upper()}, "one": g} for g in GROUPS],
        "organisations": [{"code": o, "name": o.title()} for o in ORGANISATIONS],
    }
    return StoreConfig.model_validate(values | parts)


def store(products: list[dict[str, Any]] | None = None, now: datetime = NOON, **parts: Any) -> Store:
    """A store with these products (rows of the published document) whose clock stands still."""
    document = parts.pop("document", {}) | {
        "publishers": [{"id": "p", "slug": "korvane", "name": {"": "Korvane"}, "support_url": None}],
        "categories": [
            {
                "id": "c",
                "slug": "statistics",
                "name": {"en": "Statistics", "fr": "Statistique"},
                "pattern": "statistics",
            },
            {"id": "d", "slug": "design", "name": {"en": "Design", "fr": "Création"}, "pattern": "design"},
        ],
        "agreements": [],
        "products": products or [],
    }
    return Store(
        id=UUID(int=7),
        slug="northfield",
        revision=parts.pop("revision", 1),
        closed=False,
        config=config(**parts),
        plugins=NO_PLUGINS,
        clock=Clock(lambda: now),
        catalogue_document=document,
    )


def product_row(slug: str = "stat-workbench", *offers: dict[str, Any], **values: Any) -> dict[str, Any]:
    """A product as the published document holds it."""
    row: dict[str, Any] = {
        "id": str(uuid4()),
        "slug": slug,
        "kind": "software",
        "name": {"": slug.replace("-", " ").title()},
        "summary": {"": "…"},
        "description": {"": "…"},
        "pattern": "statistics",
        "monogram": "Sw",
        "version": "11",
        "released": None,
        "languages": ["en"],
        "licence": {"kind": "perpetual", "months": None, "days": None},
        "installs": 2,
        "key_asked": "none",
        "trial_of": None,
        "popularity": 0,
        "variants": [],
        "requirements": [],
        "documents": [],
        "credentials": [],
        "publisher": "korvane",
        "category": "statistics",
        "agreement_id": None,
        "files": [],
        "offers": list(offers),
    }
    return row | values


def offer_row(code: str = "all", **values: Any) -> dict[str, Any]:
    """An offer as the published document holds it; free unless it has `prices` (minor units)."""
    row: dict[str, Any] = {
        "id": str(uuid4()),
        "code": code,
        "groups": [],
        "organisations": [],
        "countries": [],
        "limit": 0,
        "period": "ever",
        "free": "prices" not in values,
        "starts_at": None,
        "ends_at": None,
        "prices": {},
    }
    return row | values


def person(*groups: str, **values: Any) -> PersonTerms:
    """A verified person of these groups."""
    return PersonTerms(
        account_id=values.get("account_id", UUID(int=1)),
        groups=frozenset(groups),
        organisations=frozenset(values.get("organisations", ())),
        verified=values.get("verified", True),
        verified_until=values.get("verified_until"),
        country=values.get("country"),
    )
