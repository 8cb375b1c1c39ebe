"""Pages for what went wrong: each says what happened, what to do, and the request's id."""

from typing import Any

import structlog
from pyramid.httpexceptions import HTTPException, HTTPSeeOther
from pyramid.renderers import render_to_response

from platform_core.web.i18n import _

log = structlog.get_logger("webstore.web")

WORDS = {
    400: (_("This form could not be read"), _("Go back, load the page again and send the form once more.")),
    403: (_("This page is not open to you"), _("Sign in with an account that may see it.")),
    405: (_("This page cannot be used in that way"), _("Go back to the store and follow its links.")),
    413: (_("That is too much for one form"), _("Send less than 256 kB at once.")),
    429: (_("Too many tries"), _("Wait a few minutes, then try again.")),
    500: (
        _("Something went wrong on our side"),
        _(
            "Nothing is lost, and nothing was done twice. Try again in a moment; "
            "if it happens again, tell us the number below."
        ),
    ),
}


def error_response(request: Any, status: int, words: tuple[Any, Any] | None = None) -> Any:
    """The page for a status, in the look of the store if there is one."""
    title, text = words or WORDS.get(status, WORDS[400 if status < 500 else 500])
    values = {"title": title, "text": text, "status": status, "request_id": request.id}
    response = render_to_response("platform_core.web:templates/error.jinja2", values, request=request)
    response.status_code = status
    return response


def not_found(context: Any, request: Any) -> Any:
    """404: the same bytes for what does not exist and for what belongs to somebody else."""
    template = "platform_core.web:templates/404.jinja2"
    if request.store is None:
        template = "platform_core.web:templates/404_platform.jinja2"
    response = render_to_response(template, {"request_id": request.id}, request=request)
    response.status_code = 404
    return response


def forbidden(context: Any, request: Any) -> Any:
    """A page that needs sign-in leads there and back (ACC-03); who is signed in and may not, is told so."""
    if request.store is not None and request.person is None and request.method in {"GET", "HEAD"}:
        query = {"next": request.path_qs} if request.path_qs != "/" else {}
        return HTTPSeeOther(request.route_path("sign_in", _query=query))
    if request.store is not None and request.person is None:
        return HTTPSeeOther(request.route_path("sign_in"))
    return error_response(request, 403)


def http_error(context: Any, request: Any) -> Any:
    """Any other HTTP error."""
    if context.status_code < 400:
        return context
    return error_response(request, context.status_code)


def crashed(context: Any, request: Any) -> Any:
    """Our fault: logged with the request's id, told without details."""
    log.exception("request_failed", path=request.path_info[:200])
    return error_response(request, 500)


def includeme(config: Any) -> None:
    """Register the error pages."""
    config.add_notfound_view(not_found)
    config.add_forbidden_view(forbidden)
    config.add_exception_view(http_error, context=HTTPException)
    config.add_exception_view(crashed, context=Exception)
