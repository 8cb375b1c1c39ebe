"""Signed download addresses: `/d/{payload}.{mac}`, valid for 24 hours, no cookie needed.

Payload: version (1 byte), tenant (16), download (16), expiry in wall seconds since the epoch (8,
big-endian), key identifier (ASCII); base64url without padding. MAC: HMAC-SHA256 over the payload's text,
keyed by HKDF-SHA256 (RFC 5869) from a platform secret.
"""

import base64
import binascii
import hashlib
import hmac
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from platform_core.clock import Clock

LIFETIME = timedelta(hours=24)

_VERSION = 1
_HEAD = struct.Struct(">B16s16sQ")
_TOKEN = re.compile(r"([A-Za-z0-9_-]{1,160})\.([A-Za-z0-9_-]{43})\Z")
_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,32}\Z")


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a signed address says: which download of which store, until when (wall seconds since the
    epoch).
    """

    tenant_id: UUID
    download_id: UUID
    expires: int
    key_id: str


class BadToken(Exception):
    """A download address that opens nothing."""


class ForgedToken(BadToken):
    """Not made by this platform, damaged, or signed with a key that is no longer in the ring."""


class ExpiredToken(BadToken):
    """Genuine, but its 24 hours are over; `ticket` tells which download it was for."""

    def __init__(self, ticket: Ticket) -> None:
        super().__init__(f"expired at {ticket.expires}")
        self.ticket = ticket


class Signer:
    """Signs and checks download addresses.

    `secrets` maps key identifiers to platform secrets; the first one signs, all of them check, so that a
    secret can be rotated while addresses are under way.
    """

    def __init__(self, secrets: Mapping[str, bytes], clock: Clock, lifetime: timedelta = LIFETIME) -> None:
        if not secrets:
            raise ValueError("at least one secret is needed to sign download addresses")
        for key_id, secret in secrets.items():
            if not _KEY_ID.match(key_id):
                raise ValueError(f"key identifier {key_id!r}: use 1 to 32 letters, digits, - or _")
            if len(secret) < 16:
                raise ValueError(f"the secret {key_id!r} is shorter than 16 bytes")
        self._keys = {key_id: _derive(secret) for key_id, secret in secrets.items()}
        self._current = next(iter(self._keys))
        self._clock = clock
        self._lifetime = int(lifetime.total_seconds())

    def sign(self, tenant_id: UUID, download_id: UUID) -> str:
        """A token for this download, valid from now for the signer's lifetime."""
        expires = int(self._clock.wall().timestamp()) + self._lifetime
        head = _HEAD.pack(_VERSION, tenant_id.bytes, download_id.bytes, expires)
        payload = _encode(head + self._current.encode("ascii"))
        return f"{payload}.{_mac(self._keys[self._current], payload)}"

    def path(self, tenant_id: UUID, download_id: UUID) -> str:
        """The address's path, `/d/{token}`."""
        return f"/d/{self.sign(tenant_id, download_id)}"

    def verify(self, token: str) -> Ticket:
        """The ticket of a token. Raises ForgedToken or ExpiredToken; expiry is told only of genuine ones."""
        found = _TOKEN.match(token)
        if not found:
            raise ForgedToken("not a download token")
        payload, mac = found.groups()
        try:
            raw = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
            version, tenant, download, expires = _HEAD.unpack_from(raw)
            key_id = raw[_HEAD.size :].decode("ascii")
        except (binascii.Error, struct.error, UnicodeDecodeError):
            raise ForgedToken("the payload cannot be read") from None
        key = self._keys.get(key_id)
        # The text of the MAC is compared, not its bytes: base64's last character has spare bits, and one
        # address must have one spelling.
        genuine = hmac.compare_digest(mac, _mac(key or b"\0" * 32, payload))
        if key is None or not genuine or version != _VERSION:
            raise ForgedToken("the signature does not fit")
        ticket = Ticket(UUID(bytes=tenant), UUID(bytes=download), expires, key_id)
        if self._clock.wall().timestamp() >= expires:
            raise ExpiredToken(ticket)
        return ticket


def _derive(secret: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"webstore download address 1").derive(secret)


def _mac(key: bytes, payload: str) -> str:
    return _encode(hmac.digest(key, payload.encode("ascii"), hashlib.sha256))


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")
