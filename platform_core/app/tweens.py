"""The outermost layers of a request: its id, its log line, its host, and limits on its body."""

import secrets
import time
from collections.abc import Callable
from typing import Any

import structlog
from pyramid.httpexceptions import HTTPBadRequest, HTTPRequestEntityTooLarge
from pyramid.response import Response

from platform_core.app.errors import crashed
from platform_core.tenancy.loading import BadHost, is_address, normal_host
from platform_core.web.csrf import SAFE

log = structlog.get_logger("webstore.web")
FORM_LIMIT = 256 * 1024
SAFE_ID = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")


def request_id_of(request: Any) -> str:
    """The id that a proxy gave, if it is harmless, else a new one."""
    given: str = request.headers.get("X-Request-Id", "")
    return given if 8 <= len(given) <= 64 and set(given) <= SAFE_ID else secrets.token_hex(8)


def log_tween(handler: Callable[[Any], Any], registry: Any) -> Callable[[Any], Any]:
    """Give each request an id, and write one line when it is answered."""

    def tween(request: Any) -> Any:
        request.id = request_id_of(request)
        request.store, request.site = None, "unknown"
        started = time.perf_counter()
        structlog.contextvars.bind_contextvars(request=request.id)
        try:
            try:
                response = handler(request)
            except Exception as error:  # noqa: BLE001  (it is logged, and answered)
                response = _last_resort(request, error)
            response.headers["X-Request-Id"] = request.id
            log.info(
                "request",
                method=request.method,
                path=request.environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace")[:200],
                status=response.status_code,
                ms=round((time.perf_counter() - started) * 1000),
                store=request.store.slug if request.store else None,
            )
            return response
        finally:
            structlog.contextvars.clear_contextvars()
            registry.flush_faults()

    return tween


def _last_resort(request: Any, error: Exception) -> Any:
    """What fails outside the views (a database that is down, mostly) gets a page with the request's id too."""
    try:
        return crashed(error, request)
    except Exception:
        log.exception("error_page_failed")
        return Response(f"Error {request.id}\n", status=500, content_type="text/plain", charset="utf-8")


def _is_text(request: Any) -> bool:
    """Are path and query UTF-8, as every link of ours is?"""
    try:
        return request.path_info is not None and request.GET is not None
    except UnicodeDecodeError:
        return False


def site_tween(handler: Callable[[Any], Any], registry: Any) -> Callable[[Any], Any]:
    """Find out which store the host names: `request.site` is store, base or unknown. Never a default store."""
    stores = registry.stores

    def tween(request: Any) -> Any:
        if not _is_text(request):
            return Response("Bad address.\n", status=400, content_type="text/plain", charset="utf-8")
        if request.path_info == "/healthz":
            return Response("ok\n", content_type="text/plain", charset="utf-8")
        try:
            host = normal_host(request.host)
        except BadHost:
            return Response("Bad Host header.\n", status=400, content_type="text/plain", charset="utf-8")
        if host == stores.base_domain:
            request.site = "base"
        else:
            request.store = None if is_address(host) else stores.by_host(host)
            request.site = "store" if request.store else "unknown"
        return handler(request)

    return tween


def attempts(request: Any) -> int | None:
    """Only one try for a body that `body_tween` will not take as it is: pyramid_retry would first copy all of it."""
    length = request.content_length
    endless = length is None and request.is_body_readable
    return 1 if endless or (length or 0) > FORM_LIMIT else None


def body_tween(handler: Callable[[Any], Any], registry: Any) -> Callable[[Any], Any]:
    """Refuse bodies that no form of ours sends, before anything else reads them.

    A body without a length (chunked) is read here, up to the limit.
    """

    def tween(request: Any) -> Any:
        length = request.content_length
        if length is None and request.is_body_readable:
            body = request.body_file_raw.read(FORM_LIMIT + 1)
            length, request.body = len(body), body
        if (length or 0) > FORM_LIMIT:
            raise HTTPRequestEntityTooLarge()
        if request.method not in SAFE:
            try:
                values = list(request.POST.values())
            except (ValueError, LookupError, DeprecationWarning) as error:  # WebOb raises that one
                raise HTTPBadRequest() from error
            uploads = [value for value in values if not isinstance(value, str)]
            for upload in uploads:  # WebOb keeps each in a temporary file
                upload.file.close()
            if uploads:  # no form of ours has one
                raise HTTPBadRequest()
        return handler(request)

    return tween
