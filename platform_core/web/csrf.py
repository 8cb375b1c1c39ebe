"""Cross-site request forgery: every unsafe request shows where it came from, on HTTP too.

A matching `Origin`, or `Sec-Fetch-Site: same-origin` where a browser sends no Origin, and the session's token
where a signed-in session exists. A form that was made for a visitor may be sent after signing in elsewhere: its
view declares `csrf_without_token="reason"`, and only the origin is asked for. Views that other machines post to
declare `csrf_exempt="reason"` and read no cookie.
"""

import hmac
from collections.abc import Callable
from typing import Any

from pyramid.csrf import BadCSRFOrigin, BadCSRFToken

SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
FIELD = "csrf_token"


def came_from_here(request: Any) -> bool:
    """Does the request say that one of this host's own pages sent it?"""
    origin = request.headers.get("Origin")
    if origin is not None:
        return bool(origin == request.host_url)
    return bool(request.headers.get("Sec-Fetch-Site") == "same-origin")


def csrf_deriver(view: Callable[..., Any], info: Any) -> Callable[..., Any]:
    """The view deriver behind the rule above; stands over the permission check."""
    if info.options.get("csrf_exempt"):
        return view

    no_token = bool(info.options.get("csrf_without_token"))

    def checked(context: Any, request: Any) -> Any:
        if request.method not in SAFE and not getattr(request, "exception", None):
            if not came_from_here(request):
                raise BadCSRFOrigin("the request does not say that a page of this store sent it")
            if not no_token and not _same(request.csrf_token, str(request.POST.get(FIELD, ""))):
                raise BadCSRFToken("the form is from another session")
        return view(context, request)

    return checked


def _same(expected: str, given: str) -> bool:
    """Nobody signed in has no token to show."""
    return not expected or hmac.compare_digest(expected.encode(), given.encode())


csrf_deriver.options = ("csrf_exempt", "csrf_without_token")  # type: ignore[attr-defined]
