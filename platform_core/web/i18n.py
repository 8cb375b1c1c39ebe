"""Languages: one gettext domain for the core and all plugins, English as the message itself."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from babel.core import Locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from pyramid.i18n import TranslationStringFactory

DOMAIN = "webstore"
_ = TranslationStringFactory(DOMAIN)
LANGUAGE_COOKIE = "lang"
LANGUAGE_PARAMETER = "lang"


def normal_language(tag: str) -> str:
    """`fr-CA` and `fr_ca` are `fr_CA`: gettext falls back from that to `fr`, from a hyphen to English."""
    language, _sep, region = tag.replace("-", "_").partition("_")
    return f"{language.lower()}_{region.upper()}" if region else language.lower()


def negotiate(request: Any) -> str:
    """The language of a page: what the reader chose (a cookie), else the store's own (TEN-06)."""
    offered: Sequence[str] = getattr(request, "offered_languages", ("en", "fr"))
    chosen = normal_language(request.cookies.get(LANGUAGE_COOKIE, ""))
    return chosen if chosen in offered else offered[0]


def pick_text(texts: Mapping[str, str] | str | None, locale: str, fallback: Sequence[str] = ()) -> str:
    """A localised text in `locale`, else in the first of `fallback` that it has, else in any; "" for none."""
    if not texts:
        return ""
    if isinstance(texts, str):
        return texts
    for language in (locale, locale.partition("_")[0], "", *fallback):
        if language in texts:
            return texts[language]
    return next(iter(texts.values()))


def own_name(language: str) -> str:
    """What a language calls itself: English, français."""
    name = Locale.parse(language).get_display_name(language) or language
    return name[:1].upper() + name[1:]


def compile_catalogues(folder: Path) -> list[Path]:
    """Compile each `.po` below `folder` whose `.mo` is missing or older; answers what was written.

    Where nothing can be written (a read-only installation) the `.mo` of the build stays as it is.
    """
    written = []
    for source in sorted(folder.glob("*/LC_MESSAGES/*.po")):
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime_ns >= source.stat().st_mtime_ns:
            continue
        part = target.with_suffix(f".{os.getpid()}.part")  # several processes may start at once
        try:
            with part.open("wb") as compiled, source.open("rb") as text:
                write_mo(compiled, read_po(text, locale=source.parent.parent.name, domain=DOMAIN))
            part.replace(target)
        except OSError:
            continue
        written.append(target)
    return written
