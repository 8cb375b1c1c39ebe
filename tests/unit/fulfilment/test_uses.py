"""A use kept in a row says of itself what the meter says of all attempts ever made (DLD-01, N14)."""

import random
from datetime import timedelta
from uuid import UUID

import pytest

from platform_core.fulfilment.delivery.coverage import Coverage
from platform_core.fulfilment.delivery.meter import Attempt, meter
from platform_core.fulfilment.delivery.uses import LOST_AFTER, TRIES_KEPT, Use
from platform_core.fulfilment.delivery.writer import AttemptChange
from tests.common.factories import moment

START = moment(2026, 5, 1, 12)
TENANT = DOWNLOAD = UUID(int=1)


def at(seconds: float):
    return START + timedelta(seconds=seconds)


def change(
    number: int, began: float, heard: float, spans, ended: float | None = None, complete: bool = False
):
    return AttemptChange(
        TENANT,
        DOWNLOAD,
        UUID(int=number),
        at(began),
        at(heard),
        Coverage.of(spans),
        at(ended) if ended is not None else None,
        complete,
    )


def through(use: Use) -> Use:
    """As it comes back from the row."""
    return Use.from_json(use.to_json(), use.size)


@pytest.mark.feature("DLD-01", "DLD-12")
def test_a_broken_try_and_its_resumption_are_one_use():
    use = through(Use(100).after(change(1, 0, 5, [(0, 40)], 5)))
    assert (use.meter(at(6)).used, use.meter(at(6)).broken_tries) == (0, 1)
    use = through(use.after(change(2, 60, 65, [(40, 100)], 65, True)))
    result = use.meter(at(70))
    assert (result.used, result.broken_tries, result.in_progress) == (1, 1, False)
    assert use.whole_at == at(65)


@pytest.mark.feature("DLD-13")
def test_parallel_parts_are_one_try():
    use = Use(100)
    for number in range(4):
        use = through(use.after(change(number, number / 10, 3, [(number * 25, number * 25 + 20)])))
    assert use.meter(at(3)).in_progress
    for number in range(4):
        part = change(number, number / 10, 4, [(number * 25 + 20, number * 25 + 25)], 4, True)
        use = through(use.after(part))
    result = use.meter(at(5))
    assert (result.used, result.broken_tries, result.in_progress) == (1, 0, False)
    assert len(use.tries) == 1, "what has ended is kept as one"


def test_an_attempt_whose_server_died_ends_when_it_was_last_heard_of():
    use = Use(100).after(change(1, 0, 5, [(0, 40)]))
    assert use.meter(at(60)).in_progress
    late = at(6) + LOST_AFTER
    assert (use.meter(late).in_progress, use.meter(late).broken_tries) == (False, 1)


def test_a_use_takes_what_began_before_it_was_whole():
    use = Use(10).after(change(1, 0, 5, [(0, 10)], 5, True))
    assert use.takes(change(2, 4, 6, [(0, 3)])) and not use.takes(change(3, 5.5, 6, [(0, 3)]))
    assert use.after(change(2, 4, 6, [(0, 3)], 6)).meter(at(7)).broken_tries == 0


def test_an_empty_file_is_used_when_one_answer_was_delivered():
    use = Use(0).after(change(1, 0, 1, []))
    assert use.meter(at(1)).used == 0
    assert use.after(change(1, 0, 2, [], 2, True)).meter(at(2)).used == 1


def test_thousands_of_parts_and_tries_take_little_room():
    use = Use(10_000)
    use = use.after(change(9999, 0, 1, [(0, 1)]))
    for number in range(2000):
        use = use.after(change(9999, 0, number + 1, [(0, 1)]))
        use = use.after(
            change(number, number + 0.2, number + 0.9, [(number, number + 1)], number + 0.9, True)
        )
    assert len(use.tries) == 2
    hour = 3600
    use = Use(10_000)
    for number in range(100):
        began = number * hour
        use = use.after(change(number, began, began + 5, [(number, number + 2)], began + 5))
    assert len(use.tries) <= TRIES_KEPT
    assert use.meter(at(101 * hour)).broken_tries == 100


@pytest.mark.feature("DLD-01")
@pytest.mark.parametrize("seed", range(200))
def test_a_row_and_the_meter_agree(seed):
    """Random attempts, told in random pieces and in the order in which they become known, some of them twice."""
    dice = random.Random(seed)
    size = dice.choice([1, 5, 40])
    attempts, changes, clock = [], [], 0.0
    for number in range(dice.randrange(1, 14)):
        clock += dice.choice([0.0, 0.5, 3.0, 40.0])
        length = dice.choice([0.0, 1.0, 5.0, 30.0])
        start = dice.randrange(size)
        stop = dice.randrange(start, size + 1)
        middle = dice.randrange(start, stop + 1)
        ended = clock + length
        complete = dice.random() < 0.4
        attempts.append(Attempt(at(clock), at(ended), complete, Coverage.of([(start, stop)])))
        changes += [
            (clock, change(number, clock, clock, [])),
            (clock + length / 2, change(number, clock, clock + length / 2, [(start, middle)])),
            (ended, change(number, clock, ended, [(middle, stop)], ended, complete)),
        ]
    use = Use(size)
    for _when, each in sorted(changes, key=lambda pair: pair[0]):
        use = through(use.after(each))
        if dice.random() < 0.3:
            assert use.after(each).meter(each.heard) == use.meter(each.heard), "twice is as once"
    wanted = meter(attempts, size)
    found = use.meter(at(clock + 100))
    assert (found.used, found.broken_tries) == (wanted.used, wanted.broken_tries)
    assert use.covered == Coverage.of(span for attempt in attempts for span in attempt.covered.spans)
