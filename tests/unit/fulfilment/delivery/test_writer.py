"""The thread between the event loop and storage."""

import threading
from uuid import uuid4

import pytest

from platform_core.clock import Clock
from platform_core.fulfilment.delivery.backend import Grant
from platform_core.fulfilment.delivery.writer import MeterWriter

NEVER = 3600.0


class Sink:
    """Fails as often as it is told to, then keeps what it is given."""

    def __init__(self, failures=0):
        self.failures = failures
        self.batches = []
        self.tries = 0
        self.applied = threading.Condition()

    def apply(self, batch):
        with self.applied:
            self.tries += 1
            self.applied.notify_all()
            if self.failures:
                self.failures -= 1
                raise OSError("the database is away")
            self.batches.append(batch)

    def wait(self, tries):
        with self.applied:
            assert self.applied.wait_for(lambda: self.tries >= tries, 10)

    @property
    def changes(self):
        return [change for batch in self.batches for change in batch.changes]


def grant():
    return Grant(uuid4(), uuid4(), uuid4(), "x", 100, "e" * 64, "x.bin")


@pytest.fixture
def writers():
    made = []

    def make(sink, **options):
        made.append(MeterWriter(sink, Clock(), **options))
        return made[-1]

    yield make
    for writer in made:
        writer.close(1)


def test_what_happens_within_an_interval_is_one_change_per_attempt(writers):
    sink = Sink()
    writer = writers(sink, interval=NEVER)
    first = grant()
    writer.begin(first)
    sink.wait(1)  # the first batch goes at once
    second = grant()
    writer.begin(second)
    writer.delivered(first.attempt_id, 0, 40)
    writer.delivered(first.attempt_id, 40, 60)
    writer.delivered(second.attempt_id, 7, 9)
    writer.ended(first.attempt_id, True)
    assert len(sink.batches) == 1
    assert writer.flush_now()
    assert len(sink.batches) == 2
    told = {change.attempt_id: change for change in sink.batches[1].changes}
    assert told[first.attempt_id].delivered.spans == ((0, 60),)
    assert told[first.attempt_id].complete
    assert told[first.attempt_id].ended is not None
    assert told[first.attempt_id].began <= told[first.attempt_id].heard
    assert told[second.attempt_id].delivered.spans == ((7, 9),)
    assert told[second.attempt_id].ended is None


def test_a_change_tells_only_what_is_new(writers):
    sink = Sink()
    writer = writers(sink, interval=NEVER)
    one = grant()
    writer.begin(one)
    writer.delivered(one.attempt_id, 0, 10)
    assert writer.flush_now()
    writer.delivered(one.attempt_id, 10, 20)
    assert writer.flush_now()
    writer.flush_now()
    assert [span for change in sink.changes for span in change.delivered.spans] == [(0, 10), (10, 20)]


def test_a_batch_is_grouped_by_download_in_a_fixed_order(writers):
    sink = Sink()
    writer = writers(sink, interval=NEVER)
    first = grant()
    writer.begin(first)
    sink.wait(1)
    grants = sorted((grant() for _ in range(5)), key=lambda g: (g.tenant_id, g.download_id))
    for one in reversed(grants):
        writer.begin(one)
    assert writer.flush_now()
    groups = list(sink.batches[-1].by_download())
    assert [(tenant, download) for tenant, download, _ in groups] == [
        (g.tenant_id, g.download_id) for g in grants
    ]
    assert all(len(changes) == 1 for _, _, changes in groups)


def test_a_failed_batch_comes_again_and_loses_nothing(writers, caplog):
    sink = Sink(failures=3)
    writer = writers(sink, interval=0.001)
    one = grant()
    writer.begin(one)
    sink.wait(1)
    writer.delivered(one.attempt_id, 0, 100)
    writer.ended(one.attempt_id, True)
    assert writer.flush_now()
    assert sink.tries >= 4
    assert sink.changes[-1].complete
    assert {span for change in sink.changes for span in change.delivered.spans} == {(0, 100)}
    assert "could not be stored" in caplog.text


def test_a_flush_does_not_wait_for_the_backoff(writers):
    sink = Sink(failures=1)
    writer = writers(sink, interval=NEVER)
    writer.begin(grant())
    sink.wait(1)
    assert writer.flush_now()
    assert len(sink.changes) == 1


def test_storage_that_stays_away_never_blocks_and_loses_in_the_buyers_favour(writers, caplog):
    sink = Sink(failures=1)
    writer = writers(sink, interval=NEVER, capacity=10)
    known = grant()
    writer.begin(known)
    sink.wait(1)
    for _ in range(25):
        late = grant()
        writer.begin(late)
        writer.delivered(late.attempt_id, 0, 100)
        writer.ended(late.attempt_id, True)
    writer.delivered(known.attempt_id, 0, 100)
    assert writer.flush_now()
    assert writer.flush_now()
    assert len({change.attempt_id for change in sink.changes}) == 11
    assert "15 download attempts were not recorded" in caplog.text


def test_close_applies_what_is_left(writers):
    sink = Sink()
    writer = writers(sink, interval=NEVER)
    one = grant()
    writer.begin(one)
    sink.wait(1)
    writer.delivered(one.attempt_id, 0, 5)
    assert writer.close()
    assert sink.changes[-1].delivered.spans == ((0, 5),)
    writer.begin(grant())
    assert writer.close()
    assert len(sink.batches) == 2


def test_close_says_that_storage_was_away(writers, caplog):
    sink = Sink(failures=1_000_000)
    writer = writers(sink, interval=0.01)
    writer.begin(grant())
    assert not writer.close(0.2)
    assert not writer.flush_now(0.1)
    assert "storage was away at the stop" in caplog.text
