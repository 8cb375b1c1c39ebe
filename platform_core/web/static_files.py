"""Static files: content-hashed addresses that never change, so that they may be kept for ever."""

import hashlib
from functools import lru_cache
from typing import Any

from pyramid.path import AssetResolver

ONE_YEAR = 365 * 24 * 3600


@lru_cache(maxsize=256)
def _digest(spec: str) -> str:
    with AssetResolver().resolve(spec).stream() as file:
        return hashlib.sha256(file.read()).hexdigest()[:12]


class ContentHash:
    """Pyramid cache buster: the address of a file carries the hash of its bytes."""

    def __call__(self, request: Any, subpath: str, kw: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        query = dict(kw.get("_query") or {})
        query["v"] = _digest(kw["pathspec"])
        kw["_query"] = query
        return subpath, kw


def includeme(config: Any) -> None:
    """Serve `platform_core.web:static` below `/static`."""
    config.add_static_view("static", "platform_core.web:static", cache_max_age=ONE_YEAR, request_method="GET")
    config.add_cache_buster("platform_core.web:static/", ContentHash())
