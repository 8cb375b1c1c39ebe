"""No secret stands in a store file: what looks like one must be a reference to where it is kept."""

import re
from collections.abc import Iterator
from typing import Any

from platform_core.tenancy.flaws import Flaw, Path
from platform_core.web.i18n import _

_WORDS = re.compile(
    r"(^|_)(secrets?|passwords?|passwd|passphrases?|tokens?|api_?keys?|private_?keys?|access_?keys?)(_|$)"
)
_HARMLESS_ENDS = ("_url", "_endpoint", "_label", "_hint", "_minutes", "_hours", "_days", "_length", "_name")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_REFERENCE_FILE = re.compile(r"file:[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*")


def looks_secret(key: str) -> bool:
    """Does the name of a key promise a secret (`client_secret`, `apiKey`, `SMTP-PASSWORD`)?"""
    words = _CAMEL.sub("_", key).replace("-", "_").lower()
    return bool(_WORDS.search(words)) and not words.endswith(_HARMLESS_ENDS)


def environment_prefix(slug: str) -> str:
    """What the names of a store's own secrets in the environment begin with."""
    return f"WEBSTORE_STORE_{slug.upper().replace('-', '_')}_"


def secret_flaws(data: Any, slug: str, path: Path = ()) -> Iterator[Flaw]:
    """Every value under a secret's key that is no reference. The value itself is never shown."""
    if isinstance(data, dict):
        for key, value in data.items():
            here = (*path, key)
            if looks_secret(str(key)) and not isinstance(value, bool | dict):
                yield from _plain(value, slug, here)
            else:
                yield from secret_flaws(value, slug, here)
    elif isinstance(data, list):
        for index, item in enumerate(data):
            yield from secret_flaws(item, slug, (*path, index))


def _plain(value: Any, slug: str, path: Path) -> Iterator[Flaw]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            if isinstance(item, dict | list):
                yield from secret_flaws(item, slug, (*path, index))
            else:
                yield from _plain(item, slug, (*path, index))
        return
    prefix = environment_prefix(slug)
    if isinstance(value, str):
        name = value.removeprefix("env:")
        if name != value and re.fullmatch(re.escape(prefix) + "[A-Z0-9_]+", name):
            return
        if value == "vault" or (_REFERENCE_FILE.fullmatch(value) and ".." not in value):
            return
    reference = value.startswith(("env:", "file:")) if isinstance(value, str) else False
    yield Flaw(
        path,
        repr(value) if reference else _("a plain secret (not shown)"),
        _("env:${prefix}…, file:<name> or vault", mapping={"prefix": prefix}),
        ""
        if reference
        else _("take the value out of the file, change it where it was valid, and name where it is kept"),
    )
