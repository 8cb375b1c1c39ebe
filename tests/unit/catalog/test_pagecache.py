"""The page cache: bounded, keyed by all that a page depends on, and never for anything personal."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from webob.multidict import MultiDict

from platform_core.catalog.pagecache import ENTRY_BYTES, PERSONAL_COOKIES, PageCache, key_of
from tests.common.shelves import NOON, offer_row, product_row, store

NAMES = ("sort", "os")


def request(**values: Any) -> Any:
    fields: dict[str, Any] = {
        "method": "GET",
        "store": store([product_row("a", offer_row(ends_at=(NOON + timedelta(days=1)).isoformat()))]),
        "cookies": {},
        "GET": MultiDict(),
        "locale_name": "en",
        "currency": "CAD",
        "path": "/products",
    }
    return SimpleNamespace(**fields | values)


def test_the_same_request_has_the_same_key() -> None:
    assert key_of(request(), NAMES) == key_of(request(), NAMES) is not None
    assert key_of(request(method="HEAD"), NAMES) == key_of(request(), NAMES)


@pytest.mark.parametrize(
    "values",
    [
        {"locale_name": "fr"},
        {"currency": "USD"},
        {"path": "/"},
        {"GET": MultiDict(sort="name")},
        {"store": store(revision=2)},
        {"store": store([product_row("a", offer_row(ends_at=(NOON + timedelta(days=2)).isoformat()))])},
    ],
)
def test_what_changes_the_page_changes_the_key(values: dict[str, Any]) -> None:
    assert key_of(request(**values), NAMES) != key_of(request(), NAMES)


def test_a_price_that_has_ended_ends_the_page() -> None:
    row = product_row("a", offer_row(ends_at=(NOON + timedelta(hours=1)).isoformat()))
    before, after = store([row]), store([row], now=NOON + timedelta(hours=2))
    assert key_of(request(store=before), NAMES) != key_of(request(store=after), NAMES)


@pytest.mark.parametrize("cookie", PERSONAL_COOKIES)
def test_nobody_with_a_session_a_cart_or_a_note_is_served_from_the_cache(cookie: str) -> None:
    assert key_of(request(cookies={cookie: "x"}), NAMES) is None


def test_posts_and_foreign_parameters_are_passed_by() -> None:
    assert key_of(request(method="POST"), NAMES) is None
    assert key_of(request(GET=MultiDict(utm_source="x")), NAMES) is None
    assert key_of(request(GET=MultiDict(q="typed")), NAMES) is None
    assert key_of(request(store=None), NAMES) is None


def test_the_cache_is_bounded_and_drops_what_was_used_least_recently() -> None:
    cache = PageCache(3 * (ENTRY_BYTES + 100))
    for key in "abc":
        cache.put(key, b"x" * 100)
    assert cache.get("a") is not None
    cache.put("d", b"x" * 100)
    assert cache.get("b") is None and cache.get("a") is not None and len(cache) == 3
    cache.put("large", b"x" * 10_000)
    assert cache.get("large") is None and len(cache) == 3


@given(st.lists(st.tuples(st.integers(0, 5), st.binary(max_size=3000)), max_size=40))
def test_the_size_is_always_that_of_the_pages_and_below_the_bound(puts: list[tuple[int, bytes]]) -> None:
    cache = PageCache(9000)
    for key, body in puts:
        page = cache.put(key, body)
        assert page.body == body
        assert cache.size <= cache.most
    assert cache.size == sum(found.size for key in range(6) if (found := cache.get(key)))
