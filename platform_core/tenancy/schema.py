"""The configuration part of a store file: everything but its catalogue.

`StoreConfig.model_validate(data, context=known.context)` checks a parsed file; without a context it loads the
document that a revision holds (`StoreConfig.document`). Defaults stand here and nowhere else.
"""

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from platform_core.tenancy.fields import (
    Code,
    Colour,
    Country,
    Currency,
    DecimalText,
    Email,
    Language,
    Line,
    Many,
    Network,
    ShortText,
    Slug,
    Strict,
    Text,
    TimeZone,
    known_in,
    refusal,
)
from platform_core.web.i18n import _

RESERVED_SLUGS = frozenset({"www", "mail", "localhost"})
"""Names under the base domain that are no store's."""


def _store_slug(value: str) -> str:
    if value in RESERVED_SLUGS:
        raise refusal(_("a name that the platform does not need itself"))
    return value


def _logo(value: str) -> str:
    stem, _dot, suffix = value.rpartition(".")
    if stem and suffix == "svg" and stem.replace("-", "").replace("_", "").replace(".", "").isalnum():
        if stem.isascii() and not stem.startswith("."):
            return value
    raise refusal(_("the name of an SVG file beside the store file, such as northfield.svg"))


def _all_different(values: tuple[str, ...]) -> tuple[str, ...]:
    for index, value in enumerate(values):
        if value in values[:index]:
            raise refusal(_("each value once"), found=repr(value))
    return values


class StoreInfo(Strict):
    """[store]: who the store is and what it speaks, takes and lives by (TEN-01, TEN-02, TEN-06, PAY-06)."""

    slug: Annotated[Slug, AfterValidator(_store_slug)]
    name: Line
    tagline: Line = Text({"en": "Software store", "fr": "Boutique de logiciels"})
    kind: Literal["institution", "programme", "central"] = "institution"
    languages: Annotated[Many[Language], Field(min_length=1), AfterValidator(_all_different)]
    currencies: Annotated[Many[Currency], Field(min_length=1), AfterValidator(_all_different)]
    country: Country
    time_zone: TimeZone

    @property
    def language(self) -> str:
        """The default language."""
        return self.languages[0]

    @property
    def currency(self) -> str:
        """The default currency."""
        return self.currencies[0]


class Brand(Strict):
    """[brand]: the tokens that the theme is worked out from. `radius` is in CSS pixels."""

    colour: Colour = "#24507a"
    accent: Colour = "#d99a1c"
    font: Literal["system", "humanist", "serif", "rounded"] = "system"
    radius: Annotated[int, Field(ge=0, le=24)] = 8
    logo: Annotated[str, AfterValidator(_logo)] | None = None
    logo_svg: str | None = None
    """The logo itself; apply writes it into the published document, a file never holds it."""

    @field_validator("logo_svg", mode="after")
    @classmethod
    def _not_from_a_file(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and known_in(info) is not None:
            raise refusal(
                _("no such key in a file"), _("name the logo's file under 'logo'"), found=_("a picture")
            )
        return value


class Distributor(Strict):
    """[distributor]: who sells, where that is not the institution (CAT-12); `statement` is the bank's line."""

    name: Annotated[str, Field(min_length=1, max_length=120)]
    place: Annotated[str, Field(max_length=120)] = ""
    statement: Annotated[str, Field(max_length=22)] = ""


class TaxRate(Strict):
    """One tax: `rate` in percent, for buyers in `country` (None: everywhere)."""

    code: Annotated[str, Field(min_length=1, max_length=20)]
    label: Line
    rate: Annotated[DecimalText, Field(ge=0, le=100)]
    country: Country | None = None


class Tax(Strict):
    """[tax]: whether the file's prices contain the tax, and the rates."""

    included: bool = True
    rates: Many[TaxRate] = ()


class Access(Strict):
    """[access]: how long an order's keys and files can be had. Neither = without end."""

    months: Annotated[int, Field(ge=1, le=1200)] | None = None
    days: Annotated[int, Field(ge=1, le=36500)] | None = None

    @model_validator(mode="after")
    def _one_unit(self) -> "Access":
        if self.months is not None and self.days is not None:
            raise refusal(_("either months or days"), _("remove one of the two"), found=_("both"))
        return self


class Downloads(Strict):
    """[downloads]: how often each file of an order may be fetched to its end (DLD-02)."""

    per_item: Annotated[int, Field(ge=1, le=1000)] = 2


class Sessions(Strict):
    """[sessions]: when a person is signed out, by wall time."""

    idle_minutes: Annotated[int, Field(ge=5, le=10080)] = 120
    absolute_hours: Annotated[int, Field(ge=1, le=720)] = 24


class Limits(Strict):
    """[limits]: tries to sign in within 15 minutes. `campus_networks` share an address and count by account."""

    sign_in_per_account: Annotated[int, Field(ge=1, le=10000)] = 10
    sign_in_per_address: Annotated[int, Field(ge=1, le=1000000)] = 60
    campus_networks: Many[Network] = ()


class Group(Strict):
    """[[groups]]: a kind of user (ELG-01); `one` names a single person of it."""

    code: Code
    name: Line
    one: Line | None = None


class Organisation(Strict):
    """[[organisations]]: a faculty, school or department."""

    code: Code
    name: Line


class Texts(Strict):
    """[texts]: the store's own words at named places, Markdown without HTML."""

    welcome: Text | None = None
    who_may_buy: Text | None = None
    downloads: Text | None = None
    accessibility: Text | None = None
    terms: Text | None = None
    privacy: Text | None = None
    licence_terms: Text | None = None
    contact: Text | None = None


class Support(Strict):
    """[support]: where people's questions go."""

    email: Email | None = None
    hours: ShortText | None = None


def _switch(value: dict[str, Any]) -> dict[str, Any]:
    if isinstance(value.get("enabled"), bool):
        return value
    found = repr(value["enabled"]) if "enabled" in value else _("no key 'enabled'")
    raise refusal(_("enabled = true or enabled = false, and the plugin's settings"), found=found)


class StoreConfig(Strict):
    """The configuration of one store, whole and valid."""

    format: Literal[1] = 1
    store: StoreInfo
    brand: Brand = Brand()
    distributor: Distributor
    tax: Tax = Tax()
    access: Access = Access()
    downloads: Downloads = Downloads()
    sessions: Sessions = Sessions()
    limits: Limits = Limits()
    groups: Many[Group] = ()
    organisations: Many[Organisation] = ()
    plugins: dict[str, Annotated[dict[str, Any], AfterValidator(_switch)]] = Field(default_factory=dict)
    """By plugin: `enabled`, and the plugin's own settings, which its schema checks."""
    texts: Texts = Texts()
    support: Support = Support()

    def document(self) -> dict[str, Any]:
        """The JSON document that a revision publishes; `StoreConfig.model_validate` reads it back."""
        return self.model_dump(mode="json", exclude_none=True)


CONFIG_KEYS = frozenset(StoreConfig.model_fields)
"""Top-level keys of a store file that are configuration; the others belong to the catalogue."""
