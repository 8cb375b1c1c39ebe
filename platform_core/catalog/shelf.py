"""The shelf: a store's published catalogue as frozen values, built once per revision and shared by all requests."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from platform_core.catalog.models import LicenceKind, LimitPeriod, ProductKind
from platform_core.tenancy.store import Store

Texts = Mapping[str, str]
"""A text by language; the key "" stands for every language (see `web.i18n.pick_text`)."""

SYSTEMS = ("windows", "mac", "linux", "web")
"""What a program can run on, in the order in which pages name it."""


@dataclass(frozen=True, slots=True)
class Publisher:
    """Who makes a product (CAT-10)."""

    slug: str
    name: Texts
    support_url: str | None


@dataclass(frozen=True, slots=True)
class Category:
    """A subject."""

    slug: str
    name: Texts
    pattern: str


@dataclass(frozen=True, slots=True)
class Agreement:
    """A licence agreement in one version, without its text (EXT-02)."""

    id: UUID
    slug: str
    version: str
    title: Texts


@dataclass(frozen=True, slots=True)
class Licence:
    """How long a licence runs (CAT-05)."""

    kind: LicenceKind
    months: int | None
    days: int | None


@dataclass(frozen=True, slots=True)
class Variant:
    """What a buyer chooses between: `os` is windows, mac, linux, web or any (CAT-03, CAT-04)."""

    code: str
    os: str
    bits: int | None
    label: Texts
    hint: Texts | None


@dataclass(frozen=True, slots=True)
class FileSpec:
    """A file that a buyer downloads; `variant` None belongs to every variant. `size` in bytes."""

    id: UUID
    code: str
    variant: str | None
    title: Texts
    name: str
    size: int
    meter: str


@dataclass(frozen=True, slots=True)
class CredentialSpec:
    """One of the codes that a buyer gets: product_key, activation_code or licence_number (KEY-02)."""

    code: str
    kind: str
    label: Texts


@dataclass(frozen=True, slots=True)
class Document:
    """A linked document with the languages that it exists in (CAT-10, CAT-13, EXT-13)."""

    kind: str
    title: Texts
    url: str
    languages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Requirement:
    """One row of the table of requirements, by operating system (CAT-02)."""

    label: Texts
    values: Mapping[str, Texts]


@dataclass(frozen=True, slots=True)
class OfferSpec:
    """On what terms a product may be had. Empty `groups`, `organisations`, `countries` mean all; `prices` are
    minor units by currency, with or without tax as the store says; the time is half-open."""

    id: UUID
    code: str
    product_slug: str
    groups: tuple[str, ...]
    organisations: tuple[str, ...]
    countries: tuple[str, ...]
    limit: int
    period: LimitPeriod
    free: bool
    starts_at: datetime | None
    ends_at: datetime | None
    prices: Mapping[str, int]

    def amount(self, currency: str) -> int | None:
        """Minor units in `currency`; 0 for free, None where there is no price in it."""
        return 0 if self.free else self.prices.get(currency)

    def is_open(self, now: datetime) -> bool:
        """Does the offer stand at `now`?"""
        return (self.starts_at is None or now >= self.starts_at) and (
            self.ends_at is None or now < self.ends_at
        )


@dataclass(frozen=True, slots=True)
class Product:
    """One product as visitors see it. `dry`: its keys have run out, and an order waits for new ones (CAT-11)."""

    id: UUID
    slug: str
    kind: ProductKind
    name: Texts
    summary: Texts
    description: Texts
    pattern: str
    monogram: str
    version: str
    released: date | None
    languages: tuple[str, ...]
    licence: Licence
    installs: int | None
    key_asked: str
    trial_of: str | None
    popularity: int
    publisher: Publisher
    category: Category
    agreement: Agreement | None
    variants: tuple[Variant, ...]
    requirements: tuple[Requirement, ...]
    documents: tuple[Document, ...]
    credentials: tuple[CredentialSpec, ...]
    files: tuple[FileSpec, ...]
    offers: tuple[OfferSpec, ...]
    dry: bool = False

    @property
    def systems(self) -> tuple[str, ...]:
        """Operating systems that it runs on; none for what is not bound to one, such as an e-book."""
        found = {variant.os for variant in self.variants}
        return tuple(system for system in SYSTEMS if system in found)

    def variant(self, code: str | None) -> Variant | None:
        """The variant of that code."""
        return next((variant for variant in self.variants if variant.code == code), None)

    def files_for(self, variant: str | None) -> tuple[FileSpec, ...]:
        """What a buyer of that variant downloads: its own files, and those of every variant."""
        return tuple(file for file in self.files if file.variant in (None, variant))

    def size(self, variant: str | None) -> int:
        """Bytes of the variant's own files; of all its files where it has none of its own."""
        own = sum(file.size for file in self.files if file.variant == variant)
        return own or sum(file.size for file in self.files_for(variant))


@dataclass(frozen=True, slots=True)
class Shelf:
    """All that is on sale in one revision. `former` maps slugs of before to those of today."""

    products: tuple[Product, ...]
    by_slug: Mapping[str, Product]
    by_id: Mapping[UUID, Product]
    former: Mapping[str, str]
    categories: Mapping[str, Category]
    publishers: Mapping[str, Publisher]
    offers: Mapping[UUID, OfferSpec] = field(repr=False)
    trials: Mapping[str, Product] = field(repr=False)
    boundaries: tuple[datetime, ...] = field(repr=False)

    def next_boundary(self, now: datetime) -> datetime | None:
        """The next moment after `now` at which an offer begins or ends, if there is one."""
        place = bisect_right(self.boundaries, now)
        return self.boundaries[place] if place < len(self.boundaries) else None


def shelf(store: Store) -> Shelf:
    """The shelf of a store's revision, built when it is first asked for."""
    return store.once("shelf", lambda s: build_shelf(s.catalogue_document))


def build_shelf(document: Mapping[str, Any]) -> Shelf:
    """A shelf from a published catalogue document (see `publishing.catalogue_document`)."""
    publishers = {
        row["slug"]: Publisher(row["slug"], row["name"], row.get("support_url"))
        for row in document.get("publishers", ())
    }
    categories = {
        row["slug"]: Category(row["slug"], row["name"], row["pattern"])
        for row in document.get("categories", ())
    }
    agreements = {
        row["id"]: Agreement(UUID(row["id"]), row["slug"], row["version"], row["title"])
        for row in document.get("agreements", ())
    }
    stock: Mapping[str, str] = document.get("stock") or {}
    products = tuple(
        _product(row, publishers, categories, agreements, dry=stock.get(row["slug"]) == "dry")
        for row in document.get("products", ())
    )
    return Shelf(
        products=products,
        by_slug={product.slug: product for product in products},
        by_id={product.id: product for product in products},
        former=dict(document.get("former_slugs") or {}),
        categories=categories,
        publishers=publishers,
        offers={offer.id: offer for product in products for offer in product.offers},
        trials={product.trial_of: product for product in reversed(products) if product.trial_of},
        boundaries=_boundaries(offer for product in products for offer in product.offers),
    )


def _boundaries(offers: Iterable[OfferSpec]) -> tuple[datetime, ...]:
    return tuple(
        sorted({moment for offer in offers for moment in (offer.starts_at, offer.ends_at) if moment})
    )


def _product(
    row: Mapping[str, Any],
    publishers: Mapping[str, Publisher],
    categories: Mapping[str, Category],
    agreements: Mapping[str, Agreement],
    *,
    dry: bool,
) -> Product:
    licence = row["licence"]
    return Product(
        id=UUID(row["id"]),
        slug=row["slug"],
        kind=ProductKind(row["kind"]),
        name=row["name"],
        summary=row["summary"],
        description=row["description"],
        pattern=row["pattern"],
        monogram=row["monogram"],
        version=row["version"],
        released=date.fromisoformat(row["released"]) if row["released"] else None,
        languages=tuple(row["languages"]),
        licence=Licence(LicenceKind(licence["kind"]), licence["months"], licence["days"]),
        installs=row["installs"],
        key_asked=row["key_asked"],
        trial_of=row["trial_of"],
        popularity=row["popularity"],
        publisher=publishers[row["publisher"]],
        category=categories[row["category"]],
        agreement=agreements[row["agreement_id"]] if row.get("agreement_id") else None,
        variants=tuple(_variant(part) for part in row["variants"]),
        requirements=tuple(
            Requirement(part["label"], {name: part[name] for name in (*SYSTEMS, "any") if part.get(name)})
            for part in row["requirements"]
        ),
        documents=tuple(
            Document(part["kind"], part["title"], part["url"], tuple(part["languages"]))
            for part in row["documents"]
        ),
        credentials=tuple(
            CredentialSpec(part["code"], part["kind"], part["label"]) for part in row["credentials"]
        ),
        files=tuple(_file(part) for part in row["files"]),
        offers=tuple(_offer(part, row["slug"]) for part in row["offers"]),
        dry=dry,
    )


def _variant(row: Mapping[str, Any]) -> Variant:
    return Variant(row["code"], row["os"], row.get("bits"), row["label"], row.get("hint"))


def _file(row: Mapping[str, Any]) -> FileSpec:
    return FileSpec(
        UUID(row["id"]), row["code"], row["variant"], row["title"], row["name"], row["size"], row["meter"]
    )


def _offer(row: Mapping[str, Any], product_slug: str) -> OfferSpec:
    return OfferSpec(
        id=UUID(row["id"]),
        code=row["code"],
        product_slug=product_slug,
        groups=tuple(row["groups"]),
        organisations=tuple(row["organisations"]),
        countries=tuple(row["countries"]),
        limit=row["limit"],
        period=LimitPeriod(row["period"]),
        free=row["free"],
        starts_at=datetime.fromisoformat(row["starts_at"]) if row["starts_at"] else None,
        ends_at=datetime.fromisoformat(row["ends_at"]) if row["ends_at"] else None,
        prices=dict(row["prices"]),
    )
