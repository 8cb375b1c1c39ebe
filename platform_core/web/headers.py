"""Security headers of every response, and the content security policy of each."""

from collections.abc import Callable
from typing import Any

BASE_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
}


def policy_text(extra: dict[str, str]) -> str:
    """The policy as a header; `extra` adds origins to directives, for payment pages."""
    directives = dict(BASE_POLICY)
    for name, origins in extra.items():
        known = directives.get(name, "")
        directives[name] = origins if known in {"", "'none'"} else f"{known} {origins}"
    return "; ".join(f"{name} {value}" for name, value in directives.items())


def headers_tween(handler: Callable[[Any], Any], registry: Any) -> Callable[[Any], Any]:
    """Put the headers on every answer; a view's own value stands."""

    def tween(request: Any) -> Any:
        response = handler(request)
        headers = response.headers
        headers.setdefault("Content-Security-Policy", policy_text(getattr(request, "csp_extra", {})))
        headers.setdefault("X-Content-Type-Options", "nosniff")
        headers.setdefault("Referrer-Policy", "same-origin")
        headers.setdefault("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
        headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        if response.content_type == "text/html":
            headers.setdefault("Cache-Control", "private, no-cache")
        if request.scheme == "https":
            headers.setdefault("Strict-Transport-Security", "max-age=31536000")
        return response

    return tween
