"""Passwords: Argon2id (RFC 9106), hashed before any transaction begins."""

from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MINIMUM = 12
MAXIMUM = 1000


@lru_cache(maxsize=1)
def _hasher() -> PasswordHasher:
    return PasswordHasher()


def hash_password(password: str) -> str:
    """The text that is stored."""
    return _hasher().hash(password)


@lru_cache(maxsize=1)
def _dummy() -> str:
    return hash_password("nobody has this password")


def verify_password(stored: str | None, password: str) -> bool:
    """Is it the password? An unknown account costs the same work as a known one."""
    try:
        _hasher().verify(stored or _dummy(), password)
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None
