"""RFC 9110 section 14, and sets of bytes."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platform_core.fulfilment.delivery.coverage import Coverage
from platform_core.fulfilment.delivery.ranges import (
    MAX_RANGES,
    RangeNotSatisfiable,
    if_range_holds,
    parse_range,
)

SPANS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)).map(lambda ends: tuple(sorted(ends))))


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("bytes=0-499", ((0, 500),)),
        ("bytes=500-999", ((500, 1000),)),
        ("bytes=-500", ((9500, 10000),)),
        ("bytes=9500-", ((9500, 10000),)),
        ("bytes=0-0,-1", ((0, 1), (9999, 10000))),
        ("bytes=-99999", ((0, 10000),)),
        ("bytes=9990-20000", ((9990, 10000),)),
        ("BYTES = 0-1", ((0, 2),)),
        ("bytes= , 0-1 ,\t,5-6,", ((0, 2), (5, 7))),
        ("bytes=500-600,601-999", ((500, 1000),)),
        ("bytes=500-700,601-999", ((500, 1000),)),
        ("bytes=700-800,0-99,750-900", ((700, 901), (0, 100))),
        ("bytes=5-6,20000-", ((5, 7),)),
        ("bytes=00000000000000000000000005-6", ((5, 7),)),
        ("bytes=0-99999999999999999999999999", ((0, 10000),)),
        ("bytes=6-5", None),
        ("bytes=0-1,6-5", None),
        ("bytes=", None),
        ("bytes=,", None),
        ("bytes=-", None),
        ("bytes=+1-2", None),
        ("bytes=1 - 2", None),
        ("bytes=0x1-2", None),
        ("bytes=\u0661-\u0662", None),
        ("bytes=1.5-2", None),
        ("bytes=0-1;2-3", None),
        ("bytes", None),
        ("octets=0-1", None),
        ("", None),
    ],
)
def test_what_a_range_asks_of_ten_thousand_bytes(header, expected):
    assert parse_range(header, 10_000) == expected


@pytest.mark.parametrize(
    "header", ["bytes=10000-", "bytes=-0", "bytes=10000-10001,-0", "bytes=" + "9" * 5000 + "-"]
)
def test_what_no_byte_satisfies(header):
    with pytest.raises(RangeNotSatisfiable) as refused:
        parse_range(header, 10_000)
    assert refused.value.size == 10_000


def test_too_many_ranges_are_refused_and_as_many_as_allowed_are_not():
    allowed = [f"{at}-{at}" for at in range(0, 2 * MAX_RANGES, 2)]
    spans = parse_range("bytes=" + ",".join(allowed), 10_000)
    assert spans is not None
    assert len(spans) == MAX_RANGES
    with pytest.raises(RangeNotSatisfiable):
        parse_range("bytes=" + ",".join([*allowed, "900-"]), 10_000)


def test_an_empty_file_has_no_range():
    assert parse_range("bytes=-5", 0) is None
    with pytest.raises(RangeNotSatisfiable):
        parse_range("bytes=0-", 0)


@given(st.text(alphabet="bytes=0123456789-, x", max_size=40), st.integers(0, 50))
def test_any_field_gives_spans_inside_the_file_or_a_named_refusal(header, size):
    try:
        spans = parse_range(header, size)
    except RangeNotSatisfiable:
        return
    if spans is not None:
        assert spans
        assert all(0 <= start < stop <= size for start, stop in spans)
        assert sum(stop - start for start, stop in spans) == Coverage.of(spans).bytes


NOW = datetime(2026, 3, 2, 12, 0, 0, tzinfo=UTC)
DATE = "Sun, 01 Mar 2026 12:30:15 GMT"
MODIFIED = datetime(2026, 3, 1, 12, 30, 15, 999, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "modified", "holds"),
    [
        (None, None, True),
        ('"abc"', None, True),
        (' "abc" ', None, True),
        ('"ab"', None, False),
        ('W/"abc"', None, False),
        ('"abc", "abc"', None, False),
        ("abc", None, False),
        ("", MODIFIED, False),
        (DATE, MODIFIED, True),
        (DATE, None, False),
        (DATE, MODIFIED - timedelta(seconds=1), False),
        (DATE, MODIFIED + timedelta(seconds=1), False),
        ("Sun, 01 Mar 2026 12:30:15", MODIFIED, False),
        ("soon", MODIFIED, False),
    ],
)
def test_if_range(header, modified, holds):
    assert if_range_holds(header, "abc", modified, NOW) is holds


def test_a_date_of_this_very_second_is_no_strong_validator():
    assert not if_range_holds(DATE, "abc", MODIFIED, MODIFIED)


def bytes_of(spans):
    return {at for start, stop in spans for at in range(start, stop)}


@given(SPANS)
def test_coverage_is_the_set_of_its_bytes(spans):
    covered = Coverage()
    for start, stop in spans:
        covered = covered.add(start, stop)
    expected = bytes_of(spans)
    assert bytes_of(covered.spans) == expected
    assert covered.bytes == len(expected)
    assert covered == Coverage.of(spans)
    assert Coverage.from_json(covered.to_json()) == covered
    ends = [end for span in covered.spans for end in span]
    assert ends == sorted(set(ends))
    for size in (0, 1, 30, 61):
        assert covered.is_complete(size) == (set(range(size)) <= expected)


@given(SPANS, SPANS)
def test_a_union_is_a_union(one, other):
    assert bytes_of((Coverage.of(one) | Coverage.of(other)).spans) == bytes_of(one) | bytes_of(other)


@pytest.mark.parametrize(
    "wrong", [None, {}, [1], [[1]], [[1, 2, 3]], [["1", 2]], [[2, 1]], [[-1, 2]], [[True, 2]]]
)
def test_a_damaged_coverage_is_refused(wrong):
    with pytest.raises(ValueError, match=r"coverage|span"):
        Coverage.from_json(wrong)
