"""The platform's secret: a key ring in one file, first key current.

Each line is `id:base64` of 32 random bytes. New material is made with the first key; the others still open
what they closed, until `webstore keys rotate` has rewritten it.
"""

import base64
import hashlib
import hmac
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32
_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,16}")  # rows keep the id of the key that opens them


class BadKeyRing(ValueError):
    """The secret file is missing or not a key ring."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """An encrypted value and the id of the key that opens it."""

    key_id: str
    blob: bytes


class KeyRing:
    """Keys by id, first is current. Purposes never share a key: each derives its own (HKDF, RFC 5869)."""

    def __init__(self, keys: dict[str, bytes]) -> None:
        if not keys or any(len(key) != KEY_BYTES for key in keys.values()):
            raise BadKeyRing(f"a key ring holds at least one key, each of {KEY_BYTES} bytes")
        self._keys = dict(keys)
        self._derived: dict[tuple[str, str], bytes] = {}

    @classmethod
    def load(cls, path: Path) -> "KeyRing":
        """Read the secret file. Raises BadKeyRing that says what is wrong and what to do."""
        try:
            lines = path.read_text("ascii").split()
        except (OSError, UnicodeDecodeError) as error:
            raise BadKeyRing(
                f"{path.name} cannot be read ({type(error).__name__}); `webstore demo` makes one"
            ) from error
        keys: dict[str, bytes] = {}
        for number, line in enumerate(lines, 1):
            key_id, _, material = line.partition(":")
            try:
                key = base64.b64decode(material, validate=True)
            except ValueError:
                key = b""
            if not _KEY_ID.fullmatch(key_id) or len(key) != KEY_BYTES:
                raise BadKeyRing(f"{path.name}:{number}: allowed is `id:` and {KEY_BYTES} bytes in base64")
            if key_id in keys:
                raise BadKeyRing(f"{path.name}:{number}: the id {key_id} stands there twice")
            keys[key_id] = key
        return cls(keys)

    @classmethod
    def create(cls, path: Path) -> "KeyRing":
        """Write a new ring with one key, readable by the owner only; an existing file is kept."""
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            # Several processes start at once: the file appears complete or not at all, and the first one wins.
            part = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(new_key_line() + "\n")
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(part, path)
            except FileExistsError:
                pass
            finally:
                part.unlink()
        return cls.load(path)

    @property
    def ids(self) -> list[str]:
        """Key ids, current first."""
        return list(self._keys)

    @property
    def current(self) -> str:
        """The id of the key that new material is made with."""
        return next(iter(self._keys))

    def derive(self, purpose: str, key_id: str | None = None) -> bytes:
        """32 bytes for one purpose. Raises KeyError for a key that is not on the ring."""
        key_id = self.current if key_id is None else key_id
        slot = (key_id, purpose)
        if slot not in self._derived:
            derivation = HKDF(hashes.SHA256(), 32, salt=None, info=f"webstore:{purpose}".encode())
            self._derived[slot] = derivation.derive(self._keys[key_id])
        return self._derived[slot]

    def seal(self, purpose: str, value: bytes, bound_to: bytes) -> Sealed:
        """Encrypt with AES-256-GCM; `bound_to` must be the same to open it (associated data)."""
        nonce = secrets.token_bytes(12)
        cipher = AESGCM(self.derive(purpose))
        return Sealed(self.current, nonce + cipher.encrypt(nonce, value, bound_to))

    def open(self, purpose: str, sealed: Sealed, bound_to: bytes) -> bytes:
        """Decrypt. Raises cryptography's InvalidTag if anything was changed, KeyError for a key not on the ring."""
        cipher = AESGCM(self.derive(purpose, sealed.key_id))
        return cipher.decrypt(sealed.blob[:12], sealed.blob[12:], bound_to)

    def fingerprint(self, purpose: str, value: bytes, key_id: str | None = None) -> bytes:
        """An HMAC-SHA256 that finds equal values without revealing them."""
        return hmac.new(self.derive(f"{purpose}:fingerprint", key_id), value, hashlib.sha256).digest()


def new_key_line() -> str:
    """One line for a secret file: put it first to rotate."""
    return f"k{secrets.token_hex(4)}:{base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()}"
