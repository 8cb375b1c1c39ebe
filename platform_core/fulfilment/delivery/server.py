"""The download server's application: `GET` and `HEAD` of `/d/{token}`, and `/healthz`.

A byte range counts as delivered when the client's kernel has acknowledged it (see `connection`): neither
asyncio's buffer nor our kernel's queue counts, so a client that leaves is charged with nothing it did not
get. Several ranges are answered as multipart/byteranges and recorded part by part. Nothing here blocks the
event loop: files are read by a small pool of threads, decisions are awaited, records go on a queue.
"""

import asyncio
import logging
import os
import stat
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler

from platform_core.clock import Clock

from . import pages
from .backend import Backend, Grant, Refusal, Text
from .conditions import precondition
from .content import answer, file_fields
from .coverage import Span
from .ranges import RangeNotSatisfiable, if_range_holds, parse_range
from .signing import ExpiredToken, ForgedToken, Signer, Ticket
from .transfer import Limits, Transfer, Transfers

log = logging.getLogger("webstore.delivery")

_WRITE_BUFFER_HIGH = 64 * 1024
_WRITE_BUFFER_LOW = 16 * 1024
REASON_FIELD = "X-Webstore-Reason"
"""Names the reason of a refusal for programs and tests: `expired`, `busy`, or the decision's code."""


class FileMissing(Exception):
    """A granted file is not there, is no plain file, or has another size than the grant says."""


def make_delivery_app(
    backend: Backend, signer: Signer, clock: Clock, files_root: Path, limits: Limits | None = None
) -> web.Application:
    """The application, for `serving.listen` or `serving.run`. Files are read below `files_root`."""
    limits = limits or Limits()
    server = _Delivery(backend, signer, clock, files_root.resolve(), limits)
    app = web.Application(middlewares=[_pages])
    app.router.add_get("/d/{token}", server.file)
    app.router.add_get("/healthz", server.health)
    app.cleanup_ctx.append(server.lifetime)
    app.on_shutdown.append(server.stop)
    app.on_response_prepare.append(_common_fields)
    return app


class _Delivery:
    def __init__(
        self, backend: Backend, signer: Signer, clock: Clock, files_root: Path, limits: Limits
    ) -> None:
        self._backend = backend
        self._signer = signer
        self._clock = clock
        self._files_root = files_root
        self._limits = limits
        self._transfers = Transfers(limits)
        self._pool = ThreadPoolExecutor(limits.readers, thread_name_prefix="delivery-read")

    async def lifetime(self, app: web.Application) -> AsyncIterator[None]:
        watchman = asyncio.create_task(self._transfers.watch(), name="delivery-watch")
        yield
        watchman.cancel()
        with suppress(asyncio.CancelledError):
            await watchman
        self._pool.shutdown(wait=True, cancel_futures=True)

    async def stop(self, app: web.Application) -> None:
        await self._transfers.stop()

    async def health(self, request: web.Request) -> web.StreamResponse:
        return web.json_response(
            {"status": "ok", "transfers": len(self._transfers)}, headers={"Cache-Control": "no-store"}
        )

    async def file(self, request: web.Request) -> web.StreamResponse:
        try:
            ticket = self._signer.verify(request.match_info["token"])
        except ForgedToken:
            return _page(request, 404, "forged")
        except ExpiredToken as expired:
            return _page(request, 410, "expired", back_url=await self._way_back(expired.ticket))
        async with asyncio.timeout(self._limits.decision):
            decision = await self._backend.open(ticket)
        if isinstance(decision, Refusal):
            return _page(request, decision.status, decision.code, decision.message, decision.back_url)
        return await self._granted(request, decision)

    async def _way_back(self, ticket: Ticket) -> str | None:
        try:
            async with asyncio.timeout(self._limits.decision):
                return await self._backend.way_back(ticket)
        except Exception:
            log.exception("no way back found for download %s", ticket.download_id)
            return None

    async def _granted(self, request: web.Request, grant: Grant) -> web.StreamResponse:
        status = precondition(request.headers, grant.etag, grant.modified)
        if status == 304:
            return web.Response(status=304, headers=file_fields(grant))
        if status == 412:
            return _page(request, 412, "changed", back_url=grant.back_url)
        try:
            spans = self._spans(request, grant)
        except RangeNotSatisfiable as refused:
            response = _page(request, 416, "range", back_url=grant.back_url)
            response.headers["Content-Range"] = f"bytes */{refused.size}"
            response.headers["Accept-Ranges"] = "bytes"
            return response
        if request.method == "HEAD":
            _, fields, _ = answer(grant, spans)
            return web.Response(headers=fields)
        if not self._transfers.reserve(grant.download_id):
            response = _page(request, 429, "busy", back_url=grant.back_url)
            response.headers["Retry-After"] = "10"
            return response
        try:
            return await self._send(request, grant, spans)
        finally:
            self._transfers.release(grant.download_id)

    def _spans(self, request: web.Request, grant: Grant) -> tuple[Span, ...] | None:
        """None = the whole file. Ranges are defined for GET alone (RFC 9110 section 14.2)."""
        asked = request.headers.getall("Range", [])
        if request.method != "GET" or len(asked) != 1:
            return None
        if_range = request.headers.get("If-Range")
        if not if_range_holds(if_range, grant.etag, grant.modified, self._clock.wall()):
            return None
        return parse_range(asked[0], grant.size)

    async def _send(
        self, request: web.Request, grant: Grant, spans: tuple[Span, ...] | None
    ) -> web.StreamResponse:
        status, fields, body = answer(grant, spans)
        loop = asyncio.get_running_loop()
        fd = await loop.run_in_executor(self._pool, _open, self._files_root, grant)
        try:
            transport = request.transport
            if transport is None:
                raise ConnectionResetError("the client left before the answer")
            transport.set_write_buffer_limits(high=_WRITE_BUFFER_HIGH, low=_WRITE_BUFFER_LOW)
            response = web.StreamResponse(status=status, headers=fields)
            await response.prepare(request)  # writes the header: the transfer counts from the body on
            transfer = Transfer(grant, body, self._backend, transport)
            self._backend.begin(grant)
            self._transfers.enter(transfer)
            try:
                await transfer.run(response, fd, self._pool)
            finally:
                self._transfers.leave(transfer)
                transfer.finish()
            return response
        finally:
            os.close(fd)


def _open(root: Path, grant: Grant) -> int:
    path = root.joinpath(grant.path).resolve()
    if not path.is_relative_to(root):
        raise FileMissing(f"{grant.path} lies outside of the files root")
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise FileMissing(f"{grant.path}: {error.strerror}") from None
    found = os.fstat(fd)
    if not stat.S_ISREG(found.st_mode) or found.st_size != grant.size:
        os.close(fd)
        raise FileMissing(f"{grant.path}: {found.st_size} bytes found, {grant.size} granted")
    return fd


@web.middleware
async def _pages(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Whatever goes wrong becomes a page without a trace of the inside; the log has the rest, but no
    token.
    """
    try:
        return await handler(request)
    except web.HTTPMethodNotAllowed as refused:
        response = _page(request, 405, "method")
        response.headers["Allow"] = ", ".join(sorted(refused.allowed_methods))
        return response
    except web.HTTPNotFound:
        return _page(request, 404, "not_found")
    except (web.HTTPException, ConnectionError, asyncio.CancelledError):
        raise
    except FileMissing as missing:
        log.error("file missing: %s", missing)
    except Exception:
        log.exception("a download request failed")
    response = _page(request, 503, "unavailable")
    response.headers["Retry-After"] = "60"
    return response


def _page(
    request: web.Request, status: int, code: str, message: Text | None = None, back_url: str | None = None
) -> web.Response:
    language = pages.language_of(request.headers.get("Accept-Language"))
    return web.Response(
        status=status,
        text=pages.render(code, language, message, back_url),
        content_type="text/html",
        charset="utf-8",
        headers={**pages.FIELDS, "Content-Language": language, REASON_FIELD: code},
    )


async def _common_fields(request: web.Request, response: web.StreamResponse) -> None:
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Server"] = "webstore"
