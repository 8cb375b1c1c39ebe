"""What was acknowledged, measured on a real connection."""

import asyncio
import socket
from collections.abc import Awaitable, Callable

import pytest

from platform_core.fulfilment.delivery.connection import DeliveryGauge, check_platform

EARLIER = 300_000


def connected(work: Callable[[asyncio.Transport, socket.socket], Awaitable[None]], rcvbuf: int) -> None:
    """Run `work` with a transport and the peer's blocking socket."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket() as peer:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
            peer.connect(listener.getsockname())
            accepted, _ = listener.accept()
            transport, _ = await loop.connect_accepted_socket(asyncio.Protocol, accepted)
            try:
                await work(transport, peer)
            finally:
                transport.abort()
                await asyncio.sleep(0)

    asyncio.run(main())


async def take(peer: socket.socket, count: int) -> None:
    """Read exactly so much, while the loop goes on writing."""
    while count:
        count -= len(await asyncio.to_thread(peer.recv, count))


async def settled(gauge: DeliveryGauge) -> int:
    """The position when it has not moved for a while."""
    while True:
        before = gauge.position()
        await asyncio.sleep(0.1)
        if gauge.position() == before:
            return before


@pytest.mark.parametrize("sndbuf", [4096, 4_000_000])
def test_bytes_that_were_on_their_way_before_are_not_counted(small, sndbuf):
    async def work(transport: asyncio.Transport, peer: socket.socket) -> None:
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, sndbuf)
        transport.write(b"e" * EARLIER)
        gauge = DeliveryGauge(transport)
        try:
            transport.write(b"n" * 50_000)
            assert await settled(gauge) == 0
            await take(peer, EARLIER)
            assert await settled(gauge) <= 2 * small
            await take(peer, 50_000)
            assert await settled(gauge) == 50_000
        finally:
            gauge.close()

    connected(work, small)


def test_the_count_stays_true_after_a_reset(small):
    async def work(transport: asyncio.Transport, peer: socket.socket) -> None:
        gauge = DeliveryGauge(transport)
        try:
            transport.write(b"n" * EARLIER)
            await take(peer, 1000)
            before = await settled(gauge)
            assert 1000 <= before < EARLIER
            assert not gauge.is_dead()
            peer.close()
            while not (gauge.is_dead() and transport.is_closing()):
                await asyncio.sleep(0.01)
            assert gauge.position() == before
            assert transport.get_write_buffer_size() == 0  # so a count by subtraction would be wrong
        finally:
            gauge.close()

    connected(work, small)


def test_this_system_can_tell():
    check_platform()
