"""What you get: licence, installations, delivery, access, documents, as names and values of the product page."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from platform_core.catalog.access import access_if_ordered
from platform_core.catalog.models import LicenceKind
from platform_core.catalog.pricing import Quote
from platform_core.catalog.shelf import Product
from platform_core.catalog.speech import Speech
from platform_core.eligibility.words import last_day
from platform_core.plugin_api.types import Words
from platform_core.web.formats import day_text
from platform_core.web.i18n import _


@dataclass(frozen=True, slots=True)
class Link:
    """A link with what stands behind it, such as "(in English only)"."""

    label: str
    url: str
    note: str = ""
    language: str = ""


def facts(request: Any, quote: Quote, speech: Speech) -> Iterable[tuple[Words, str | tuple[Link, ...]]]:
    """Each row: its name, and words or links."""
    product = quote.product
    yield _("Licence"), _licence(request, product, speech)
    if product.installs:
        text = speech.ngettext(
            "On ${n} computer of your own", "On ${n} computers of your own", product.installs
        )
        yield _("Installations"), text
    yield _("Delivery"), _delivery(product, speech)
    if product.key_asked == "installation":
        yield _("Key asked for"), speech.say(_("At installation"))
    elif product.key_asked == "first_start":
        yield _("Key asked for"), speech.say(_("When the program starts for the first time"))
    yield _("Reachable"), _reachable(request, quote, speech)
    if product.agreement:
        values = {"title": speech.text(product.agreement.title), "version": product.agreement.version}
        text = speech.say(
            _("${title}, version ${version}; you read and accept it at check-out", mapping=values)
        )
        yield _("Licence agreement"), text
    if product.released:
        values = {"version": product.version, "day": day_text(product.released, speech.locale)}
        yield _("Version"), speech.say(_("${version}, of ${day}", mapping=values))
    documents = tuple(_documents(request, product, speech, report=False))
    if documents:
        yield _("Documents"), documents
    reports = tuple(_documents(request, product, speech, report=True))
    if reports:
        yield _("Accessibility"), reports
    if product.publisher.support_url:
        values = {"publisher": speech.text(product.publisher.name)}
        yield (
            _("Support"),
            (Link(speech.say(_("${publisher} support", mapping=values)), product.publisher.support_url),),
        )


def _licence(request: Any, product: Product, speech: Speech) -> str:
    licence = product.licence
    if licence.kind is LicenceKind.PERPETUAL:
        if not product.version:
            return speech.say(_("For good"))
        return speech.say(_("For good, for version ${version}", mapping={"version": product.version}))
    if licence.kind is LicenceKind.ENROLMENT:
        store = request.store.name(speech.locale)
        return speech.say(_("While you study, teach or work at ${store}", mapping={"store": store}))
    if licence.months:
        return speech.ngettext(
            "${n} month from the day of your order. It ends by itself; nothing is charged again.",
            "${n} months from the day of your order. It ends by itself; nothing is charged again.",
            licence.months,
        )
    if licence.kind is LicenceKind.EVALUATION:
        return speech.ngettext(
            "${n} day to try it, from the day of your order",
            "${n} days to try it, from the day of your order",
            licence.days or 0,
        )
    return speech.ngettext(
        "${n} day from the day of your order. It ends by itself; nothing is charged again.",
        "${n} days from the day of your order. It ends by itself; nothing is charged again.",
        licence.days or 0,
    )


def _delivery(product: Product, speech: Speech) -> str:
    keys = [speech.text(credential.label) for credential in product.credentials]
    download = [speech.say(_("download") if keys else _("The download"))] if product.files else []
    if product.dry and keys:
        values = {"keys": speech.listed(keys)}
        if download:
            return speech.say(_("Download at once. Comes later: ${keys}.", mapping=values))
        return speech.say(_("Comes later: ${keys}.", mapping=values))
    return speech.say(_("At once: ${things}", mapping={"things": speech.listed([*keys, *download])}))


def _reachable(request: Any, quote: Quote, speech: Speech) -> str:
    store = request.store
    now: datetime = store.clock.now()
    end = access_if_ordered(store, quote.product, free=quote.free, now=now)
    if end is None:
        return speech.say(_("Key and download without end, in Your Account/Orders"))
    day = day_text(last_day(end, store.zone), speech.locale)
    return speech.say(_("Key and download until ${day} if you order today", mapping={"day": day}))


def _documents(request: Any, product: Product, speech: Speech, *, report: bool) -> Iterable[Link]:
    for document in product.documents:
        if (document.kind == "vpat") is not report:
            continue
        note = ""
        if len(document.languages) == 1:
            values = {"language": speech.language(document.languages[0])}
            note = speech.say(_("in ${language} only", mapping=values))
        elif speech.locale not in document.languages:
            values = {"languages": speech.listed(speech.language(code) for code in document.languages)}
            note = speech.say(_("in ${languages}", mapping=values))
        language = speech.locale if speech.locale in document.languages else document.languages[0]
        yield Link(speech.text(document.title), document.url, note, language)
