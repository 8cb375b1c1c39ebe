"""Identifiers: UUIDv7 (RFC 9562), which sort by the time they were made."""

import secrets
import threading
from uuid import UUID

from platform_core.clock import machine_ms


class _Stamps:
    """Milliseconds and a 12-bit counter, rising strictly within the process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0

    def next(self) -> int:
        with self._lock:
            self._last = max(machine_ms() << 12, self._last + 1)
            return self._last


_stamps = _Stamps()


def uuid7() -> UUID:
    """A new UUIDv7. Within one process they rise strictly."""
    stamp = _stamps.next()
    high = (stamp >> 12 << 16) | 0x7000 | (stamp & 0xFFF)
    return UUID(int=high << 64 | 0b10 << 62 | secrets.randbits(62))
