"""Jobs: nothing is lost and nothing happens twice, whatever becomes of the worker. On both databases."""

import os
import subprocess
import sys
import threading
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from platform_core.clock import Clock
from platform_core.db import Database
from platform_core.events.models import Event
from platform_core.jobs.models import Job, JobState, TimeBase
from platform_core.jobs.queue import dead_jobs, enqueue
from platform_core.jobs.runner import MAX_ATTEMPTS, PRUNE, LeaseLost, without_handler
from platform_core.tenancy.services import move_clock
from tests.common import job_worker
from tests.common.factories import House

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def house(database: Database) -> House:
    return House(database, handlers=job_worker.JOBS)


def ask(house: House, name: str, **options) -> None:
    with house.session() as session:
        enqueue(session, house.clock, name, **options)


def noted(house: House, tag: str = "test:note") -> list[str]:
    with house.session() as session:
        events = session.scalars(sa.select(Event).where(Event.tag == tag).order_by(Event.id))
        return [event.data.get("text", "") for event in events]


def later(house: House, runner=None, **span) -> int:
    """Run what is due so much later."""
    runner = runner or house.runner()
    runner.clock = runner.stores.clock = still(house.wall() + timedelta(**span))
    return runner.run_due()


def still(at: datetime) -> Clock:
    """A clock that stands."""
    return Clock(lambda: at)


def process(house: House, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.common.job_worker", url(house), *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


def url(house: House) -> str:
    return house.database.url.render_as_string(hide_password=False)


def test_a_job_exists_if_and_only_if_the_transaction_commits(house):
    with house.database.session(house.tenant_id) as session:
        enqueue(session, house.clock, "test.note", text="never")
        session.rollback()
    ask(house, "test.note", text="once")
    assert house.work() == 1
    assert noted(house) == ["once"]
    assert house.work() == 0


@pytest.mark.parametrize("point", ["job.claimed", "job.handled", "job.ended", "job.committed"])
def test_a_worker_killed_at_any_point_loses_nothing_and_repeats_nothing(house, point):
    ask(house, "test.note", text="A")
    ask(house, "test.note", text="B")
    assert process(house, "once", WEBSTORE_KILL_AT=point).returncode == -9
    later(house, seconds=1)
    assert len(noted(house)) == (2 if point == "job.committed" else 1), "the other job does not wait"
    later(house, seconds=61)
    assert sorted(noted(house)) == ["A", "B"]
    assert {job.state for job in house.jobs()} == {JobState.DONE}


def test_steps_that_were_committed_stand(house):
    ask(house, "test.steps")
    assert process(house, "once", TEST_DIE_AFTER="two").returncode == -9
    assert noted(house, "test:step") == ["one", "two"]
    later(house, seconds=61)
    assert noted(house, "test:step") == ["one", "two", "three"]


def test_a_job_that_kills_its_worker_ends_dead(house):
    ask(house, "test.kill")
    job_id = house.jobs()[0].id
    with house.session() as session:
        session.execute(
            sa.update(Job).values(attempts=MAX_ATTEMPTS - 1),
            execution_options={"synchronize_session": False},
        )
    assert process(house, "once").returncode == -9
    assert later(house, seconds=61) == 0
    with house.session() as session:
        (dead,) = dead_jobs(session)
        assert (dead.id, dead.attempts, dead.error) == (job_id, 8, "its worker was lost 8 times")


def test_a_failure_waits_longer_each_time_and_ends_dead(house):
    ask(house, "test.fail", once="it")
    runner = house.runner()
    pauses, at = [], house.wall()
    for _ in range(MAX_ATTEMPTS):
        runner.clock = still(at)
        assert runner.run_due() == 1
        (job,) = house.jobs()
        if job.state is JobState.READY:
            pauses.append(round((job.run_at - at).total_seconds()))
            at = job.run_at
    assert pauses == [2, 4, 8, 16, 32, 64, 128]
    (job,) = house.jobs()
    assert (job.state, job.once_key) == (JobState.DEAD, None)
    assert job.error is not None
    assert job.error.startswith("ValueError: this job cannot be done at job_worker.py:")
    ask(house, "test.fail", once="it")
    assert len(house.jobs()) == 2, "a dead job keeps nobody from asking anew"


def test_an_error_of_the_database_keeps_values_out_of_the_job_table(house):
    def clash(job):
        record = {"tenant_id": job.store.id, "username": "emma.thibodeau"}
        job.session.execute(sa.text("SELECT * FROM no_such_table WHERE x = :username"), record)

    house.job_handlers["test.clash"] = clash
    ask(house, "test.clash")
    house.work()
    (job,) = house.jobs()
    assert "emma" not in job.error and "WallBreach" in job.error


def test_once_is_one_job_until_it_begins(house):
    for _ in range(3):
        ask(house, "test.note", text="x", once="a")
    assert len(house.jobs()) == 1

    def during(job):
        ask(house, "test.note", text="asked while it ran", once="a")

    house.job_handlers["test.note"] = during
    assert house.runner().run_one()
    assert [job.state for job in house.jobs()] == [JobState.DONE, JobState.READY]


@pytest.mark.postgres
def test_a_job_that_is_asked_for_again_does_not_run_before_the_asker_commits(house):
    ask(house, "test.note", text="x", once="a")
    with house.database.session(house.tenant_id) as session:
        enqueue(session, house.clock, "test.note", text="x", once="a")
        assert house.work() == 0, "its run would not see what this transaction writes"
        session.commit()
    assert house.work() == 1
    assert len(house.jobs()) == 1


def test_a_failed_job_takes_the_place_of_a_twin(house):
    ask(house, "test.fail", once="a")
    runner = house.runner()
    claimed = runner._claim()
    ask(house, "test.fail", once="a")
    runner._run(claimed)
    (job,) = house.jobs()
    assert (job.attempts, job.once_key is not None, job.state) == (1, True, JobState.READY)


def test_an_unknown_job_waits_for_its_plugin_without_using_up_tries(house):
    ask(house, "seats.remind", plugin="seats")
    ask(house, "test.note", text="others go on")
    for _ in range(20):
        later(house, minutes=10)
    (job, _done) = house.jobs()
    assert (job.state, job.attempts) == (JobState.READY, 0)
    assert "seats.remind" in job.error
    assert noted(house) == ["others go on"]
    with house.database.session(read_only=True) as session:
        (waiting,) = without_handler(session, house.job_handlers)
    assert (waiting.name, waiting.count) == ("seats.remind", 1)
    house.job_handlers["seats.remind"] = lambda job: None
    assert later(house, minutes=20) == 1


def test_business_time_runs_apart_from_wall_time(house):
    ask(
        house,
        "test.note",
        text="in 8 days",
        run_at=house.clock.now() + timedelta(days=8),
        time_base=TimeBase.BUSINESS,
    )
    ask(house, "test.note", text="wall", run_at=house.clock.wall() + timedelta(days=8))
    assert house.work() == 0
    with house.database.session() as session, session.begin():
        move_clock(session, house.clock, timedelta(days=8, minutes=1))
    assert house.work() == 1
    assert noted(house) == ["in 8 days"]


def test_a_lost_lease_undoes_what_the_first_worker_did(house):
    ask(house, "test.note", text="A")
    slow, quick = house.runner("slow"), house.runner("quick")
    claimed = slow._claim()
    assert later(house, quick, seconds=61) == 1
    slow._run(claimed)
    assert noted(house) == ["A"]


def test_a_lease_is_renewed_while_the_job_runs(house):
    runner = house.runner(lease=timedelta(seconds=0.3))
    rival = house.runner("rival")
    ran = threading.Event()

    def long(job):
        for _ in range(8):
            ran.wait(0.1)
            assert rival.run_due() == 0
        with pytest.raises(LeaseLost):
            rival._mine(job.session, job.id, {"error": "mine"})

    runner.handlers["test.note"] = rival.handlers["test.note"] = long
    ask(house, "test.note", text="")
    assert runner.run_one()
    assert house.jobs()[0].state is JobState.DONE


def test_term_lets_the_running_job_finish(house):
    ask(house, "test.slow", seconds=1.0)
    ask(house, "test.note", text="not begun any more", run_at=house.clock.wall() + timedelta(seconds=0.5))
    worker = subprocess.Popen(
        [sys.executable, "-m", "tests.common.job_worker", url(house)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        lines: list[str] = []
        assert worker.stdout is not None
        while not lines or lines[-1] != "running":
            line = worker.stdout.readline().strip()
            assert line, lines
            if line in ("started", "running"):
                lines.append(line)
        worker.terminate()
        rest, _ = worker.communicate(timeout=30)
    finally:
        worker.kill()
        worker.wait()
    assert worker.returncode == 0 and "stopped" in rest
    assert noted(house) == ["slow"]


def test_scheduled_jobs_run_once_a_period_however_many_workers_there_are(house):
    house.job_handlers["test.tick"] = lambda job: None
    house.job_schedule = {"test.tick": timedelta(minutes=10)}
    one, two = house.runner("one"), house.runner("two")
    for runner in (one, two):
        runner.keep_schedule()
    names = sorted(job.name for job in house.jobs())
    assert names == [PRUNE, "test.tick"]
    tick = next(job for job in house.jobs() if job.name == "test.tick")
    assert tick.run_at.minute % 10 == tick.run_at.second == 0
    at = tick.run_at
    for runner in (one, two, one):
        runner.clock = still(at)
        runner._looked.clear()
        runner.run_due()
        runner.keep_schedule()
    ticks = [job for job in house.jobs() if job.name == "test.tick"]
    assert [job.state for job in ticks] == [JobState.DONE, JobState.READY]
    assert ticks[1].run_at - at == timedelta(minutes=10)


def test_done_jobs_are_forgotten_after_a_week_dead_ones_stay(house):
    ask(house, "test.note", text="A")
    ask(house, "test.fail")
    house.work()
    with house.session() as session:
        session.execute(
            sa.update(Job)
            .where(Job.name == "test.fail")
            .values(state=JobState.DEAD, finished_at=house.clock.wall()),
            execution_options={"synchronize_session": False},
        )
    with house.database.session() as session, session.begin():
        enqueue(session, house.clock, PRUNE, run_at=house.clock.wall() + timedelta(days=8))
    later(house, days=8)
    assert sorted(job.name for job in house.jobs()) == [PRUNE, "test.fail"]


@pytest.mark.feature("KEY-03", "KEY-05")
@pytest.mark.parametrize("point", ["fulfilment.served", "job.handled", "job.ended", "job.committed"])
def test_a_worker_killed_while_it_serves_those_who_wait_gives_each_one_key(house, point):
    product = house.product()
    orders = [house.buy(product) for _ in range(3)]
    house.load(product, ["ONE", "TWO"])
    assert process(house, "once", WEBSTORE_KILL_AT=point).returncode == -9
    later(house, minutes=2)
    later(house, minutes=4)
    assert [house.entitlements(each)[0].state.value for each in orders] == ["active", "active", "waiting"]
    assert sorted(map(len, house.issued().values())) == [1, 1]
