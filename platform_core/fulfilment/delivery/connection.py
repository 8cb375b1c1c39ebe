"""How much of what was written to a connection the other side's kernel has really taken.

A byte leaves us in three steps: asyncio's write buffer, the kernel's send queue, and the peer's
acknowledgement. Only the last one counts. Linux tells it in `TCP_INFO`: `tcpi_bytes_acked` (since 4.1)
counts acknowledged bytes of the connection's whole life, and goes on telling the truth after a reset, when
asyncio has thrown its buffer away and a count by subtraction (`sent - buffer - SIOCOUTQ`) would come out too
high. `SIOCOUTQ`, the number of bytes written but not acknowledged, is needed once, to know where in that
count an answer's body begins.
"""

import asyncio
import fcntl
import socket
import struct
import sys

_SIOCOUTQ = 0x5411
_TCP_NOTSENT_LOWAT = 25
_TCP_INFO_LENGTH = 136
_BYTES_ACKED = struct.Struct("=120xQ")
_STATE_CLOSED = 7
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)

SEND_QUEUE = 128 * 1024
"""Bytes not yet sent that the kernel may hold per connection, whatever its window; more only costs memory."""


class Unmeasurable(RuntimeError):
    """This system cannot tell what was delivered, so nothing must be counted on it."""


class DeliveryGauge:
    """Counts the acknowledged bytes that were written to `transport` after this object was made.

    It holds a duplicate of the socket, so that it can still be read when asyncio has closed its own;
    therefore the connection ends only after `close`, which every user owes it.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        if transport.get_extra_info("sslcontext") is not None:
            raise Unmeasurable("the download server speaks plain HTTP; TLS belongs to the proxy before it")
        self._socket: socket.socket = transport.get_extra_info("socket").dup()
        try:
            self._socket.setsockopt(socket.IPPROTO_TCP, _TCP_NOTSENT_LOWAT, SEND_QUEUE)
            self._origin = self._written() + transport.get_write_buffer_size()
        except BaseException:
            self._socket.close()
            raise

    def position(self) -> int:
        """Bytes written since the start that the peer has acknowledged. Never decreases."""
        return max(0, self._acknowledged() - self._origin)

    def is_dead(self) -> bool:
        """Whether the kernel has given the connection up: no further byte will ever be acknowledged."""
        return self._info()[0] == _STATE_CLOSED

    def reset_on_close(self) -> None:
        """What is still queued when the last descriptor closes is thrown away, not sent behind our back."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)

    def close(self) -> None:
        """Give the duplicate back."""
        self._socket.close()

    def _acknowledged(self) -> int:
        return int(_BYTES_ACKED.unpack_from(self._info())[0])

    def _info(self) -> bytes:
        return self._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_LENGTH)

    def _written(self) -> int:
        """Everything that was ever given to the kernel on this connection."""
        while True:
            before = self._acknowledged()
            queued = struct.unpack("i", fcntl.ioctl(self._socket, _SIOCOUTQ, b"\0" * 4))[0]
            if self._acknowledged() == before:
                return before + int(queued)


def check_platform() -> None:
    """Raise Unmeasurable unless this kernel tells acknowledged bytes."""
    if not sys.platform.startswith("linux"):
        raise Unmeasurable(
            "the download server needs Linux: only there the kernel tells what was acknowledged"
        )
    with socket.socket() as probe:
        if len(probe.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_LENGTH)) < _BYTES_ACKED.size:
            raise Unmeasurable("the download server needs Linux 4.1 or newer (no tcpi_bytes_acked here)")
