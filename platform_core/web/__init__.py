"""The toolkit below the rooms: rendering, forms, CSRF, languages, theme, static files."""

from typing import Any

from pyramid.tweens import EXCVIEW
from pyramid.viewderivers import INGRESS

from platform_core.web.csrf import csrf_deriver
from platform_core.web.formats import FILTERS
from platform_core.web.i18n import negotiate


class SitePredicate:
    """Route predicate `site`: "store" routes answer on a store's host, "base" routes on the base domain."""

    def __init__(self, value: str, config: Any) -> None:
        self.value = value

    def text(self) -> str:
        return f"site = {self.value}"

    phash = text

    def __call__(self, info: Any, request: Any) -> bool:
        return bool(request.site == self.value)


def includeme(config: Any) -> None:
    """Set up rendering, languages, headers and the CSRF check."""
    config.include("pyramid_jinja2")
    config.add_settings(
        {
            "jinja2.i18n.domain": "webstore",
            "jinja2.trim_blocks": "true",
            "jinja2.lstrip_blocks": "true",
            "jinja2.undefined": "strict",
        }
    )
    config.commit()
    config.add_jinja2_search_path("platform_core.web:templates", name=".jinja2")
    config.action(None, lambda: config.get_jinja2_environment().filters.update(FILTERS), order=9999)
    config.add_translation_dirs("platform_core:locale")
    config.set_locale_negotiator(negotiate)
    config.add_route_predicate("site", SitePredicate)
    config.add_view_deriver(csrf_deriver, "webstore_csrf", under=INGRESS, over="secured_view")
    config.add_tween("platform_core.web.headers.headers_tween", over=EXCVIEW)
    config.include("platform_core.web.static_files")
