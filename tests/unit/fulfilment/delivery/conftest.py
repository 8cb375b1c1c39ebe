"""A real download server on a loopback port in a thread of its own, and real sockets that talk to it."""

import asyncio
import hashlib
import os
import random
import re
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from platform_core.clock import Clock
from platform_core.fulfilment.delivery.backend import Grant, Refusal
from platform_core.fulfilment.delivery.coverage import Coverage
from platform_core.fulfilment.delivery.meter import Attempt, Meter, meter
from platform_core.fulfilment.delivery.server import make_delivery_app
from platform_core.fulfilment.delivery.serving import listen, port_of
from platform_core.fulfilment.delivery.signing import Signer, Ticket
from platform_core.fulfilment.delivery.transfer import Limits
from platform_core.fulfilment.delivery.writer import AttemptChange, Batch, MeterWriter

TENANT = uuid4()
PATIENCE = 20.0
SMALL = 4096
"""SO_RCVBUF of clients whose kernel must not take much that they did not ask for."""


class Store:
    """A sink in memory: what a database would hold."""

    def __init__(self) -> None:
        self.attempts: dict[UUID, AttemptChange] = {}

    def apply(self, batch: Batch) -> None:
        for change in batch.changes:
            if known := self.attempts.get(change.attempt_id):
                change = replace(change, delivered=known.delivered | change.delivered)
            self.attempts[change.attempt_id] = change

    def of(self, download_id: UUID) -> list[Attempt]:
        return [
            Attempt(a.began, a.ended, a.complete, a.delivered)
            for a in self.attempts.values()
            if a.download_id == download_id
        ]


@dataclass
class Shelf:
    """The backend of the tests: grants what was put on it, until it is told to refuse."""

    root: Path
    writer: MeterWriter
    grants: dict[UUID, Grant] = field(default_factory=dict)
    refusals: dict[UUID, Refusal] = field(default_factory=dict)
    asked: int = 0
    begun: int = 0
    over: int = 0
    changed: threading.Condition = field(default_factory=threading.Condition)

    async def open(self, ticket: Ticket) -> Grant | Refusal:
        assert ticket.tenant_id == TENANT
        self.asked += 1
        if refusal := self.refusals.get(ticket.download_id):
            return refusal
        return replace(self.grants[ticket.download_id], attempt_id=uuid4())

    async def way_back(self, ticket: Ticket) -> str | None:
        return f"https://northfield.example/orders/{ticket.download_id}"

    def begin(self, grant: Grant) -> None:
        self.writer.begin(grant)
        with self.changed:
            self.begun += 1
            self.changed.notify_all()

    def delivered(self, attempt_id: UUID, start: int, stop: int) -> None:
        self.writer.delivered(attempt_id, start, stop)

    def ended(self, attempt_id: UUID, complete: bool) -> None:
        self.writer.ended(attempt_id, complete)
        with self.changed:
            self.over += 1
            self.changed.notify_all()


class Answer:
    """One response on a client's own socket, read as slowly as a test likes."""

    def __init__(self, connection: socket.socket, method: str, earlier: int = 0) -> None:
        self.socket = connection
        self.body = bytearray()
        head = bytearray()

        while not head.endswith(b"\r\n\r\n"):
            byte = connection.recv(1)
            if not byte:
                raise ConnectionResetError(f"closed after {bytes(head)!r}")
            head += byte
        self._earlier = earlier + len(head)
        status, *lines = head.decode("utf-8").split("\r\n")
        self.status = int(status.split()[1])
        self.headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in lines if line)}
        bodiless = method == "HEAD" or self.status == 304
        self.length = 0 if bodiless else int(self.headers.get("content-length", "0"))

    def read(self, count: int | None = None) -> bytes:
        """Read until `count` bytes of body (default: all) are there."""
        want = self.length if count is None else min(count, self.length)
        while len(self.body) < want:
            data = self.socket.recv(min(65536, want - len(self.body)))
            if not data:
                raise ConnectionResetError(f"closed after {len(self.body)} of {self.length} bytes")
            self.body += data
        return bytes(self.body)

    def leave(self) -> bytes:
        """Leave, read or not. Returns all body bytes that this client's kernel has taken.

        After the shutdown Linux refuses further data with a reset and acknowledges with its FIN what it had
        taken, so that this number is final and the server can know it to the byte.
        """
        self.socket.shutdown(socket.SHUT_RDWR)
        info = self.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 136)
        (received,) = struct.unpack_from("=128xQ", info)
        taken = bytes(self.body) + self._unread()
        self.socket.close()
        assert received - self._earlier - len(taken) in (0, 1)  # the FIN of the server is counted too
        return taken

    def _unread(self) -> bytes:
        try:
            return self.socket.recv(1 << 22, socket.MSG_PEEK)
        except ConnectionResetError:
            return b""

    def close(self) -> None:
        self.socket.close()


class Lab:
    """A running server with files, and clients for it."""

    def __init__(self, root: Path, limits: Limits) -> None:
        self.clock = Clock()
        self.store = Store()
        self.signer = Signer({"k1": b"a platform secret of the tests"}, self.clock)
        self.writer = MeterWriter(self.store, self.clock, interval=0.01)
        self.shelf = Shelf(root, self.writer)
        self.limits = limits
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        assert self._ready.wait(PATIENCE) and self.port

    def _serve(self) -> None:
        try:
            self._loop.run_until_complete(self._main())
        finally:
            self._ready.set()
            self._loop.close()

    async def _main(self) -> None:
        app = make_delivery_app(self.shelf, self.signer, self.clock, self.shelf.root, self.limits)
        runner = await listen(app, "127.0.0.1", 0)
        self.port = port_of(runner)
        self._ready.set()
        await self._stop.wait()
        await runner.cleanup()

    def close(self) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(PATIENCE)
        self.writer.close()

    def add(self, content: bytes, filename: str = "tool.exe") -> Grant:
        digest = hashlib.sha256(content).hexdigest()
        (self.shelf.root / digest).write_bytes(content)
        return self._put(digest, digest, len(content), filename)

    def add_sparse(self, size: int, marks: dict[int, bytes]) -> Grant:
        path = self.shelf.root / f"sparse-{size}"
        with path.open("wb") as file:
            file.truncate(size)
            for at, data in marks.items():
                file.seek(at)
                file.write(data)
        return self._put(path.name, "5" * 64, size, "atlas.bin")

    def _put(self, path: str, etag: str, size: int, filename: str) -> Grant:
        grant = Grant(TENANT, uuid4(), uuid4(), path, size, etag, filename)
        self.shelf.grants[grant.download_id] = grant
        return grant

    def path(self, grant: Grant) -> str:
        return self.signer.path(TENANT, grant.download_id)

    def connect(self, rcvbuf: int | None = None) -> socket.socket:
        connection = socket.socket()
        if rcvbuf is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
        connection.settimeout(PATIENCE)
        connection.connect(("127.0.0.1", self.port))
        return connection

    def ask(
        self,
        path: str,
        method: str = "GET",
        rcvbuf: int | None = None,
        on: socket.socket | None = None,
        **headers: str,
    ) -> Answer:
        """Send a request (header names with _ for -) and read the answer's header."""
        connection = on or self.connect(rcvbuf)
        lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{self.port}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        connection.sendall("\r\n".join([*lines, "", ""]).encode("latin-1"))
        return Answer(connection, method)

    def fetch(self, path: str, method: str = "GET", **headers: str) -> Answer:
        """Ask and read everything on a connection of its own."""
        answer = self.ask(path, method, None, None, **headers)
        answer.read()
        answer.close()
        return answer

    def get(self, grant: Grant, **headers: str) -> Answer:
        return self.fetch(self.path(grant), **headers)

    def idle(self, begun: int | None = None) -> None:
        """Wait until every attempt is over (and `begun` of them have been begun) and all is stored."""
        with self.shelf.changed:
            assert self.shelf.changed.wait_for(
                lambda: (begun is None or self.shelf.begun >= begun) and self.shelf.over == self.shelf.begun,
                PATIENCE,
            ), f"{self.shelf.over} of {self.shelf.begun} attempts are over, {begun} expected"
        assert self.writer.flush_now()

    def meter(self, grant: Grant) -> Meter:
        return meter(self.store.of(grant.download_id), grant.size)

    def covered(self, grant: Grant) -> Coverage:
        return Coverage.of(s for a in self.store.of(grant.download_id) for s in a.covered.spans)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("files")


@pytest.fixture(scope="module")
def make_lab(root: Path) -> Callable[..., object]:
    @contextmanager
    def made(limits: Limits = Limits(tick=0.05)) -> Iterator[Lab]:
        lab = Lab(root, limits)
        try:
            yield lab
        finally:
            lab.close()

    return made


@pytest.fixture
def lab(make_lab: Callable[..., object]) -> Iterator[Lab]:
    with make_lab() as lab:  # type: ignore[attr-defined]
        yield lab


@pytest.fixture
def small() -> int:
    """SO_RCVBUF of a client that takes little ahead of what it reads."""
    return SMALL


@pytest.fixture(scope="module")
def content() -> bytes:
    return random.Random(7).randbytes(700_001)


def parts_of(content_type: str, body: bytes) -> list[tuple[int, bytes, bool]]:
    """(start, bytes, whole?) of each part of a multipart/byteranges body, which may be cut off anywhere."""
    boundary = re.fullmatch(r"multipart/byteranges; boundary=([0-9a-f]+)", content_type)
    assert boundary, content_type
    found = []
    head = re.compile(
        rb"(?:^|\r\n)--" + boundary[1].encode() + rb"\r\nContent-Type: [^\r]+\r\n"
        rb"Content-Range: bytes (\d+)-(\d+)/\d+\r\n\r\n"
    )
    at = 0
    while match := head.match(body, at):
        start, last = int(match[1]), int(match[2])
        data = body[match.end() : match.end() + last + 1 - start]
        found.append((start, data, len(data) == last + 1 - start))
        at = match.end() + len(data)
    return found


@pytest.fixture
def byteranges() -> Callable[[str, bytes], list[tuple[int, bytes, bool]]]:
    return parts_of


@pytest.fixture
def reset() -> Callable[[socket.socket], None]:
    """Close a client's socket with a reset, as a program that is killed in some systems does."""

    def cut(connection: socket.socket) -> None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()

    return cut


@pytest.fixture
def resident() -> Callable[[], int]:
    """Resident bytes of this process."""

    def pages() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")

    return pages


@pytest.fixture
def a_day() -> timedelta:
    return timedelta(hours=24)
