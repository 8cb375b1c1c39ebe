"""Names of a store's groups, organisations and countries in one language, alone and in a list."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from babel import Locale
from babel.core import UnknownLocaleError
from babel.lists import format_list

from platform_core.tenancy.store import Store

# "a, b and c": the lists of British English do without the comma before "and".
_LIST_LOCALE = {"en": "en_GB"}


Style = Literal["standard", "or"]
MOST_LISTS = 4096


class Names:
    """Kept once per revision and language, with every list that has been asked for (they are few)."""

    def __init__(self, store: Store, locale: str) -> None:
        self.locale = locale
        self.store = store.name(locale)
        languages = store.languages
        self._groups = {group.code: group.name.get(locale, languages) for group in store.config.groups}
        self._one = {
            group.code: group.one.get(locale, languages) for group in store.config.groups if group.one
        }
        self._organisations = {o.code: o.name.get(locale, languages) for o in store.config.organisations}
        self._country = store.config.store.country
        self._lists: dict[tuple[str, str, tuple[str, ...]], str] = {}

    @property
    def all_groups(self) -> tuple[str, ...]:
        """Codes of all groups, in the store's order."""
        return tuple(self._groups)

    @property
    def all_organisations(self) -> tuple[str, ...]:
        """Codes of all organisations, in the store's order."""
        return tuple(self._organisations)

    def _join(self, kind: str, style: Style, codes: Sequence[str], names: Iterable[str]) -> str:
        key = (kind, style, tuple(codes))
        if key not in self._lists:
            if len(self._lists) >= MOST_LISTS:
                self._lists.clear()
            locale = _LIST_LOCALE.get(self.locale, self.locale)
            self._lists[key] = format_list(list(names), style=style, locale=locale)
        return self._lists[key]

    def groups(self, codes: Iterable[str], style: Style = "standard") -> str:
        """Names of groups, such as "Students and Faculty"; `style` "or" for alternatives."""
        ordered = _in_order(codes, self._groups)
        return self._join("groups", style, ordered, (self._groups.get(code, code) for code in ordered))

    def people(self, codes: Iterable[str], style: Style = "standard") -> str:
        """Single persons of groups, as after "you are": "a student and a staff member", "étudiant"."""
        ordered = _in_order(codes, self._groups)
        return self._join("people", style, ordered, (self._person(code) for code in ordered))

    def _person(self, code: str) -> str:
        one = self._one.get(code)
        if one is None:
            return self._groups.get(code, code)
        if self.locale.split("_")[0] == "en":  # the only language here that wants an article in that place
            return f"{'an' if one[:1].lower() in 'aeiou' else 'a'} {one}"
        return one

    def organisations(self, codes: Iterable[str], style: Style = "standard") -> str:
        """Names of organisations."""
        ordered = _in_order(codes, self._organisations)
        return self._join("organisations", style, ordered, (self._organisations.get(c, c) for c in ordered))

    def countries(self, codes: Iterable[str], style: Style = "standard") -> str:
        """Names of countries by CLDR, the store's own first."""
        ordered = tuple(sorted(set(codes), key=lambda code: (code != self._country, code)))
        territories: Mapping[str, str] = {}
        try:
            territories = Locale.parse(self.locale).territories
        except (UnknownLocaleError, ValueError):  # a language that CLDR does not know
            pass
        return self._join("countries", style, ordered, (str(territories.get(code, code)) for code in ordered))


def _in_order(codes: Iterable[str], known: Iterable[str]) -> tuple[str, ...]:
    wanted = set(codes)
    listed = [code for code in known if code in wanted]
    return (*listed, *sorted(wanted.difference(listed)))


def names(store: Store, locale: str | None = None) -> Names:
    """The names of `store` in `locale`, or in the store's first language."""
    language = locale or store.languages[0]
    return store.once(f"eligibility.names.{language}", lambda s: Names(s, language))
