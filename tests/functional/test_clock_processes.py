"""A moved clock and a new revision, noticed by processes that run: web server, download server and worker."""

import hashlib
import http.client
import re
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa

from platform_core.fulfilment.delivery.server import REASON_FIELD
from platform_core.jobs.models import Job, JobState, TimeBase
from platform_core.jobs.queue import enqueue
from platform_core.jobs.runner import PRUNE
from tests.common.databases import Databases
from tests.common.ordering import order
from tests.common.shop import TENANTS, Shop, seed
from tests.common.site import Site, serving

NOTICED_SECONDS = 2.0
BIG = bytes(range(256)) * 65536
STORE = "northfield.localhost"


@dataclass(frozen=True)
class Town:
    """Running servers, and the same installation at hand to prepare what they are asked for."""

    site: Site
    shop: Shop

    def get(self, path: str, cookie: str = "") -> tuple[int, str]:
        """A page of the store from the web server."""
        connection = http.client.HTTPConnection("127.0.0.1", self.site.port, timeout=60)
        try:
            connection.request("GET", path, headers={"Host": f"{STORE}:{self.site.port}", "Cookie": cookie})
            answer = connection.getresponse()
            return answer.status, answer.getheader("Location") or answer.read().decode()
        finally:
            connection.close()

    def open_download(self, url: str) -> http.client.HTTPConnection:
        """A request for a file, over a connection whose receiver takes little at a time."""
        parts = urlsplit(url)
        connection = http.client.HTTPConnection("127.0.0.1", parts.port, timeout=60)
        connection.sock = socket.socket()
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sock.connect(("127.0.0.1", parts.port))
        connection.request("GET", parts.path)
        return connection

    def refusal(self, url: str) -> str | None:
        """Why the download server refuses a file; None where it does not."""
        connection = self.open_download(url)
        try:
            return connection.getresponse().getheader(REASON_FIELD)
        finally:
            connection.close()

    def is_done(self, job: str) -> bool:
        """Has the worker ended the job of that name on business time?"""
        query = sa.select(Job.state).where(Job.name == job, Job.time_base == TimeBase.BUSINESS)
        with self.shop.database.session(read_only=True) as session:
            return session.scalars(query).one() is JobState.DONE


def noticed(is_there: Callable[[], bool]) -> None:
    """What has just been changed is there in every answer to a request that is made two seconds later."""
    changed = time.monotonic()
    while True:
        asked = time.monotonic() - changed
        if is_there():
            return
        assert asked < NOTICED_SECONDS
        time.sleep(0.1)


def wait_for(is_there: Callable[[], bool]) -> None:
    """Until it is there, however busy the machine is."""
    for _ in range(600):
        if is_there():
            return
        time.sleep(0.1)
    raise AssertionError("it never came")


@pytest.fixture
def town(databases: Databases, data_dir: Path, tmp_path: Path) -> Iterator[Town]:
    url = databases.copy("seeded", lambda template: seed(template, data_dir))
    own = tmp_path / "data"
    shutil.copytree(data_dir, own)
    shop = Shop(url, own)
    source = next(file for file in (own / "incoming" / "northfield").iterdir() if "campus-suite" in file.name)
    source.write_bytes(BIG)
    shop.apply(TENANTS / "northfield.toml")
    with serving(url, own) as site:
        yield Town(site, shop)
    shop.close()
    databases.drop(url)


def last_day(page: str) -> str:
    """Until when an order of today would give access."""
    found = re.search(r"until\s([^<]*?\s20\d\d)", page)
    assert found is not None, page
    return found[1]


def test_every_process_follows_the_clock(town: Town) -> None:
    shop, site = town.shop, town.site
    browser = shop.browser().sign_in("student")
    cookie = f"sid={browser.cookies['sid']}"
    page = order(browser, "campus-suite", "windows")
    own = page.request.path
    file = page.html.find("a", href=re.compile("/downloads/"))["href"].replace("/downloads/", "/files/")

    assert town.get(own, cookie)[0] == 200
    status, address = town.get(file, cookie)
    assert status == 302, address
    connection = town.open_download(address)
    answer = connection.getresponse()
    begun = answer.read(1000)
    with shop.database.session() as session, session.begin():
        later = shop.clock.now() + timedelta(days=7)
        enqueue(session, shop.clock, PRUNE, run_at=later, time_base=TimeBase.BUSINESS)
    before = last_day(town.get("/products/campus-suite")[1])

    assert "ahead by      8 days" in site.run("clock", "advance", "8d")
    noticed(lambda: last_day(town.get("/products/campus-suite")[1]) != before)
    assert town.get(own, cookie)[0] == 200, "still signed in"
    body = begun + answer.read()
    connection.close()
    assert hashlib.sha256(body).digest() == hashlib.sha256(BIG).digest()
    wait_for(lambda: town.is_done(PRUNE))

    site.run("clock", "advance", "30d")
    noticed(lambda: town.refusal(address) == "access")
    assert town.get(own, cookie)[0] == 200


def test_every_process_notices_a_new_revision(town: Town) -> None:
    path = "/+access_guarantee/"
    assert town.get(path)[0] == 200
    town.site.run("tenants", "plugin", "northfield", "access_guarantee", "off")
    noticed(lambda: town.get(path)[0] == 404)
    town.site.run("tenants", "plugin", "northfield", "access_guarantee", "on")
    noticed(lambda: town.get(path)[0] == 200)
