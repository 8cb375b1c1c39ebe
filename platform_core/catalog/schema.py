"""The catalogue part of a store file: publishers, categories, agreements, products with all that hangs on them.

`check_catalogue` reports everything that is wrong at once. Cross references inside one product (the variant of
a file, the columns of requirements) and repeated slugs are looked for in the raw data, so that a fault in one
place hides none in another.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from platform_core.catalog.models import LicenceKind, LimitPeriod, ProductKind
from platform_core.money import BadAmount, Money, digits
from platform_core.tenancy.checking import texts_of
from platform_core.tenancy.fields import (
    OPERATING_SYSTEMS,
    Code,
    Country,
    Currency,
    DecimalText,
    FileName,
    Known,
    Language,
    Line,
    Many,
    Slug,
    SourcePath,
    Strict,
    Text,
    WebAddress,
    flaws_of_repetition,
    known_in,
    listed,
    nearest,
    one_of,
    refusal,
)
from platform_core.tenancy.flaws import Flaw, flaws_in
from platform_core.web.i18n import _

OperatingSystem = Literal["windows", "mac", "linux", "web", "any"]
MOST_UNITS = 10**12
"""No price has more minor units than this."""


def _reference(part: str, kind: str) -> AfterValidator:
    def check(value: str, info: ValidationInfo) -> str:
        known = known_in(info)
        return value if known is None else one_of(value, getattr(known, part), kind)

    return AfterValidator(check)


def _monogram(value: str) -> str:
    if 1 <= len(value) <= 3 and value.isalnum():
        return value
    raise refusal(_("one to three letters or digits, such as Sw"))


Pattern = Annotated[str, _reference("patterns", _("a pattern of the cover scheme"))]
Monogram = Annotated[str, AfterValidator(_monogram)]


class Publisher(Strict):
    """[[publishers]] (CAT-10)."""

    slug: Slug
    name: Line
    support_url: WebAddress | None = None


class Category(Strict):
    """[[categories]]; `pattern` is the cover pattern of its products."""

    slug: Slug
    name: Line
    pattern: Pattern


class Agreement(Strict):
    """[[agreements]]: a licence agreement in one version, Markdown (EXT-02)."""

    slug: Slug
    version: Annotated[str, Field(min_length=1, max_length=40)]
    title: Line
    text: Text


class Licence(Strict):
    """How long the licence runs (CAT-05)."""

    kind: Annotated[LicenceKind, Field(strict=False)]
    months: Annotated[int, Field(ge=1, le=1200)] | None = None
    days: Annotated[int, Field(ge=1, le=36500)] | None = None

    @model_validator(mode="after")
    def _has_its_term(self) -> "Licence":
        terms = [name for name in ("months", "days") if getattr(self, name) is not None]
        found = listed(terms) if terms else _("neither months nor days")
        if self.kind is LicenceKind.RENTAL and len(terms) != 1:
            raise refusal(_("a rental with either months or days"), found=found)
        if self.kind is LicenceKind.EVALUATION and terms != ["days"]:
            raise refusal(_("an evaluation with days"), found=found)
        if self.kind in (LicenceKind.PERPETUAL, LicenceKind.ENROLMENT) and terms:
            raise refusal(_("no term; this licence runs without one"), found=found)
        return self


class Credential(Strict):
    """One of the codes that a buyer of the product gets (KEY-02)."""

    code: Code
    kind: Literal["product_key", "activation_code", "licence_number"]
    label: Line


class Variant(Strict):
    """[[products.variants]]: what the buyer chooses between (CAT-03, CAT-04)."""

    code: Code
    os: OperatingSystem
    bits: Literal[32, 64] | None = None
    label: Line
    hint: Line | None = None


class Requirement(Strict):
    """[[products.requirements]]: one row of the table, a value for each operating system (CAT-02)."""

    label: Line
    windows: Line | None = None
    mac: Line | None = None
    linux: Line | None = None
    web: Line | None = None
    any: Line | None = None

    @model_validator(mode="after")
    def _has_a_value(self) -> "Requirement":
        if all(getattr(self, system) is None for system in OPERATING_SYSTEMS):
            raise refusal(
                _("a value for at least one of: ${words}", mapping={"words": listed(OPERATING_SYSTEMS)})
            )
        return self


class File(Strict):
    """[[products.files]]: a download. `source` is a path below the incoming folder, or `sha256:<64 digits>`
    for bytes that the content store has already."""

    code: Code
    variant: Code | None = None
    title: Line
    name: FileName
    source: SourcePath
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    meter: Code = "main"


class Document(Strict):
    """[[products.documents]]: a linked document with the languages it exists in (CAT-10, CAT-13)."""

    kind: Literal["guide", "quickstart", "vpat", "readme"]
    title: Line
    url: WebAddress
    languages: Annotated[Many[Language], Field(min_length=1)]


class Offer(Strict):
    """[[products.offers]]: on what terms, and for whom. Empty lists mean everybody."""

    code: Code
    groups: Many[Annotated[str, _reference("groups", _("a group of this store"))]] = ()
    organisations: Many[Annotated[str, _reference("organisations", _("an organisation of this store"))]] = ()
    countries: Many[Country] = ()
    limit: Annotated[int, Field(ge=0, le=1000000)] = 0
    period: Annotated[LimitPeriod, Field(strict=False)] = LimitPeriod.EVER
    free: bool = False
    prices: dict[Currency, DecimalText] = Field(default_factory=dict)
    first_day: date | None = Field(default=None, alias="from")
    last_day: date | None = Field(default=None, alias="until")

    @field_validator("prices", mode="after")
    @classmethod
    def _prices_of_the_store(cls, value: dict[str, Decimal], info: ValidationInfo) -> dict[str, Decimal]:
        known = known_in(info)
        errors = [
            InitErrorDetails(type=error, loc=(currency,), input=str(amount))
            for currency, amount in value.items()
            if (error := _price_error(amount, currency, known)) is not None
        ]
        if errors:
            raise ValidationError.from_exception_data("prices", errors)
        return value

    @model_validator(mode="after")
    def _has_terms(self) -> "Offer":
        if self.free == bool(self.prices):
            raise refusal(
                _("either prices or free = true"), found=_("both") if self.free else _("neither of them")
            )
        if self.first_day and self.last_day and self.last_day < self.first_day:
            raise refusal(
                _("'until' on or after 'from'"), found=f"from {self.first_day} until {self.last_day}"
            )
        return self

    @property
    def amounts(self) -> dict[str, int]:
        """The prices in minor units."""
        return {currency: Money.of(amount, currency).amount for currency, amount in self.prices.items()}


def _price_error(amount: Decimal, currency: str, known: Known | None) -> PydanticCustomError | None:
    if known is not None and currency not in known.currencies:
        words = listed(sorted(known.currencies))
        return refusal(
            _("prices in the store's currencies: ${words}", mapping={"words": words}), found=repr(currency)
        )
    found = f"{currency} {amount}"
    try:
        money = Money.of(amount, currency)
    except BadAmount:
        values = {"currency": currency, "digits": str(digits(currency))}
        if digits(currency):
            return refusal(_("${currency} with at most ${digits} decimals", mapping=values), found=found)
        return refusal(_("${currency} without decimals", mapping=values), found=found)
    if money.amount == 0:
        return refusal(_("a price above zero"), _("write free = true instead of prices"), found=found)
    if money.amount > MOST_UNITS:
        return refusal(_("a price that somebody can pay"), found=found)
    return None


class Product(Strict):
    """[[products]]."""

    slug: Slug
    name: Line
    kind: Annotated[ProductKind, Field(strict=False)] = ProductKind.SOFTWARE
    publisher: Annotated[str, _reference("publishers", _("the slug of a publisher of this file"))]
    category: Annotated[str, _reference("categories", _("the slug of a category of this file"))]
    pattern: Pattern | None = None
    monogram: Monogram
    version: Annotated[str, Field(max_length=60)] = ""
    released: date | None = None
    languages: Many[Language] = ()
    summary: Text
    description: Text
    licence: Licence
    installs: Annotated[int, Field(ge=1, le=1000)] | None = None
    key_asked: Literal["installation", "first_start", "none"] = "none"
    agreement: Annotated[str, _reference("agreements", _("the slug of an agreement of this file"))] | None = (
        None
    )
    trial_of: Annotated[str, _reference("products", _("the slug of a product of this file"))] | None = None
    popularity: Annotated[int, Field(ge=0, le=10**9)] = 0
    credentials: Many[Credential] = ()
    variants: Many[Variant] = ()
    requirements: Many[Requirement] = ()
    files: Many[File] = ()
    documents: Many[Document] = ()
    offers: Many[Offer] = ()


class Catalogue(Strict):
    """The catalogue of one store's file, whole and valid."""

    publishers: Many[Publisher] = ()
    categories: Many[Category] = ()
    agreements: Many[Agreement] = ()
    products: Many[Product] = ()


CATALOGUE_KEYS = frozenset(Catalogue.model_fields)


def declared(data: Mapping[str, Any], known: Known, patterns: frozenset[str]) -> Known:
    """`known` with the slugs that the raw catalogue `data` declares itself."""
    return replace(
        known,
        publishers=texts_of(data, "publishers", "slug"),
        categories=texts_of(data, "categories", "slug"),
        agreements=texts_of(data, "agreements", "slug"),
        products=texts_of(data, "products", "slug"),
        patterns=patterns,
    )


def check_catalogue(data: Mapping[str, Any], known: Known) -> tuple[Catalogue | None, list[Flaw]]:
    """The catalogue in `data`, or all that is wrong with it. `known` comes from `declared`."""
    flaws: list[Flaw] = []
    catalogue: Catalogue | None = None
    try:
        catalogue = Catalogue.model_validate(data, context=known.context)
    except ValidationError as error:
        flaws += flaws_in(error, Catalogue)
    for key in sorted(CATALOGUE_KEYS):
        flaws += _repeated(data.get(key), (key,), "slug")
    products = data.get("products")
    for index, product in enumerate(products if isinstance(products, list) else ()):
        if isinstance(product, dict):
            flaws += _product_flaws(product, ("products", index))
    return (None if flaws else catalogue), flaws


def _repeated(rows: Any, path: tuple[str | int, ...], key: str) -> Iterator[Flaw]:
    for index, part in flaws_of_repetition(rows, key):
        allowed = _("each slug once") if key == "slug" else _("each code once")
        yield Flaw((*path, index, part), repr(rows[index][part]), allowed)


def _tables(value: Any) -> list[tuple[int, dict[str, Any]]]:
    return [
        (i, row) for i, row in enumerate(value if isinstance(value, list) else ()) if isinstance(row, dict)
    ]


def _product_flaws(product: dict[str, Any], path: tuple[str | int, ...]) -> Iterator[Flaw]:
    for key in ("variants", "files", "offers", "credentials"):
        yield from _repeated(product.get(key), (*path, key), "code")
    if product.get("slug") is not None and product.get("trial_of") == product.get("slug"):
        yield Flaw((*path, "trial_of"), repr(product["slug"]), _("another product"))
    codes = texts_of(product, "variants", "code")
    for index, file in _tables(product.get("files")):
        variant = file.get("variant")
        if isinstance(variant, str) and variant not in codes:
            allowed = (
                _("a variant of this product: ${words}", mapping={"words": listed(sorted(codes))})
                if codes
                else _("no variant; this product has none")
            )
            yield Flaw((*path, "files", index, "variant"), repr(variant), allowed, nearest(variant, codes))
    systems = texts_of(product, "variants", "os") & set(OPERATING_SYSTEMS)
    for index, row in _tables(product.get("requirements")):
        for system in OPERATING_SYSTEMS:
            if systems and system in row and system not in systems:
                yield Flaw(
                    (*path, "requirements", index, system),
                    _("the key '${key}'", mapping={"key": system}),
                    _(
                        "an operating system of this product's variants: ${words}",
                        mapping={"words": listed(sorted(systems))},
                    ),
                )
