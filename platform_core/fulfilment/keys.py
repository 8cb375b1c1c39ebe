"""Credentials as bytes at rest: sealed for one place in one pool, and found again without being opened."""

import unicodedata
from dataclasses import dataclass
from uuid import UUID

from platform_core.keyring import KeyRing, Sealed

PURPOSE = "credential"
TAIL_PURPOSE = "credential-tail"
TAIL_LENGTH = 6
_TAIL_BYTES = 16


@dataclass(frozen=True, slots=True)
class Place:
    """Where a credential stands; sealed bytes open nowhere else (AES-GCM associated data)."""

    tenant_id: UUID
    pool_id: UUID
    credential_id: UUID

    @property
    def bound(self) -> bytes:
        """The 48 bytes of the three ids."""
        return self.tenant_id.bytes + self.pool_id.bytes + self.credential_id.bytes


@dataclass(frozen=True, slots=True)
class SealedKey:
    """What a credential's row holds of its value."""

    key_id: str
    secret: bytes
    fingerprint: bytes
    tail: bytes


def normal(value: str) -> str:
    """The form in which two spellings of one key are equal: NFKC, no space around, single spaces within.

    Upper and lower case stay apart: some publishers' keys differ by nothing else.
    """
    return " ".join(unicodedata.normalize("NFKC", value).split())


def last_characters(value: str) -> str:
    """The last six letters and digits, in upper case: what a person reads out to support."""
    return "".join(c for c in normal(value).upper() if c.isalnum())[-TAIL_LENGTH:]


def seal(keys: KeyRing, place: Place, value: str) -> SealedKey:
    """Seal a value with the ring's current key."""
    sealed = keys.seal(PURPOSE, value.encode(), place.bound)
    return SealedKey(sealed.key_id, sealed.blob, fingerprint(keys, value), tail(keys, value))


def open_key(keys: KeyRing, place: Place, key_id: str, secret: bytes) -> str:
    """The value. Raises cryptography's InvalidTag for bytes from elsewhere, KeyError for a key not on the ring."""
    return keys.open(PURPOSE, Sealed(key_id, secret), place.bound).decode()


def fingerprint(keys: KeyRing, value: str, key_id: str | None = None) -> bytes:
    """Equal for equal keys of one ring key (default: the current one)."""
    return keys.fingerprint(PURPOSE, normal(value).encode(), key_id)


def fingerprints(keys: KeyRing, value: str) -> list[bytes]:
    """The fingerprint under each key of the ring, current first: rows wait for `webstore keys rotate`."""
    return [fingerprint(keys, value, key_id) for key_id in keys.ids]


def tail(keys: KeyRing, value: str, key_id: str | None = None) -> bytes:
    """A fingerprint of the last six characters, for the search by what a person reads out."""
    return keys.fingerprint(TAIL_PURPOSE, last_characters(value).encode(), key_id)[:_TAIL_BYTES]
