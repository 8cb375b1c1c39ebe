"""The value types of a store file, and how one of them refuses what it finds.

Every type checks its own shape. What depends on the rest of the file (the store's languages, its groups, a
publisher's slug) is checked against `Known`, which the reader of a file passes as pydantic's context; without
it (a document that comes back from the database) only shapes are checked.
"""

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from difflib import get_close_matches
from functools import lru_cache
from ipaddress import ip_network
from typing import Annotated, Any, TypeVar
from zoneinfo import available_timezones

from babel.core import Locale, UnknownLocaleError, get_global
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    RootModel,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticCustomError

from platform_core.web.i18n import _, pick_text

EVERY_LANGUAGE = ""
OPERATING_SYSTEMS = ("windows", "mac", "linux", "web", "any")
_SLUG = re.compile(r"[a-z][a-z0-9-]{1,62}")
_CODE = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_COLOUR = re.compile(r"#[0-9a-f]{6}", re.IGNORECASE)
_LANGUAGE = re.compile(r"[a-z]{2,3}(_[A-Z]{2})?")
_DECIMAL = re.compile(r"[0-9]{1,12}(\.[0-9]{1,6})?")
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+")
_ADDRESS = re.compile(r"https?://[^\s/?#@]+[^\s]*")
_NO_COUNTRY = frozenset(
    {"AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "XK", "ZZ"}
)
"""Codes of CLDR that are groups, reserved or made up."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the rest of a store's file declares; each value type looks up its own part.

    `plugins` maps the installed plugins to the models of their settings (None = no settings); None instead of
    a mapping means that plugin names are not checked.
    """

    slug: str = ""
    languages: tuple[str, ...] = ()
    currencies: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    organisations: frozenset[str] = frozenset()
    publishers: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()
    agreements: frozenset[str] = frozenset()
    products: frozenset[str] = frozenset()
    patterns: frozenset[str] = frozenset()
    plugins: Mapping[str, type[BaseModel] | None] | None = field(default=None, hash=False)

    @property
    def context(self) -> dict[str, "Known"]:
        """What `model_validate(…, context=…)` takes."""
        return {"known": self}


def known_in(info: ValidationInfo) -> Known | None:
    """The surroundings that the caller passed, if any."""
    return (info.context or {}).get("known")


def refusal(allowed: str, hint: str = "", *, found: str | None = None) -> PydanticCustomError:
    """The error of a value that is not allowed.

    `allowed` and `hint` are translatable; `found` replaces the value itself where that must not be shown.
    """
    context = {"allowed": allowed, "hint": hint} | ({} if found is None else {"found": found})
    return PydanticCustomError("not_allowed", "allowed: {allowed}", context)


def nearest(word: object, words: Collection[str]) -> str:
    """A hint that names the most similar of `words`, or nothing."""
    match = get_close_matches(str(word), sorted(words), 1, 0.6)
    return _("did you mean '${word}'?", mapping={"word": match[0]}) if match else ""


def listed(words: Collection[str], most: int = 12) -> str:
    """`words` in a row for a message, cut off after `most`."""
    names = list(words)[:most]
    return ", ".join(names) + (", …" if len(words) > most else "")


def one_of(value: str, words: Collection[str], kind: str) -> str:
    """`value` if it is among `words`; `kind` says (translatably) what they are."""
    if value in words:
        return value
    if not words:
        raise refusal(_("${kind}; there is none", mapping={"kind": kind}), _("declare it first"))
    raise refusal(
        _("${kind}: ${words}", mapping={"kind": kind, "words": listed(words)}), nearest(value, words)
    )


# --- localised texts -------------------------------------------------------------------------------------------


def plain_flaw(text: str) -> str | None:
    """What keeps `text` from being shown: a translatable reason, or None. Line ends and tabs are fine."""
    for character in text:
        if unicodedata.category(character) in ("Cc", "Cs") and character not in "\n\r\t":
            return _("text without control characters")
    return None


class Text(RootModel[dict[str, str]]):
    """A text in the store's languages (TEN-06): `{en = "…", fr = "…"}`, or one text for all of them.

    The root maps language codes to texts; the key "" stands for every language.
    """

    model_config = ConfigDict(strict=True, frozen=True)

    @field_validator("root", mode="before")
    @classmethod
    def _from_plain(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {EVERY_LANGUAGE: value}
        if isinstance(value, dict):
            return {
                key.replace("-", "_") if isinstance(key, str) else key: text for key, text in value.items()
            }
        return value

    @field_validator("root", mode="after")
    @classmethod
    def _complete(cls, value: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        if not value:
            raise refusal(_("a text, or one for each language of the store"))
        for language, text in value.items():
            if language != EVERY_LANGUAGE and not is_language(language):
                raise refusal(
                    _('texts by language code, such as { en = "…", fr = "…" }'), found=repr(language)
                )
            if not text.strip():
                raise refusal(_("a text that is not empty"), found=repr(text))
            if flaw := plain_flaw(text):
                raise refusal(flaw)
        known = known_in(info)
        if known is not None and EVERY_LANGUAGE not in value:
            missing = [language for language in known.languages if language not in value]
            if missing:
                raise refusal(
                    _(
                        "one text for each language of the store: ${words}",
                        mapping={"words": listed(known.languages)},
                    ),
                    _("add ${words}, or write one plain text for all", mapping={"words": listed(missing)}),
                    found=_("only ${words}", mapping={"words": listed(sorted(value))}),
                )
        return value

    def get(self, locale: str, fallback_languages: Sequence[str] = ()) -> str:
        """The text for `locale` ("fr_CA" and "fr-CA" find "fr"), else the first of `fallback_languages`,
        else any."""
        return pick_text(self.root, locale.replace("-", "_"), fallback_languages)


def _single_line(value: Text, most: int) -> Text:
    for text in value.root.values():
        if "\n" in text or "\r" in text:
            raise refusal(_("a text on one line"), found=repr(text[:60]))
        if len(text) > most:
            raise refusal(
                _("at most ${most} characters", mapping={"most": str(most)}),
                found=_("${length} characters", mapping={"length": str(len(text))}),
            )
    return value


Line = Annotated[Text, AfterValidator(lambda value: _single_line(value, 300))]
ShortText = Annotated[Text, AfterValidator(lambda value: _single_line(value, 600))]


# --- lists -----------------------------------------------------------------------------------------------------

Item = TypeVar("Item")
Many = Annotated[tuple[Item, ...], Field(strict=False)]
"""A list, kept as a tuple."""


def flaws_of_repetition(rows: Any, *keys: str) -> Iterator[tuple[int, str]]:
    """Index and key of each table in the raw list `rows` whose values under `keys` stood there before."""
    seen: set[tuple[Any, ...]] = set()
    for index, row in enumerate(rows if isinstance(rows, list) else ()):
        if not isinstance(row, dict) or not all(isinstance(row.get(key), str) for key in keys):
            continue
        value = tuple(row[key] for key in keys)
        if value in seen:
            yield index, keys[0]
        seen.add(value)


# --- codes -----------------------------------------------------------------------------------------------------


def is_slug(value: str) -> bool:
    """Two to 63 small letters, digits and hyphens, as a DNS label has them, beginning with a letter."""
    return bool(_SLUG.fullmatch(value)) and not value.endswith("-")


def _slug(value: str) -> str:
    if is_slug(value):
        return value
    raise refusal(
        _("2 to 63 small letters, digits and hyphens, beginning with a letter, such as stat-workbench")
    )


def _code(value: str) -> str:
    if _CODE.fullmatch(value):
        return value
    raise refusal(_("1 to 63 small letters, digits, hyphens and underscores, such as win64"))


@lru_cache(maxsize=1)
def current_currencies() -> frozenset[str]:
    """ISO 4217 codes that are legal tender somewhere today (CLDR)."""
    histories: Mapping[str, Sequence[Any]] = get_global("territory_currencies")
    return frozenset(
        code
        for entries in histories.values()
        for code, _start, end, tender in entries
        if tender and end is None
    )


def _currency(value: str) -> str:
    if value in current_currencies():
        return value
    match = get_close_matches(value.upper(), sorted(current_currencies()), 1, 0.5)
    raise refusal(
        _("an ISO 4217 currency such as ${example}", mapping={"example": match[0] if match else "CAD"})
    )


@lru_cache(maxsize=1)
def countries() -> frozenset[str]:
    """ISO 3166-1 alpha-2 codes (CLDR's territories without its groups and reserved codes)."""
    names = [str(code) for code in Locale("en").territories]
    return frozenset(code for code in names if len(code) == 2 and code.isalpha()) - _NO_COUNTRY


def _country(value: str) -> str:
    if value in countries():
        return value
    raise refusal(
        _("an ISO 3166-1 country code of two capital letters such as CA"), nearest(value.upper(), countries())
    )


@lru_cache(maxsize=1024)
def is_language(code: str) -> bool:
    """Does CLDR know a locale of this code, such as `en` or `fr_CA`?"""
    if not _LANGUAGE.fullmatch(code):
        return False
    try:
        Locale.parse(code)
    except UnknownLocaleError:
        return False
    return True


def _language(value: str) -> str:
    code = value.replace("-", "_")
    if is_language(code):
        return code
    raise refusal(_("a language code such as en, fr or ja"))


@lru_cache(maxsize=1)
def time_zones() -> frozenset[str]:
    """The names of the IANA time zone database of this machine."""
    return frozenset(available_timezones())


def _time_zone(value: str) -> str:
    if value in time_zones():
        return value
    raise refusal(
        _("a name of the IANA time zone database such as America/Toronto"), nearest(value, time_zones())
    )


def _colour(value: str) -> str:
    if _COLOUR.fullmatch(value):
        return value.lower()
    raise refusal(_("a colour as # and six hexadecimal digits, such as #17503a"))


def _decimal(value: Any) -> Any:
    if isinstance(value, float):
        raise refusal(
            _('a number in quotes, such as "49.00"'), _("put it in quotes, so that no digit is lost")
        )
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if isinstance(value, Decimal):
        value = format(value, "f")
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        return Decimal(value)
    raise refusal(_('a number in quotes, such as "49.00"'))


def _network(value: str) -> str:
    try:
        return str(ip_network(value))
    except ValueError as error:
        raise refusal(_("a network such as 192.0.2.0/24 or 2001:db8::/32")) from error


def _email(value: str) -> str:
    if _EMAIL.fullmatch(value) and len(value) <= 254:
        return value
    raise refusal(_("an e-mail address such as help@example.org"))


def _web_address(value: str) -> str:
    if _ADDRESS.fullmatch(value) and len(value) <= 2000:
        return value
    raise refusal(_("a web address that begins with https:// or http://"))


def _source(value: str) -> str:
    parts = value.split("/")
    if value and not value.startswith("/") and "\\" not in value and not plain_flaw(value):
        if all(part not in ("", ".", "..") for part in parts):
            return value
    raise refusal(_("a path below the data directory's incoming folder, such as northfield/setup.exe"))


def _file_name(value: str) -> str:
    if (
        0 < len(value.encode()) <= 255
        and value not in (".", "..")
        and not set(value) & set('/\\\n\r\t"<>:|?*')
    ):
        if not plain_flaw(value):
            return value
    raise refusal(_("a file name without a folder, such as setup-11.2.exe"))


Slug = Annotated[str, AfterValidator(_slug)]
Code = Annotated[str, AfterValidator(_code)]
Currency = Annotated[str, AfterValidator(_currency)]
Country = Annotated[str, AfterValidator(_country)]
Language = Annotated[str, AfterValidator(_language)]
TimeZone = Annotated[str, AfterValidator(_time_zone)]
Colour = Annotated[str, AfterValidator(_colour)]
Network = Annotated[str, AfterValidator(_network)]
Email = Annotated[str, AfterValidator(_email)]
WebAddress = Annotated[str, AfterValidator(_web_address)]
SourcePath = Annotated[str, AfterValidator(_source)]
FileName = Annotated[str, AfterValidator(_file_name)]
DecimalText = Annotated[Decimal, BeforeValidator(_decimal)]
"""An exact number: a text in quotes or a whole number, never a TOML float."""


class Strict(BaseModel):
    """Base of every table of a store file: no key too many, no silent conversion, frozen."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, populate_by_name=True)
