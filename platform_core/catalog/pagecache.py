"""Pages that are the same for every visitor of a store, kept in this process.

A view registered with `cached=(names…)` is kept for requests that carry nothing personal: no session, no cart,
no note of the page before. `names` are the query parameters that its page depends on; a request with any other
is answered anew, so that nobody can put a parameter of their own into somebody else's page.

The key holds what the page depends on: store, revision, language, currency, path, query, and the next moment at
which a price begins or ends. The answer is never `public`: a proxy must not serve it, since the address is the
same for a person who is signed in. It carries an ETag instead.
"""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

from pyramid.response import Response

from platform_core.catalog.shelf import shelf

MOST_BYTES = 64 * 1024 * 1024
ENTRY_BYTES = 1024
"""What an entry takes beside its page."""
PERSONAL_COOKIES = ("sid", "__Host-sid", "cart", "__Host-cart", "note")


@dataclass(frozen=True, slots=True)
class _Page:
    body: bytes
    etag: str

    @property
    def size(self) -> int:
        return len(self.body) + ENTRY_BYTES


class PageCache:
    """Pages by key, the least recently used leave first. Thread-safe; never holds more than `most` bytes."""

    def __init__(self, most: int = MOST_BYTES) -> None:
        self.most = most
        self.size = 0
        self._pages: OrderedDict[Hashable, _Page] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._pages)

    def get(self, key: Hashable) -> _Page | None:
        """The page kept under `key`."""
        with self._lock:
            page = self._pages.get(key)
            if page is not None:
                self._pages.move_to_end(key)
            return page

    def put(self, key: Hashable, body: bytes) -> _Page:
        """Keep a page; one that is larger than the whole cache is answered and not kept."""
        page = _Page(body, hashlib.sha256(body).hexdigest()[:24])
        if page.size <= self.most:
            with self._lock:
                old = self._pages.pop(key, None)
                self.size += page.size - (old.size if old else 0)
                self._pages[key] = page
                while self.size > self.most:
                    _key, gone = self._pages.popitem(last=False)
                    self.size -= gone.size
        return page


def key_of(request: Any, names: tuple[str, ...]) -> Hashable | None:
    """What the page of a request is kept under, or None where the request is not for keeping."""
    if request.method not in {"GET", "HEAD"} or request.store is None:
        return None
    if any(name in request.cookies for name in PERSONAL_COOKIES):
        return None
    query = tuple(request.GET.items())
    if any(name not in names for name, _value in query):
        return None
    store = request.store
    boundary = shelf(store).next_boundary(store.clock.now())
    speaks = (request.locale_name, request.currency)
    return (store.id, store.revision, store.closed, speaks, request.path, query, boundary)


def cached_deriver(view: Callable[[Any, Any], Any], info: Any) -> Callable[[Any, Any], Any]:
    """View option `cached=("sort", "page")`: see above."""
    names = info.options.get("cached")
    if names is None:
        return view
    cache: PageCache = info.registry.page_cache

    def from_cache(context: Any, request: Any) -> Any:
        key = key_of(request, names)
        if key is None:
            return view(context, request)
        page = cache.get(key)
        if page is None:
            response = view(context, request)
            if response.status_code != 200 or "Set-Cookie" in response.headers:
                return response
            page = cache.put(key, response.body)
        answer = Response(page.body, content_type="text/html", charset="utf-8")
        answer.etag = page.etag
        answer.headers["Cache-Control"] = "private, no-cache"
        answer.conditional_response = True
        return answer

    return from_cache


cached_deriver.options = ("cached",)  # type: ignore[attr-defined]


def includeme(config: Any) -> None:
    """Add the view option and the cache of this process."""
    config.registry.page_cache = PageCache()
    config.add_view_deriver(
        cached_deriver, "webstore_page_cache", over="rendered_view", under="decorated_view"
    )
