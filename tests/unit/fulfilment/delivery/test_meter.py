"""What counts as used, as a broken try, as running."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platform_core.fulfilment.delivery.coverage import Coverage
from platform_core.fulfilment.delivery.meter import Attempt, Meter, meter

SIZE = 100
NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def attempt(began, ended, spans, complete=True):
    end = None if ended is None else NOON + timedelta(seconds=ended)
    return Attempt(NOON + timedelta(seconds=began), end, complete, Coverage.of(spans))


WHOLE = attempt(0, 9, [(0, 100)])


@pytest.mark.feature("DLD-01")
@pytest.mark.parametrize(
    ("attempts", "expected"),
    [
        ([], Meter()),
        ([WHOLE], Meter(used=1)),
        ([WHOLE, attempt(20, 25, [(0, 5)], complete=False)], Meter(used=1)),
        ([attempt(0, 9, [(0, 60)], complete=False)], Meter(broken_tries=1)),
        ([attempt(0, 9, [], complete=False)], Meter()),
        ([attempt(0, None, [(0, 60)], complete=False)], Meter(in_progress=True)),
        # three tries, then it works
        (
            [attempt(at, at + 5, [(0, at + 1)], complete=False) for at in (0, 10, 20)]
            + [attempt(30, 39, [(0, 100)])],
            Meter(used=1, broken_tries=3),
        ),
        # broken, then resumed
        (
            [attempt(0, 9, [(0, 60)], complete=False), attempt(20, 29, [(60, 100)])],
            Meter(used=1, broken_tries=1),
        ),
        # broken, and being resumed
        (
            [attempt(0, 9, [(0, 60)], complete=False), attempt(20, None, [(60, 70)], complete=False)],
            Meter(broken_tries=1, in_progress=True),
        ),
        # four parallel parts, one of which broke and was fetched again by the manager
        (
            [
                attempt(0, 9, [(0, 25)]),
                attempt(0, 4, [(25, 30)], complete=False),
                attempt(1, 9, [(50, 100)]),
                attempt(5, 8, [(30, 50)]),
            ],
            Meter(used=1),
        ),
        # four parallel parts that all broke together: one try
        ([attempt(0, 9, [(at, at + 5)], complete=False) for at in (0, 25, 50, 75)], Meter(broken_tries=1)),
        # parts that were delivered to their end, more to come
        ([attempt(0, 1, [(0, 30)]), attempt(5, 6, [(30, 60)])], Meter()),
        # a probe that the manager drops when its parts have started
        (
            [attempt(0, 2, [(0, 1)], complete=False), attempt(1, 9, [(0, 50)]), attempt(1, 9, [(50, 100)])],
            Meter(used=1),
        ),
    ],
)
def test_what_a_person_is_told(attempts, expected):
    assert meter(attempts, SIZE) == expected
    assert meter(reversed(attempts), SIZE) == expected


def test_uses_of_one_item_add_up():
    broken = Meter(used=1, broken_tries=3)
    assert sum([broken, Meter(in_progress=True)], Meter()) == Meter(1, 3, True)


def test_an_empty_file_is_used_when_an_answer_was_delivered():
    assert meter([], 0) == Meter()
    assert meter([attempt(0, 1, [])], 0) == Meter(used=1)


@st.composite
def attempts_of(draw):
    began = draw(st.integers(0, 40))
    ended = draw(st.none() | st.integers(began, 60))
    start, stop = sorted((draw(st.integers(0, SIZE)), draw(st.integers(0, SIZE))))
    return attempt(began, ended, [(start, stop)], complete=ended is not None and draw(st.booleans()))


@given(st.lists(attempts_of(), max_size=12), st.randoms())
def test_properties_of_the_meter(attempts, dice):
    told = meter(attempts, SIZE)
    every = Coverage.of(span for one in attempts for span in one.covered.spans)
    assert told.used == every.is_complete(SIZE)
    assert told.in_progress == any(one.ended is None for one in attempts)
    assert told.broken_tries <= sum(one.ended is not None and not one.complete for one in attempts)
    shuffled = list(attempts)
    dice.shuffle(shuffled)
    assert meter(shuffled, SIZE) == told
    if all(one.complete or one.ended is None for one in attempts):
        assert told.broken_tries == 0
    # one more attempt that fills the file never takes a use away, and never adds a broken try
    finished = meter([*attempts, attempt(100, 101, [(0, SIZE)])], SIZE)
    assert finished.used == 1
    assert finished.broken_tries <= told.broken_tries


@given(st.lists(st.integers(1, SIZE - 1), unique=True, max_size=8))
def test_any_cut_of_the_file_into_parallel_parts_is_one_use(cuts):
    ends = [0, *sorted(cuts), SIZE]
    parts = [attempt(0, 5, [span]) for span in itertools.pairwise(ends)]
    assert meter(parts, SIZE) == Meter(used=1)
    assert meter(parts[1:], SIZE) == Meter()
