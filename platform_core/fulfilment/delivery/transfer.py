"""One answer under way, and the watchman that looks after all of them."""

import asyncio
import contextlib
import logging
import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from uuid import UUID

from aiohttp import web

from .backend import Grant, Recorder
from .connection import DeliveryGauge
from .content import Body

log = logging.getLogger("webstore.delivery")

CHUNK = 256 * 1024
_TAIL_PAUSE = 0.002
_TAIL_PAUSE_MOST = 0.1


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of the server; times in seconds.

    `stall`: no byte acknowledged for so long ends a transfer. `half_closed`: the same once the client has
    closed its side. `tick`: how often running transfers are looked at and what they delivered is recorded.
    `decision`: the longest wait for one. `stop_grace`: what running transfers get when the server stops.
    """

    stall: float = 300.0
    half_closed: float = 10.0
    tick: float = 1.0
    decision: float = 15.0
    stop_grace: float = 2.0
    per_download: int = 16
    transfers: int = 2000
    readers: int = 8


class Transfer:
    """Sends a body and records what of it was acknowledged. Used once, within one request's task."""

    def __init__(self, grant: Grant, body: Body, recorder: Recorder, transport: asyncio.Transport) -> None:
        self.grant = grant
        self._body = body
        self._recorder = recorder
        self._transport = transport
        self._gauge = DeliveryGauge(transport)
        self._recorded = 0
        self._aborted = False
        self._moved_at = asyncio.get_running_loop().time()

    async def run(self, response: web.StreamResponse, fd: int, pool: ThreadPoolExecutor) -> None:
        """Send everything and wait until it has arrived. Returns early, without error, if the client
        leaves.
        """
        with contextlib.suppress(ConnectionError):
            await self._send(response, fd, pool)
            await self._settle()

    def finish(self) -> None:
        """Record the last bytes and the end; cut the connection if the answer did not arrive in full.

        Called exactly once, however `run` ended.
        """
        complete = False
        try:
            self.record()
            complete = self._recorded >= self._body.file_end
            if not complete:
                self._gauge.reset_on_close()
                self._transport.abort()
        finally:
            self._gauge.close()
            self._recorder.ended(self.grant.attempt_id, complete)

    def record(self) -> bool:
        """Pass on what was acknowledged since the last call; whether that was anything."""
        position = min(self._gauge.position(), self._body.length)
        if position <= self._recorded:
            return False
        for start, stop in self._body.spans(self._recorded, position):
            self._recorder.delivered(self.grant.attempt_id, start, stop)
        self._recorded = position
        return True

    def watch(self, now: float, limits: Limits) -> None:
        """One look by the watchman: record progress, end what stands still."""
        if self.record():
            self._moved_at = now
            return
        allowed = limits.half_closed if self._transport.is_closing() else limits.stall
        if now - self._moved_at >= allowed:
            self.abort()

    def abort(self) -> None:
        """End the transfer now, as if the client had left."""
        self._aborted = True
        self._transport.abort()

    async def _send(self, response: web.StreamResponse, fd: int, pool: ThreadPoolExecutor) -> None:
        loop = asyncio.get_running_loop()
        for piece in self._body.pieces:
            if piece.literal:
                await response.write(piece.literal)
                continue
            at = piece.start
            while at < piece.stop:
                # `write` returns when the transport's buffer is down to its low-water mark, so one chunk per
                # connection is in memory, however large the file and however slow the client.
                chunk = await loop.run_in_executor(pool, os.pread, fd, min(CHUNK, piece.stop - at), at)
                if not chunk:
                    raise OSError("the file became shorter while it was sent")
                at += len(chunk)
                await response.write(chunk)

    async def _settle(self) -> None:
        """Wait until the peer has acknowledged the last byte of the file, or never will."""
        pause = _TAIL_PAUSE
        while (position := self._gauge.position()) < self._body.file_end:
            if self._aborted or self._gauge.is_dead():
                return
            await asyncio.sleep(pause)
            moved = self._gauge.position() > position
            pause = _TAIL_PAUSE if moved else min(pause * 2, _TAIL_PAUSE_MOST)


class Transfers:
    """All answers under way: counted per download, watched by one task."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._running: set[Transfer] = set()
        self._reserved: Counter[UUID] = Counter()

    def __len__(self) -> int:
        return len(self._running)

    def reserve(self, download_id: UUID) -> bool:
        """Take one of the places of this download; False if all are taken. Give it back with `release`."""
        if self._reserved.total() >= self._limits.transfers:
            return False
        if self._reserved[download_id] >= self._limits.per_download:
            return False
        self._reserved[download_id] += 1
        return True

    def release(self, download_id: UUID) -> None:
        """Give a place back."""
        self._reserved[download_id] -= 1
        if self._reserved[download_id] <= 0:
            del self._reserved[download_id]

    def enter(self, transfer: Transfer) -> None:
        """Have the watchman look after it."""
        self._running.add(transfer)

    def leave(self, transfer: Transfer) -> None:
        """It is over."""
        self._running.discard(transfer)

    async def stop(self) -> None:
        """Give what is running a moment to arrive, then end it. It is recorded and can be resumed."""
        loop = asyncio.get_running_loop()
        until = loop.time() + self._limits.stop_grace
        while self._running and loop.time() < until:
            await asyncio.sleep(_TAIL_PAUSE_MOST)
        for transfer in tuple(self._running):
            transfer.abort()
        while self._running:
            await asyncio.sleep(_TAIL_PAUSE)

    async def watch(self) -> None:
        """Look at every transfer, for ever."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self._limits.tick)
            for transfer in tuple(self._running):
                try:
                    transfer.watch(loop.time(), self._limits)
                except Exception:
                    log.exception("a transfer cannot be watched")
