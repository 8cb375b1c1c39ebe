"""Many slow readers hold up nobody. `WEBSTORE_READERS=200` runs the full number."""

import os
import selectors
import statistics
import threading
import time

import pytest

READERS = int(os.environ.get("WEBSTORE_READERS", "50"))
RATE = 20_000
PULSE = 0.1


class Crowd:
    """Clients that read RATE bytes a second each, all in one thread."""

    def __init__(self, answers):
        self.answers = answers
        self.read = dict.fromkeys(range(len(answers)), 0)
        self.lost = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work)
        for answer in answers:
            answer.socket.setblocking(False)
        self._thread.start()

    def _work(self):
        with selectors.DefaultSelector() as selector:
            for number, answer in enumerate(self.answers):
                selector.register(answer.socket, selectors.EVENT_READ, number)
            while not self._stop.wait(PULSE):
                for key, _ in selector.select(0):
                    data = self.answers[key.data].socket.recv(int(RATE * PULSE))
                    self.read[key.data] += len(data)
                    self.lost += not data

    def leave(self):
        self._stop.set()
        self._thread.join()
        for answer in self.answers:
            answer.socket.close()


@pytest.mark.feature("DLD-13")
def test_slow_readers_hold_up_nobody(lab, content, resident, small):
    large = content * 24
    slow = [lab.add_sparse(50_000_000 + number, {}) for number in range(READERS)]
    quick = lab.add(large)
    before = resident()
    crowd = Crowd([lab.ask(lab.path(grant), rcvbuf=small) for grant in slow])
    try:
        while not all(crowd.read.values()):
            time.sleep(PULSE)
        memory = resident() - before
        pages: list[float] = []
        downloads: list[float] = []
        while min(crowd.read.values()) < RATE * 2:
            began = time.perf_counter()
            assert lab.fetch("/healthz").status == 200
            pages.append(time.perf_counter() - began)
            if len(downloads) < 5:
                began = time.perf_counter()
                assert bytes(lab.get(quick).body) == large
                downloads.append(time.perf_counter() - began)
            time.sleep(0.02)
        assert crowd.lost == 0
        assert lab.shelf.begun - lab.shelf.over == READERS
    finally:
        crowd.leave()
    lab.idle()
    assert all(0 < lab.covered(grant).bytes < 200_000 for grant in slow)
    assert lab.meter(quick).used == 1
    print(
        f"\n{READERS} readers at {RATE} bytes/s: page {statistics.median(pages) * 1000:.1f} ms median, "
        f"{max(pages) * 1000:.1f} ms worst of {len(pages)}; {len(large) / 1e6:.0f} MB download "
        f"{statistics.median(downloads):.2f} s median, {max(downloads):.2f} s worst of {len(downloads)}; "
        f"{memory / READERS / 1024:.0f} kB resident per reader"
    )
