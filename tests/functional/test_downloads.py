"""Downloads from the receipt's token to the meter: the real server on the real database."""

import asyncio
import http.client
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa

from platform_core.catalog.models import ProductFile
from platform_core.db import Database, uuid7
from platform_core.files.content import ContentStore
from platform_core.fulfilment import downloads
from platform_core.fulfilment.delivery.run import store_origin
from platform_core.fulfilment.delivery.server import REASON_FIELD, make_delivery_app
from platform_core.fulfilment.delivery.serving import listen, port_of
from platform_core.fulfilment.delivery.store import StoreBackend, StoreSink, Targets
from platform_core.fulfilment.delivery.transfer import Limits
from platform_core.fulfilment.delivery.writer import MeterWriter
from platform_core.fulfilment.models import (
    Download,
    Entitlement,
    EntitlementState,
)
from platform_core.fulfilment.receipt import ReceiptItem, items
from platform_core.keyring import KeyRing
from platform_core.orders.models import HoldKind, OrderHold
from platform_core.plugin_api.types import Decision
from tests.common.factories import RING, House

CONTENT = bytes(range(256)) * 1200


@dataclass
class Server:
    """The download server, in a thread of its own."""

    house: House
    contents: ContentStore
    port: int = 0
    download_origin: str = ""
    base_domain: str = "localhost"
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)

    def __post_init__(self) -> None:
        house, targets = self.house, Targets()
        self.writer = MeterWriter(StoreSink(house.database, house.clock, targets), house.clock, interval=0.01)
        self.backend = StoreBackend(
            house.database, house.stores, self.writer, targets, lambda store: store_origin(self, store)
        )
        self._stop, ready = asyncio.Event(), threading.Event()

        async def serve() -> None:
            app = make_delivery_app(
                self.backend,
                downloads.signer(house.keys, house.clock),
                house.clock,
                self.contents.root,
                Limits(tick=0.02),
            )
            runner = await listen(app, "127.0.0.1", 0)
            self.port = port_of(runner)
            ready.set()
            await self._stop.wait()
            await runner.cleanup()

        self._thread = threading.Thread(target=lambda: self._loop.run_until_complete(serve()))
        self._thread.start()
        assert ready.wait(20)
        self.download_origin = f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(20)
        self._loop.close()
        self.writer.close()
        self.backend.close()

    def get(self, url: str, method: str = "GET", take: int | None = None, **fields: str):
        """(status, reason, body); with `take`, read so many bytes and cut the connection."""
        parts = urlsplit(url)
        connection = http.client.HTTPConnection("127.0.0.1", parts.port, timeout=20)
        try:
            connection.request(method, parts.path, headers=fields)
            answer = connection.getresponse()
            body = answer.read() if take is None else answer.read(take)
            return answer.status, answer.headers.get(REASON_FIELD), body
        finally:
            connection.close()
            self.settle()

    def settle(self) -> None:
        """Wait until the server has ended all answers and they are stored."""
        for _ in range(1000):
            if self.idle():
                break
            threading.Event().wait(0.01)
        assert self.writer.flush_now()

    def idle(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("GET", "/healthz")
            return b'"transfers": 0' in connection.getresponse().read()
        finally:
            connection.close()


@pytest.fixture
def house(database: Database) -> House:
    return House(database)


@pytest.fixture
def server(house: House, data_dir) -> Iterator[Server]:
    made = Server(house, ContentStore(data_dir))
    yield made
    made.close()


@pytest.fixture
def product(house: House, server: Server):
    server.contents.adopt_bytes(CONTENT)
    product = house.product("tool", credentials=())
    house.file(product, "win64", CONTENT)
    return product


def receipt(house: House, order_id) -> list[ReceiptItem]:
    with house.session() as session:
        return items(session, house.store, house.keys, house.order(order_id))


def way(server: Server, order_id, index: int = 0) -> downloads.Way:
    house = server.house
    token = receipt(house, order_id)[0].downloads[index].token
    with house.database.session(house.tenant_id, read_only=True) as session:
        found = downloads.address(session, house.store, house.keys, server, house.order(order_id), token)
    assert found is not None
    return found


def told(house: House, order_id, index: int = 0) -> tuple[int, int, int]:
    """Used, left, broken tries: as the receipt says."""
    shown = receipt(house, order_id)[0].downloads[index]
    return shown.meter.used, shown.left, shown.meter.broken_tries


def failed(decision: Decision) -> list[str]:
    return [criterion.code for criterion in decision.open_points]


@pytest.mark.feature("DLD-01", "DLD-02")
def test_a_download_counts_when_all_of_it_has_arrived(house, server, product):
    order = house.buy(product)
    url = way(server, order).url
    assert url is not None and url.startswith(f"{server.download_origin}/d/")
    assert told(house, order) == (0, 2, 0)
    assert server.get(url, "HEAD")[0] == 200
    assert told(house, order) == (0, 2, 0)
    assert server.get(url) == (200, None, CONTENT)
    assert told(house, order) == (1, 1, 0)
    assert server.get(url)[0] == 200
    assert told(house, order) == (2, 0, 0)
    status, reason, body = server.get(url, **{"Accept-Language": "fr"})
    assert (status, reason) == (403, "count")
    assert f"/orders/{house.order(order).number}" in body.decode()
    assert failed(way(server, order).decision) == ["count"] and way(server, order).url is None
    with house.session() as session:
        rows = session.scalars(sa.select(Download).order_by(Download.number)).all()
        assert [(row.number, row.completed_at is not None) for row in rows] == [(1, True), (2, True)]


@pytest.mark.feature("DLD-12")
def test_a_broken_download_is_resumed_and_counts_once(house, server, product):
    order = house.buy(product)
    url = way(server, order).url
    half = len(CONTENT) // 2
    server.get(url, take=1000)
    assert told(house, order) == (0, 2, 1)
    assert server.get(url, Range=f"bytes=0-{half - 1}")[2] == CONTENT[:half]
    assert server.get(url, Range=f"bytes={half}-")[2] == CONTENT[half:]
    assert told(house, order) == (1, 1, 1)


@pytest.mark.feature("DLD-13")
def test_parts_in_parallel_are_one_use(house, server, product):
    order = house.buy(product)
    url = way(server, order).url
    size = len(CONTENT) // 4
    bodies = {}

    def part(number: int) -> None:
        _, _, bodies[number] = server.get(url, Range=f"bytes={number * size}-{(number + 1) * size - 1}")

    threads = [threading.Thread(target=part, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert b"".join(bodies[number] for number in range(4)) == CONTENT
    assert told(house, order) == (1, 1, 0)


def test_files_with_one_meter_share_the_count_others_have_their_own(house, server, product):
    house.file(product, "mac", CONTENT)
    house.file(product, "manual", CONTENT, meter="documents")
    order = house.buy(product)
    server.get(way(server, order, 0).url)
    assert [told(house, order, index)[:2] for index in range(3)] == [(1, 1), (1, 1), (0, 2)]


def test_an_attempt_that_ends_after_the_clock_of_access_is_cut_at_the_next_request(house, server, product):
    order = house.buy(product)
    url = way(server, order).url
    with house.session() as session:
        session.execute(
            sa.update(Entitlement).values(access_until=house.clock.now()),
            execution_options={"synchronize_session": False},
        )
    assert server.get(url)[:2] == (410, "access")
    assert told(house, order) == (0, 2, 0)


@pytest.mark.parametrize("number", [0, 1])
def test_a_withdrawn_right_ends_at_once(house, server, product, number):
    order = house.buy(product)
    url = way(server, order).url
    with house.session() as session:
        if number:
            session.execute(
                sa.update(Entitlement).values(state=EntitlementState.REVOKED),
                execution_options={"synchronize_session": False},
            )
        else:
            session.add(
                OrderHold(
                    order_id=order, kind=HoldKind.REVIEW, since=house.clock.now(), deadline=None, outcome=None
                )
            )
    assert server.get(url)[:2] == (403, "revoked" if number else "order")


def test_a_file_that_was_replaced_starts_anew(house, server, product):
    order = house.buy(product)
    url = way(server, order).url
    server.get(url, Range="bytes=0-999")
    newer = b"newer" + CONTENT
    content = server.contents.adopt_bytes(newer)
    with house.session() as session:
        session.execute(
            sa.update(ProductFile).values(sha256=content.sha256, size=content.size),
            execution_options={"synchronize_session": False},
        )
    assert server.get(url)[2] == newer
    assert told(house, order)[:2] == (1, 1)


def test_files_that_left_the_shelf_can_still_be_had(house, server, product):
    order = house.buy(product)
    with house.session() as session:
        session.execute(
            sa.update(ProductFile).values(retired_at=house.clock.now()),
            execution_options={"synchronize_session": False},
        )
    assert server.get(way(server, order).url)[2] == CONTENT
    house.file(product, "win64-new", b"new")
    assert [each.code for each in receipt(house, order)[0].downloads] == ["win64-new"]


def test_a_stranger_gets_the_same_answer_as_for_nothing(house, server, product):
    order = house.buy(product)
    signer = downloads.signer(house.keys, house.clock)
    other = House(house.database, "other")
    for tenant, named in (
        (other.tenant_id, downloads.download_id(house.entitlements(order)[0].id, uuid7())),
        (house.tenant_id, uuid7()),
        (uuid7(), uuid7()),
    ):
        assert server.get(server.download_origin + signer.path(tenant, named))[:2] == (404, "not_found")
    right = house.entitlements(order)[0].id
    unknown = downloads.download_id(right, uuid7())
    assert server.get(server.download_origin + signer.path(house.tenant_id, unknown))[:2] == (404, "file")


def test_a_token_belongs_to_its_order(house, server, product):
    mine, theirs = house.buy(product), house.buy(product)
    token = receipt(house, theirs)[0].downloads[0].token
    with house.session() as session:
        assert downloads.address(session, house.store, house.keys, server, house.order(mine), token) is None
        assert downloads.address(session, house.store, house.keys, server, house.order(mine), "") is None
    rotated = KeyRing({"k2": RING["k2"], "k1": RING["k1"]})
    with house.session() as session:
        found = downloads.address(session, house.store, rotated, server, house.order(theirs), token)
    assert found is not None and found.url is not None
