import itertools
from concurrent.futures import ThreadPoolExecutor

from platform_core.clock import machine_ms
from platform_core.db.ids import uuid7


def test_a_uuid7_is_one_by_rfc_9562() -> None:
    made = uuid7()
    assert made.version == 7
    assert made.variant == "specified in RFC 4122"
    assert abs((made.int >> 80) - machine_ms()) < 60_000


def test_they_rise_strictly_within_a_process() -> None:
    made = [uuid7() for _ in range(20_000)]  # far more than 4096 in one millisecond
    assert all(one < two for one, two in itertools.pairwise(made))


def test_threads_never_share_one() -> None:
    with ThreadPoolExecutor(8) as pool:
        batches = list(pool.map(lambda _n: [uuid7() for _ in range(2_000)], range(8)))
    assert len({made for batch in batches for made in batch}) == 16_000
    assert all(batch == sorted(batch) for batch in batches)
