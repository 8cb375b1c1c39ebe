"""Binding the download server to a port, and running it as a process."""

import asyncio
import errno
import resource
import signal
import socket
from collections.abc import Callable
from contextlib import suppress

from aiohttp import web

from .connection import check_platform

SHUTDOWN_GRACE = 3.0
"""Seconds that running transfers get at a stop. They resume later; what arrived until then is recorded."""
KEEP_ALIVE = 30.0
HEADER_FIELD_LIMIT = 64 * 1024
"""Longest header field: a Range of a thousand pieces must get its own answer, not a parser's 400."""


class CannotListen(RuntimeError):
    """The address cannot be used; the message says which one, why, and what to do."""


async def listen(app: web.Application, host: str, port: int) -> web.AppRunner:
    """Serve `app` until `cleanup()` of the result. Port 0 takes a free one: see `port_of`.

    Raises CannotListen, and `connection.Unmeasurable` on a system that cannot tell what was delivered.
    """
    check_platform()
    runner = web.AppRunner(
        app,
        access_log=None,  # its lines would hold addresses that open files for 24 hours
        keepalive_timeout=KEEP_ALIVE,
        max_field_size=HEADER_FIELD_LIMIT,
        max_line_size=HEADER_FIELD_LIMIT,
        shutdown_timeout=SHUTDOWN_GRACE,
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port, backlog=1024).start()
    except (OSError, OverflowError) as error:
        await runner.cleanup()
        raise CannotListen(_why(error, host, port)) from error
    return runner


def port_of(runner: web.AppRunner) -> int:
    """The port that `listen` bound."""
    return int(runner.addresses[0][1])


def run(app: web.Application, host: str, port: int, ready: Callable[[int], None] | None = None) -> None:
    """Serve until SIGTERM or SIGINT; `ready` is called with the port. Raises what `listen` raises.

    Call `MeterWriter.close` after it returns: the last attempts end during the stop.
    """
    _raise_file_limit()
    asyncio.run(_run(app, host, port, ready))


async def _run(app: web.Application, host: str, port: int, ready: Callable[[int], None] | None) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    runner = await listen(app, host, port)
    try:
        if ready is not None:
            ready(port_of(runner))
        await stop.wait()
    finally:
        await runner.cleanup()


def _raise_file_limit() -> None:
    """A transfer holds three descriptors; the usual soft limit of 1024 would end at 340 of them."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _why(error: Exception, host: str, port: int) -> str:
    where = f"The download server cannot listen on {host}:{port}"
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.EADDRINUSE:
        return f"{where}: another program uses this port. Stop it, or choose another port."
    if number == errno.EACCES:
        return f"{where}: ports below 1024 need special rights. Choose another port."
    if number == errno.EADDRNOTAVAIL:
        return f"{where}: this machine has no such address."
    if isinstance(error, socket.gaierror):
        return f"{where}: the host name is unknown."
    return f"{where}: {error}"
