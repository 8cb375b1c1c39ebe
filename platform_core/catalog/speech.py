"""Words about products that several pages use: terms of a licence, systems, prices' "for whom"."""

from collections.abc import Iterable
from typing import Any

from babel import Locale
from babel.core import UnknownLocaleError
from babel.lists import format_list

from platform_core.catalog.models import LicenceKind, ProductKind
from platform_core.catalog.shelf import SYSTEMS, Licence, Product, Texts
from platform_core.plugin_api.types import Words
from platform_core.web.i18n import DOMAIN, _, pick_text

SYSTEM_NAMES: dict[str, Words] = {
    "windows": "Windows",
    "mac": "Mac",
    "linux": "Linux",
    "web": _("In the browser"),
    "any": _("Any device"),
}


class Speech:
    """The language of one request: translates, picks texts and counts."""

    def __init__(self, request: Any) -> None:
        self.locale: str = request.locale_name
        self._localizer = request.localizer
        self._languages: tuple[str, ...] = request.store.languages

    def say(self, words: Words) -> str:
        """A text marked for translation, in the reader's language."""
        return str(self._localizer.translate(words))

    def text(self, texts: Texts | None) -> str:
        """A text of the store in the reader's language."""
        return pick_text(texts, self.locale, self._languages)

    def ngettext(self, one: str, many: str, n: int, **values: str) -> str:
        """`one` or `many`, as the language counts; `${n}` is the number."""
        mapping = {"n": str(n), **values}
        return str(self._localizer.pluralize(one, many, n, domain=DOMAIN, mapping=mapping))

    def listed(self, things: Iterable[str]) -> str:
        """ "a, b and c"."""
        return format_list(list(things), locale="en_GB" if self.locale == "en" else self.locale)

    def language(self, code: str) -> str:
        """What a language is called in the reader's."""
        try:
            return Locale.parse(code).get_display_name(self.locale) or code
        except (UnknownLocaleError, ValueError):
            return code

    def systems(self, product: Product) -> str:
        """ "Windows, Mac", "E-book", or nothing."""
        if product.kind is ProductKind.EBOOK:
            return self.say(_("E-book"))
        return ", ".join(self.say(SYSTEM_NAMES[system]) for system in product.systems)

    def term(self, licence: Licence) -> str:
        """How long the licence runs, in a few words (CAT-05)."""
        if licence.kind is LicenceKind.PERPETUAL:
            return self.say(_("For good"))
        if licence.kind is LicenceKind.ENROLMENT:
            return self.say(_("While you study"))
        if licence.months:
            return self.ngettext("${n} month", "${n} months", licence.months)
        return self.ngettext("${n} day", "${n} days", licence.days or 0)


def term_code(licence: Licence) -> str:
    """The term as a filter's value: perpetual, enrolment, 12-months, 30-days."""
    if licence.months:
        return f"{licence.months}-months"
    return f"{licence.days}-days" if licence.days else licence.kind.value


def term_order(licence: Licence) -> tuple[int, int]:
    """Longest first."""
    kinds = {LicenceKind.PERPETUAL: 0, LicenceKind.ENROLMENT: 1}
    return kinds.get(licence.kind, 2), -(licence.months or 0) * 31 - (licence.days or 0)


def system_order(system: str) -> int:
    """Windows first."""
    return SYSTEMS.index(system)
