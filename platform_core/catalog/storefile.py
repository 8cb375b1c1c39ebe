"""One store file, read whole: its configuration, its catalogue and a digest of everything that it depends on."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel

from platform_core.catalog import schema as catalogue_schema
from platform_core.catalog.art import PATTERNS
from platform_core.catalog.schema import CATALOGUE_KEYS, Catalogue, check_catalogue
from platform_core.tenancy import checking
from platform_core.tenancy.fields import Known
from platform_core.tenancy.plain_secrets import secret_flaws
from platform_core.tenancy.problems import (
    Problem,
    StoreFileErrors,
    located,
    logo_flaws,
    name_flaws,
    parse_toml,
)
from platform_core.tenancy.schema import StoreConfig
from platform_core.web.i18n import _

PluginSchemas = Mapping[str, type[BaseModel] | None]
IMPORTER = "1"
"""Raised when the same file is to be imported anew, because rows or documents are written differently."""

_LOGO = re.compile(rb"""^\s*logo\s*=\s*["']([^"'\n/]+)["']""", re.MULTILINE)
_SOURCE = re.compile(rb"""\bsource["']?\s*=\s*["']([^"'\n]+)["']""")


@dataclass(frozen=True, slots=True)
class StoreFile:
    """A valid store file. `text` and `data` are what it says literally, for messages about its lines."""

    path: Path
    file: str
    text: str
    config: StoreConfig
    catalogue: Catalogue
    logo_svg: str | None
    digest: str

    @property
    def slug(self) -> str:
        """The store's slug."""
        return self.config.store.slug


def digest_of(path: Path, incoming: Path | None = None) -> str:
    """A digest of a store file, its logo and the state of its downloads (size and time of change).

    Works on the bytes alone, without parsing: equal digests mean that an apply would find the same file. An
    unreadable file raises OSError.
    """
    return _digest(path, path.read_bytes(), incoming)


def _digest(path: Path, raw: bytes, incoming: Path | None) -> str:
    digest = hashlib.sha256(f"webstore store file {IMPORTER}\n".encode())
    digest.update(raw)
    for name in _LOGO.findall(raw):
        logo = path.parent / name.decode("utf-8", "replace")
        digest.update(b"\0logo\0" + (logo.read_bytes() if logo.is_file() else b""))
    for name in sorted(set(_SOURCE.findall(raw))) if incoming is not None else ():
        digest.update(b"\0source\0" + name + _state(incoming / name.decode("utf-8", "replace")))
    return digest.hexdigest()


def _state(path: Path) -> bytes:
    try:
        status = path.stat()
    except (OSError, ValueError):
        return b"\0missing"
    return f"\0{status.st_size} {status.st_mtime_ns}".encode()


def read_store_file(
    path: Path, plugin_schemas: PluginSchemas, *, incoming: Path | None = None, file: str | None = None
) -> StoreFile:
    """The store file at `path`. Raises StoreFileErrors with all that is wrong with it, sorted by line.

    `plugin_schemas` are the installed plugins with the models of their settings. `incoming` is the folder of
    new downloads; it only goes into the digest. `file` is how messages call the file, its path by default.
    """
    file = str(path) if file is None else file
    try:
        raw = path.read_bytes()
    except OSError as error:
        problem = Problem(file, 1, "", str(error.strerror or error), _("a file that can be read"))
        raise StoreFileErrors([problem]) from error
    text, data, problems = parse_toml(raw, file)
    if problems:
        raise StoreFileErrors(problems)
    configuration = {key: value for key, value in data.items() if key not in CATALOGUE_KEYS}
    catalogue_data = {key: value for key, value in data.items() if key in CATALOGUE_KEYS}
    known = checking.declared(configuration, Known(plugins=plugin_schemas))
    known = catalogue_schema.declared(catalogue_data, known, frozenset(PATTERNS))
    config, flaws = checking.check_config(configuration, known)
    catalogue, more = check_catalogue(catalogue_data, known)
    flaws += more
    secrets = list(secret_flaws(data, known.slug))
    hidden = {flaw.path for flaw in secrets}
    flaws = [flaw for flaw in flaws if flaw.path not in hidden] + secrets
    flaws += name_flaws(path, known.slug or None)
    brand = data.get("brand")
    logo = brand.get("logo") if isinstance(brand, dict) else None
    flaws += logo_flaws(path.parent, logo)
    if flaws or config is None or catalogue is None:
        raise StoreFileErrors(located(flaws, file, text, data))
    logo_svg = (path.parent / logo).read_text("utf-8") if isinstance(logo, str) else None
    return StoreFile(path, file, text, config, catalogue, logo_svg, _digest(path, raw, incoming))
