"""A worker in a process of its own, with a few plain jobs: `python -m tests.common.job_worker URL [die]`.

`test.note` leaves one event each time it takes effect, so a test can count what a person would see.
"""

import os
import signal
import sys
import threading
import time

from platform_core.db import Database
from platform_core.events.services import record
from platform_core.tenancy.jobs import JobContext
from tests.common.factories import House


def note(job: JobContext) -> None:
    """Write down that the job ran."""
    record(job.session, job.clock, "system", "test:note", "test", None, text=job.args["text"])


def steps(job: JobContext) -> None:
    """Three steps, each committed, each done once: what is there is not done again."""
    import sqlalchemy as sa

    from platform_core.events.models import Event

    done = {
        event.data["text"] for event in job.session.scalars(sa.select(Event).where(Event.tag == "test:step"))
    }
    for text in ("one", "two", "three"):
        if text not in done:
            record(job.session, job.clock, "system", "test:step", "test", None, text=text)
            job.commit()
            if os.environ.get("TEST_DIE_AFTER") == text:
                os.kill(os.getpid(), signal.SIGKILL)


def fail(job: JobContext) -> None:
    """Never succeeds."""
    raise ValueError("this job cannot be done")


def kill(job: JobContext) -> None:
    """Takes its worker with it."""
    os.kill(os.getpid(), signal.SIGKILL)


def slow(job: JobContext) -> None:
    """Runs for a while, so that a test can send signals meanwhile."""
    record(job.session, job.clock, "system", "test:begun", "test", None)
    print("running", flush=True)
    time.sleep(job.args["seconds"])
    record(job.session, job.clock, "system", "test:note", "test", None, text="slow")


JOBS = {"test.note": note, "test.steps": steps, "test.fail": fail, "test.kill": kill, "test.slow": slow}


def main() -> None:
    """Work until SIGTERM, or with `once` until nothing is due."""
    house = House(Database(sys.argv[1]), handlers=JOBS)
    runner = house.runner("process")
    if "once" in sys.argv:
        runner.run_due()
        return
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    print("started", flush=True)
    runner.run(stop)
    print("stopped", flush=True)


if __name__ == "__main__":
    main()
