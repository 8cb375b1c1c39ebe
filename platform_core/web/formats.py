"""How values read on a page: money, dates, sizes, texts and Markdown. Registered as template filters."""

from collections.abc import Callable
from datetime import date, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal
from jinja2 import pass_context
from jinja2.runtime import Context
from markdown_it import MarkdownIt
from markupsafe import Markup
from translationstring import TranslationString

from platform_core.money import Money, format_money
from platform_core.web.i18n import pick_text

NBSP = "\u00a0"
_markdown = MarkdownIt("commonmark", {"html": False}).disable(["image", "html_block", "html_inline"])
_DAY = {"en": "d MMMM y", "fr": "d MMMM y"}
_SHORT = {"en": "d MMM y", "fr": "d MMM y"}


def day_text(day: date, locale: str, *, short: bool = False) -> str:
    """A date in full, such as 28 November 2026, with its number never broken from its month."""
    return _day_text(day, locale, short)


@lru_cache(4096)  # a list names the same few days again and again
def _day_text(day: date, locale: str, short: bool) -> str:
    patterns = _SHORT if short else _DAY
    language = locale.partition("_")[0]
    text = format_date(day, patterns.get(language, "long"), locale=locale)
    if language == "fr" and day.day == 1:  # CLDR has no ordinal here, but French writes and says one
        text = text.replace("1", "1er", 1)
    return text.replace(" ", NBSP, 1)


def moment_text(moment: datetime, zone: str, locale: str) -> str:
    """A moment in a time zone, to the minute."""
    local = moment.astimezone(ZoneInfo(zone))
    joiner = {"fr": " à "}.get(locale.partition("_")[0], ", ")
    return day_text(local.date(), locale) + joiner + format_datetime(local, "HH:mm", locale=locale)


def size_text(size: int, locale: str) -> str:
    """Bytes in the unit that fits, decimal as on a box: 1.9 GB, 1,9 Go."""
    french = locale.startswith("fr")
    for power, unit in (
        (9, "Go" if french else "GB"),
        (6, "Mo" if french else "MB"),
        (3, "ko" if french else "kB"),
    ):
        if size >= 10**power:
            amount = size / 10**power
            pattern = "#,##0.#" if amount < 100 else "#,##0"
            return format_decimal(amount, format=pattern, locale=locale) + NBSP + unit
    unit = "octet" if french else "byte"
    return f"{size}{NBSP}{unit}{'' if size == 1 else 's'}"


def markdown(text: str) -> Markup:
    """Markdown without HTML and without pictures, as safe HTML."""
    return Markup(_markdown.render(text))  # noqa: S704  (the parser escapes all HTML)


def _with_request(make: Callable[..., Any]) -> Callable[..., Any]:
    @pass_context
    def filter_(context: Context, value: Any, *args: Any, **kw: Any) -> Any:
        return "" if value is None else make(context["request"], value, *args, **kw)

    return filter_


def _money(request: Any, value: Money) -> str:
    return format_money(value, request.locale_name)


def _date(request: Any, value: date | datetime, short: bool = False) -> str:
    if isinstance(value, datetime):
        value = value.astimezone(ZoneInfo(request.store.zone)).date()
    return day_text(value, request.locale_name, short=short)


def _datetime(request: Any, value: datetime) -> str:
    return moment_text(value, request.store.zone, request.locale_name)


def _size(request: Any, value: int) -> str:
    return size_text(value, request.locale_name)


def _text(request: Any, value: Any) -> str:
    texts = getattr(value, "root", value)
    return pick_text(texts, request.locale_name, getattr(request, "offered_languages", ()))


def say_words(request: Any, words: Any) -> str:
    """A lazily translated text in the reader's language; dates, money and sizes among its values read as such."""
    mapping = getattr(words, "mapping", None)
    if mapping:
        values = {name: _value_text(request, value) for name, value in mapping.items()}
        words = TranslationString(words, domain=words.domain, default=words.default, mapping=values)
    return str(request.localizer.translate(words)) if words else ""


def _value_text(request: Any, value: Any) -> str:
    if isinstance(value, Money):
        return _money(request, value)
    if isinstance(value, datetime | date):
        return _date(request, value)
    if isinstance(value, TranslationString):
        return say_words(request, value)
    return str(value)


FILTERS: dict[str, Callable[..., Any]] = {
    "money": _with_request(_money),
    "date": _with_request(_date),
    "datetime": _with_request(_datetime),
    "filesize": _with_request(_size),
    "text": _with_request(_text),
    "say": _with_request(say_words),
    "markdown": markdown,
}
