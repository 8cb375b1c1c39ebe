"""N14: after any sequence of parts, tries, HEADs and two clients the meter says what the clients really got.

The clients keep their kernel's receive buffer at 4096 bytes; what it has taken counts as got.
`WEBSTORE_FUZZ=1000` runs a thousand sequences.
"""

import os
import random
import threading
import time
from collections import Counter

import pytest

from platform_core.fulfilment.delivery.coverage import Coverage

SEQUENCES = int(os.environ.get("WEBSTORE_FUZZ", "60"))
ACTIONS = ["whole", "part", "part", "rest", "suffix", "several", "head", "stale", "beyond"]


class Client:
    """Does random things with one download and keeps book of what it got."""

    def __init__(self, lab, grant, content, byteranges, seed, alone):
        self.lab, self.grant, self.content, self.byteranges = lab, grant, content, byteranges
        self.random = random.Random(seed)
        self.alone = alone
        self.got = Coverage()
        self.answers = 0
        self.begun_before = lab.shelf.begun
        self.broken = 0
        self.log: Counter[str] = Counter()

    def work(self, actions):
        for _ in range(actions):
            self.act(self.random.choice(ACTIONS))

    def act(self, action):
        size = len(self.content)
        headers = {}
        if action in ("part", "stale"):
            start = self.random.randrange(size)
            headers["Range"] = f"bytes={start}-{self.random.randrange(start, size)}"
        elif action == "rest":
            gaps = [stop for _, stop in Coverage.of(((0, 0), *self.got.spans)).spans if stop < size]
            headers["Range"] = f"bytes={gaps[0] if gaps else 0}-"
        elif action == "suffix":
            headers["Range"] = f"bytes=-{self.random.randint(1, size)}"
        elif action == "several":
            starts = [self.random.randrange(size) for _ in range(self.random.randint(2, 6))]
            headers["Range"] = "bytes=" + ",".join(f"{s}-{self.random.randrange(s, size)}" for s in starts)
        elif action == "beyond":
            headers["Range"] = f"bytes={size + self.random.randrange(9)}-"
        if action == "stale":
            headers["If_Range"] = '"another"'
        method = "HEAD" if action == "head" else "GET"
        answer = self.lab.ask(self.lab.path(self.grant), method, rcvbuf=4096, **headers)
        if answer.status not in (200, 206) or method == "HEAD":
            answer.read()
            answer.close()
            self.log["without a file"] += 1
            return
        self.answers += 1
        before = self.got
        leaves = self.random.random() < 0.5
        if leaves:
            answer.read(self.random.choice([0, 1, self.random.randrange(answer.length)]))
            taken = answer.leave()
        else:
            taken = answer.read()
            answer.close()
        spans = self.spans(answer, taken)
        self.got |= Coverage.of(spans)
        whole = len(taken) == answer.length or self.all_parts(answer, taken)
        self.log["read to the end" if not leaves else "left, all taken" if whole else "left early"] += 1
        if self.alone:
            # What a person would count: cut off after something had come, and the file still not whole.
            cut = not whole and any(start < stop for start, stop in spans)
            self.broken += cut and not before.is_complete(size) and not self.got.is_complete(size)
            self.lab.idle(begun=self.begun_before + self.answers)

    def spans(self, answer, taken):
        """The spans of the file in what was taken; their bytes must be right."""
        if answer.headers["content-type"].startswith("multipart/"):
            parts = self.byteranges(answer.headers["content-type"], taken)
            assert all(data == self.content[start : start + len(data)] for start, data, _ in parts)
            return [(start, start + len(data)) for start, data, _ in parts]
        start = 0
        if answer.status == 206:
            start = int(answer.headers["content-range"].split()[1].split("-")[0])
        assert taken == self.content[start : start + len(taken)]
        return [(start, start + len(taken))]

    def all_parts(self, answer, taken):
        """Whether only the closing boundary is missing."""
        if not answer.headers["content-type"].startswith("multipart/"):
            return False
        boundary = answer.headers["content-type"].partition("boundary=")[2]
        return answer.length - len(taken) <= len(f"\r\n--{boundary}--\r\n")


@pytest.mark.feature("DLD-01")
def test_the_meter_agrees_with_what_clients_really_got(lab, byteranges):
    began = time.perf_counter()
    log: Counter[str] = Counter()
    for sequence in range(SEQUENCES):
        dice = random.Random(sequence)
        content = dice.randbytes(dice.choice([1, 700, 5_000, 40_000, 200_000]))
        grant = lab.add(content)
        count = dice.choice([1, 2])
        clients = [Client(lab, grant, content, byteranges, dice.random(), count == 1) for _ in range(count)]
        begun = lab.shelf.begun
        if count == 1:
            clients[0].work(dice.randint(1, 7))
        else:
            work(clients, dice)
        lab.idle(begun=begun + sum(client.answers for client in clients))
        got = clients[0].got | clients[-1].got
        assert lab.covered(grant) == got, f"sequence {sequence}"
        told = lab.meter(grant)
        answered = any(client.answers for client in clients)
        assert told.used == (answered and got.is_complete(len(content))), f"sequence {sequence}"
        assert not told.in_progress
        if count == 1:
            assert told.broken_tries == clients[0].broken, f"sequence {sequence}"
        log["sequences"] += 1
        log["complete"] += told.used
        log["broken tries"] += told.broken_tries
        for client in clients:
            log.update(client.log)
    print(f"\nmeter fuzz in {time.perf_counter() - began:.1f} s: {dict(log)}")
    assert log["complete"] and log["broken tries"] and log["left early"]


def work(clients, dice):
    """Both at once; a failure in a thread is a failure of the test."""
    failures: list[BaseException] = []

    def one(client, actions):
        try:
            client.work(actions)
        except BaseException as error:  # noqa: BLE001 - raised again in the test's own thread
            failures.append(error)

    threads = [threading.Thread(target=one, args=(client, dice.randint(1, 5))) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
