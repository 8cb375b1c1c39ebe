"""What every page of a store stands in: language, currency, brand, links that exist, one-time notes."""

import hashlib
import json
from typing import Any
from urllib.parse import urlencode

from pyramid.httpexceptions import HTTPNotFound, HTTPSeeOther
from pyramid.response import Response

from platform_core.tenancy.store import Store
from platform_core.web.i18n import LANGUAGE_COOKIE, LANGUAGE_PARAMETER, own_name
from platform_core.web.theme import PLATFORM_BRAND, Brand, theme_css

CURRENCY_COOKIE = "currency"
CURRENCY_PARAMETER = "currency"
FLASH_COOKIE = "note"
YEAR = 365 * 24 * 3600


class Nav:
    """Tells templates which routes exist, so that no label names what is not there."""

    def __init__(self, introspector: Any) -> None:
        self._names = {item["introspectable"]["name"] for item in introspector.get_category("routes") or ()}

    def has(self, name: str) -> bool:
        """Is there a route of that name?"""
        return name in self._names


def offered_languages(request: Any) -> tuple[str, ...]:
    """Languages that this page may be read in, the store's own first."""
    return request.store.languages if request.store else ("en", "fr")


def language_links(request: Any) -> list[tuple[str, str, str, bool]]:
    """(code, own name, address, is current) for each language of the store."""
    query = [(k, v) for k, v in request.GET.items() if k != LANGUAGE_PARAMETER]
    path = request.path if request.method in {"GET", "HEAD"} else "/"
    return [
        (
            code,
            own_name(code),
            f"{path}?{urlencode([*query, (LANGUAGE_PARAMETER, code)])}",
            code == request.locale_name,
        )
        for code in request.offered_languages
    ]


def currency(request: Any) -> str:
    """The currency that prices are shown in: what the reader chose, else the store's own (PAY-06)."""
    chosen = request.cookies.get(CURRENCY_COOKIE)
    return chosen if chosen in request.store.currencies else request.store.currencies[0]


def _brand(store: Store) -> Brand:
    brand = store.config.brand
    return Brand(brand.colour, brand.accent, brand.font, brand.radius, brand.logo_svg)


class Theme:
    """A brand's stylesheet and logo, each under the hash of its bytes; `logo_path` is None without a logo."""

    def __init__(self, brand: Brand) -> None:
        self.logo = brand.logo_svg
        self.logo_path = f"/theme/{_hash(self.logo)}.svg" if self.logo else None
        self.css = theme_css(brand, self.logo_path)
        self.css_path = f"/theme/{_hash(self.css)}.css"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


_PLATFORM_THEME = Theme(PLATFORM_BRAND)


def theme(request: Any) -> Theme:
    """The theme of the request's store, or the platform's own."""
    return (
        request.store.once("theme", lambda store: Theme(_brand(store))) if request.store else _PLATFORM_THEME
    )


def theme_file(request: Any) -> Response:
    """`/theme/{hash}.{css,svg}`: immutable; an old hash gets the current file without the promise to stay."""
    own = request.theme
    css = request.matchdict["kind"] == "css"
    text, current = (own.css, own.css_path) if css else (own.logo, own.logo_path)
    if text is None:
        raise HTTPNotFound()
    response = Response(text, charset="utf-8")
    response.content_type = "text/css" if css else "image/svg+xml"
    if not css:
        response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    kept = f"public, max-age={YEAR}, immutable" if request.path == current else "no-cache"
    response.headers["Cache-Control"] = kept
    return response


def choice_tween(handler: Any, registry: Any) -> Any:
    """`?lang=fr` and `?currency=USD` are remembered in a cookie and leave the address."""

    def tween(request: Any) -> Any:
        if request.method != "GET":
            return handler(request)
        currencies = request.store.currencies if request.store else ()
        choices = (
            (LANGUAGE_PARAMETER, LANGUAGE_COOKIE, request.offered_languages),
            (CURRENCY_PARAMETER, CURRENCY_COOKIE, currencies),
        )
        asked = {cookie: (request.GET.get(name), allowed) for name, cookie, allowed in choices}
        chosen = {cookie: value for cookie, (value, allowed) in asked.items() if value in allowed}
        if not chosen:
            return handler(request)
        query = [(k, v) for k, v in request.GET.items() if k not in {LANGUAGE_PARAMETER, CURRENCY_PARAMETER}]
        response = HTTPSeeOther(request.path + (f"?{urlencode(query)}" if query else ""))
        for cookie, value in chosen.items():
            response.set_cookie(cookie, value, max_age=YEAR, samesite="Lax", secure=request.scheme == "https")
        return response

    return tween


def say(request: Any, text: Any, tone: str = "ok") -> None:
    """Show a note on the next page: `tone` is ok, info, warn or bad. A short-lived cookie carries it there."""
    request.said.append([tone, str(request.localizer.translate(text))])

    def keep(request: Any, response: Any) -> None:
        value = json.dumps(request.said[-5:]).encode().hex()
        response.set_cookie(
            FLASH_COOKIE, value, max_age=300, httponly=True, samesite="Lax", secure=request.scheme == "https"
        )

    if len(request.said) == 1:
        request.add_response_callback(keep)


def notes(request: Any) -> list[tuple[str, str]]:
    """The notes that the page before left, as (tone, text); shown once."""
    raw = request.cookies.get(FLASH_COOKIE)
    if not raw or request.method != "GET":
        return []
    request.add_response_callback(lambda _request, response: response.delete_cookie(FLASH_COOKIE))
    try:
        found = json.loads(bytes.fromhex(raw[:8000]))
        return [(tone, str(text)) for tone, text in found if tone in {"ok", "info", "warn", "bad"}]
    except (ValueError, TypeError, RecursionError):  # somebody else's cookie
        return []


def includeme(config: Any) -> None:
    """Register the attributes above and the theme's files."""
    config.add_request_method(offered_languages, reify=True)
    config.add_request_method(language_links, reify=True)
    config.add_request_method(currency, reify=True)
    config.add_request_method(theme, reify=True)
    config.add_request_method(say)
    config.add_request_method(notes, reify=True)
    config.add_request_method(lambda r: [], "said", reify=True)
    config.add_request_method(lambda r: r.environ.get("REMOTE_ADDR", ""), "client_address", property=True)
    config.add_request_method(lambda r: r.theme.css_path, "theme_css_url", property=True)
    config.add_request_method(lambda r: r.theme.logo_path, "theme_logo_url", property=True)
    config.registry.nav = None

    def nav(request: Any) -> Nav:
        if request.registry.nav is None:
            request.registry.nav = Nav(request.registry.introspector)
        return request.registry.nav

    config.add_request_method(nav, reify=True)
    config.add_tween("platform_core.app.page.choice_tween", under="platform_core.app.tweens.site_tween")
    config.add_route("theme", "/theme/{hash:[0-9a-f]{16}}.{kind:css|svg}")
    config.add_view(theme_file, route_name="theme", request_method="GET")
