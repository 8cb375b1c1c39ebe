"""The download server over real sockets: what it answers, and what it counts."""

import itertools
import os
import random
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from platform_core.fulfilment.delivery.backend import Refusal
from platform_core.fulfilment.delivery.meter import Meter
from platform_core.fulfilment.delivery.signing import Signer
from platform_core.fulfilment.delivery.transfer import Limits

USED = Meter(used=1)


@pytest.mark.feature("DLD-01")
def test_a_whole_file_arrives_and_counts_once(lab, content):
    grant = lab.add(content, "Présentation “4K”.exe")
    answer = lab.get(grant)
    assert answer.status == 200
    assert bytes(answer.body) == content
    lab.idle()
    assert lab.meter(grant) == USED
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["etag"] == f'"{grant.etag}"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "private, no-store, no-transform"
    assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == (
        'attachment; filename="Presentation 4K.exe"; '
        "filename*=UTF-8''Pr%C3%A9sentation%20%E2%80%9C4K%E2%80%9D.exe"
    )
    assert "Python" not in answer.headers["server"]


@pytest.mark.feature("DLD-12")
def test_a_broken_transfer_resumes_where_it_stopped(lab, content, small):
    grant = lab.add(content)
    broken = lab.ask(lab.path(grant), rcvbuf=small)
    got = broken.read(300_000)
    taken = broken.leave()
    lab.idle()
    assert lab.meter(grant) == Meter(used=0, broken_tries=1)
    assert lab.covered(grant).spans == ((0, len(taken)),)
    rest = lab.get(grant, Range=f"bytes={len(got)}-", If_Range=broken.headers["etag"])
    assert rest.status == 206
    assert rest.headers["content-range"] == f"bytes 300000-{len(content) - 1}/{len(content)}"
    assert got + bytes(rest.body) == content
    lab.idle()
    assert lab.meter(grant) == Meter(used=1, broken_tries=1)


@pytest.mark.feature("DLD-13")
def test_parallel_parts_are_one_use(lab, content):
    grant = lab.add(content)
    other = lab.add(content[::-1])
    cuts = [0, 100_000, 250_000, 250_001, 600_000, len(content)]

    def part(start, stop):
        return bytes(lab.get(grant, Range=f"bytes={start}-{stop - 1}").body)

    with ThreadPoolExecutor(6) as pool:
        second = pool.submit(lab.get, other)
        parts = list(pool.map(part, cuts, cuts[1:]))
        assert bytes(second.result().body) == content[::-1]
    assert b"".join(parts) == content
    lab.idle()
    assert lab.meter(grant) == USED
    assert lab.meter(other) == USED


def test_all_but_one_byte_is_no_use(lab, content):
    grant = lab.add(content)
    lab.get(grant, Range=f"bytes=0-{len(content) - 2}")
    lab.idle()
    assert lab.meter(grant) == Meter()
    lab.get(grant, Range="bytes=-1")
    lab.idle()
    assert lab.meter(grant) == USED


@pytest.mark.feature("DLD-01")
def test_head_never_counts_and_asks_the_decision(lab, content):
    grant = lab.add(content)
    answer = lab.fetch(lab.path(grant), "HEAD", Range="bytes=0-9")
    assert answer.status == 200
    assert answer.headers["content-length"] == str(len(content))
    assert answer.headers["accept-ranges"] == "bytes"
    assert lab.shelf.asked == 1
    assert lab.shelf.begun == 0
    lab.idle()
    assert lab.meter(grant) == Meter()


def test_an_empty_file_counts_when_it_was_sent(lab):
    grant = lab.add(b"")
    assert lab.get(grant).status == 200
    assert lab.get(grant, Range="bytes=0-0").headers["content-range"] == "bytes */0"
    lab.idle()
    assert lab.meter(grant) == USED


def test_ranges_beyond_the_end_get_416(lab, content):
    grant = lab.add(content)
    for wrong in (f"bytes={len(content)}-", "bytes=-0", f"bytes={10**30}-{10**31}"):
        answer = lab.get(grant, Range=wrong)
        assert answer.status == 416
        assert answer.headers["content-range"] == f"bytes */{len(content)}"
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert lab.shelf.begun == 0


@pytest.mark.parametrize(
    "malformed", ["bytes=5-2", "bytes=a-b", "bytes 0-5", "lines=0-5", "bytes=", "bytes=0-5,x"]
)
def test_malformed_ranges_are_ignored(lab, content, malformed):
    answer = lab.get(lab.add(content), Range=malformed)
    assert answer.status == 200
    assert bytes(answer.body) == content


def test_overlapping_ranges_are_merged(lab, content):
    grant = lab.add(content)
    answer = lab.get(grant, Range="bytes=0-99,50-149,150-199")
    assert answer.status == 206
    assert answer.headers["content-range"] == f"bytes 0-199/{len(content)}"
    assert bytes(answer.body) == content[:200]


def test_several_ranges_come_as_multipart_and_are_counted_part_by_part(lab, content, byteranges, small):
    grant = lab.add(content, "map.zip")
    answer = lab.get(grant, Range="bytes=500000-500999,0-9,-5")
    assert answer.status == 206
    assert "content-range" not in answer.headers
    kind = answer.headers["content-type"]
    end = len(content)
    assert byteranges(kind, bytes(answer.body)) == [
        (500_000, content[500_000:501_000], True),
        (0, content[:10], True),
        (end - 5, content[-5:], True),
    ]
    assert bytes(answer.body).count(b"Content-Type: application/zip\r\n") == 3
    assert bytes(answer.body).endswith(b"--\r\n")
    lab.idle()
    assert lab.covered(grant).spans == ((0, 10), (500_000, 501_000), (end - 5, end))

    cut = lab.ask(lab.path(grant), rcvbuf=small, Range="bytes=20-29,100000-399999,600000-600009")
    cut.read(1000)
    taken = byteranges(cut.headers["content-type"], cut.leave())
    lab.idle()
    (first, _, whole), (second, data, rest) = taken
    assert (first, whole, second, rest) == (20, True, 100_000, False)
    assert set(lab.covered(grant).spans) >= {(20, 30), (100_000, 100_000 + len(data))}


def test_a_thousand_ranges_get_a_proper_answer(lab, content):
    grant = lab.add(content)
    thousand = ",".join(f"{at}-{at + 1}" for at in range(0, 600_000, 600))
    answer = lab.get(grant, Range=f"bytes={thousand}")
    assert answer.status == 416
    assert answer.headers["content-range"] == f"bytes */{len(content)}"
    same = lab.get(grant, Range="bytes=" + ",".join(["0-"] * 1000))
    assert same.status == 416


@pytest.mark.feature("DLD-12")
def test_a_stale_if_range_gets_the_whole_new_file(lab, content):
    grant = lab.add(content)
    for stale in ('"0123"', f'W/"{grant.etag}"', "Wed, 01 Jan 2025 00:00:00 GMT"):
        answer = lab.get(grant, Range="bytes=10-", If_Range=stale)
        assert answer.status == 200
        assert bytes(answer.body) == content


def test_if_range_by_date_needs_the_very_date(lab, content):
    modified = datetime(2026, 3, 1, 12, 30, 15, 250_000, UTC)
    grant = replace(lab.add(content), modified=modified)
    lab.shelf.grants[grant.download_id] = grant
    first = lab.get(grant, Range="bytes=0-0")
    assert first.headers["last-modified"] == "Sun, 01 Mar 2026 12:30:15 GMT"
    assert lab.get(grant, Range="bytes=0-0", If_Range=first.headers["last-modified"]).status == 206
    later = format_datetime(modified + timedelta(seconds=1), usegmt=True)
    assert lab.get(grant, Range="bytes=0-0", If_Range=later).status == 200


def test_conditions_are_honoured_and_never_count(lab, content):
    grant = lab.add(content)
    assert lab.get(grant, If_Match='"other"').status == 412
    assert lab.get(grant, If_None_Match=f'"other", W/"{grant.etag}"').status == 304
    assert lab.shelf.begun == 0
    assert lab.get(grant, If_Match=f'"{grant.etag}"', Range="bytes=0-0").status == 206


def test_forged_and_expired_links_say_what_to_do(lab, content, a_day):
    grant = lab.add(content)
    path = lab.path(grant)
    forged = lab.fetch(path[:-1] + ("A" if path[-1] != "A" else "Q"))
    assert (forged.status, forged.headers["x-webstore-reason"]) == (404, "forged")
    old = Signer({"k1": b"a platform secret of the tests"}, lab.clock, lifetime=-a_day)
    expired = lab.fetch(old.path(grant.tenant_id, grant.download_id), Accept_Language="fr-CA,en;q=0.5")
    assert (expired.status, expired.headers["x-webstore-reason"]) == (410, "expired")
    page = bytes(expired.body).decode()
    assert '<html lang="fr">' in page
    assert f'href="https://northfield.example/orders/{grant.download_id}"' in page
    assert lab.shelf.asked == 0


@pytest.mark.feature("DLD-01")
def test_a_right_revoked_between_two_requests_ends_at_once(lab, content):
    grant = lab.add(content)
    assert lab.get(grant, Range="bytes=0-99").status == 206
    lab.shelf.refusals[grant.download_id] = Refusal(
        "revoked",
        {"en": "This order was refunded <on> 3 May.", "fr": "Cette commande a été remboursée le 3 mai."},
        403,
        "https://northfield.example/orders/7?a=1&b=2",
    )
    for method in ("GET", "HEAD"):
        answer = lab.fetch(lab.path(grant), method, Range="bytes=100-")
        assert answer.status == 403
    answer = lab.get(grant)
    page = bytes(answer.body).decode()
    assert "This order was refunded &lt;on&gt; 3 May." in page
    assert 'href="https://northfield.example/orders/7?a=1&amp;b=2"' in page
    lab.idle()
    assert lab.covered(grant).spans == ((0, 100),)


@pytest.mark.feature("DLD-01")
@pytest.mark.parametrize("size", [9_000, 60_000, 700_001])
def test_a_client_that_leaves_early_does_not_count(lab, content, small, reset, size):
    grant = lab.add(content[:size])
    answer = lab.ask(lab.path(grant), rcvbuf=small)
    answer.read(100)
    taken = answer.leave()
    lab.idle()
    assert lab.covered(grant).spans == ((0, len(taken)),)
    killed = lab.ask(lab.path(grant), rcvbuf=small)
    killed.read(5000)
    reset(killed.socket)
    lab.idle()
    assert not lab.covered(grant).is_complete(size)
    assert lab.meter(grant) == Meter(used=0, broken_tries=2)


def test_an_answer_that_nobody_reads_is_not_delivered(lab, content, small, reset):
    grant = lab.add(content)
    connection = lab.connect(small)
    connection.sendall(f"GET {lab.path(grant)} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    with lab.shelf.changed:
        assert lab.shelf.changed.wait_for(lambda: lab.shelf.begun == 1, 10)
    reset(connection)
    lab.idle()
    assert lab.covered(grant).bytes <= small


def test_progress_is_recorded_while_a_slow_client_reads(lab, content, small):
    grant = lab.add(content)
    answer = lab.ask(lab.path(grant), rcvbuf=small)
    answer.read(200_000)
    while lab.covered(grant).bytes < 200_000:
        time.sleep(0.01)
        lab.writer.flush_now()
    assert lab.meter(grant) == Meter(in_progress=True)
    assert answer.read() == content
    answer.close()
    lab.idle()
    assert lab.meter(grant) == USED


def test_several_requests_on_one_connection_are_counted_apart(lab, content):
    first, second = lab.add(content), lab.add(content[:5000])
    connection = lab.connect()
    assert lab.ask(lab.path(first), on=connection).read() == content
    assert lab.ask(lab.path(first), "HEAD", on=connection).status == 200
    assert lab.ask("/d/nothing", on=connection).read()
    assert lab.ask(lab.path(second), on=connection, Range="bytes=0-999").read() == content[:1000]
    connection.close()
    lab.idle()
    assert lab.meter(first) == USED
    assert lab.covered(second).spans == ((0, 1000),)


def test_pipelined_requests_are_counted_apart(lab, content):
    grant = lab.add(content)
    connection = lab.connect()
    request = "GET {} HTTP/1.1\r\nHost: x\r\nRange: bytes={}-{}\r\n\r\n"
    path = lab.path(grant)
    connection.sendall((request.format(path, 0, 299_999) + request.format(path, 300_000, 300_009)).encode())
    buffer = b""
    while not buffer.endswith(content[300_000:300_010]):
        buffer += connection.recv(65536)
    connection.close()
    lab.idle(begun=2)
    assert lab.covered(grant).spans == ((0, 300_010),)
    assert lab.meter(grant) == Meter()


def test_a_client_that_stands_still_is_cut_off(make_lab, content, small):
    with make_lab(Limits(stall=0.3, tick=0.05)) as lab:
        grant = lab.add(content)
        answer = lab.ask(lab.path(grant), rcvbuf=small)
        answer.read(10_000)
        lab.idle()
        assert lab.meter(grant) == Meter(used=0, broken_tries=1)
        with pytest.raises(ConnectionResetError):
            answer.read()
        assert lab.covered(grant).spans == ((0, len(answer.body)),)
        answer.close()


def test_a_client_that_closed_its_side_and_reads_nothing_is_cut_off_sooner(make_lab, content, small):
    with make_lab(Limits(half_closed=0.2, tick=0.05)) as lab:
        grant = lab.add(content)
        answer = lab.ask(lab.path(grant), rcvbuf=small)
        answer.read(10_000)
        answer.socket.shutdown(socket.SHUT_WR)
        lab.idle()
        assert lab.meter(grant) == Meter(used=0, broken_tries=1)
        assert lab.covered(grant).bytes >= 10_000
        answer.close()


def test_connections_per_download_are_limited(make_lab, content, small):
    with make_lab(Limits(tick=0.05, per_download=2)) as lab:
        grant, other = lab.add(content), lab.add(content[1:])
        running = [lab.ask(lab.path(grant), rcvbuf=small) for _ in range(2)]
        refused = lab.get(grant)
        assert (refused.status, refused.headers["x-webstore-reason"]) == (429, "busy")
        assert "retry-after" in refused.headers
        assert lab.get(other).status == 200
        for answer in running:
            answer.close()
        lab.idle()
        assert lab.get(grant).status == 200


def test_a_missing_or_shortened_file_is_our_fault_and_does_not_count(lab, content):
    grant = lab.add(content[:777])
    for wrong in (
        replace(grant, size=778),
        replace(grant, path="gone"),
        replace(grant, path="../" + lab.shelf.root.name + "x"),
        replace(grant, path="/etc/hostname"),
        replace(grant, path="."),
    ):
        lab.shelf.grants[grant.download_id] = wrong
        answer = lab.get(grant)
        assert answer.status == 503
        assert lab.shelf.root.name not in bytes(answer.body).decode()
    assert lab.shelf.begun == 0


def test_a_file_that_shrinks_while_it_is_sent_ends_the_connection(lab, small):
    grant = lab.add_sparse(5_000_000, {})
    answer = lab.ask(lab.path(grant), rcvbuf=small)
    answer.read(1000)
    os.truncate(lab.shelf.root / grant.path, 900_000)
    with pytest.raises(ConnectionResetError):
        answer.read()
    assert not answer.body.strip(b"\0")
    answer.close()
    lab.idle()
    assert lab.covered(grant).bytes <= 900_000
    assert lab.meter(grant) == Meter(used=0, broken_tries=1)


def test_a_decision_that_fails_shows_no_inside(lab):
    grant = lab.add(b"x")
    del lab.shelf.grants[grant.download_id]
    answer = lab.get(grant)
    assert answer.status == 503
    assert b"KeyError" not in answer.body
    assert b"Traceback" not in answer.body


def test_other_addresses_and_methods(lab):
    grant = lab.add(b"x")
    assert lab.fetch("/healthz").status == 200
    assert lab.fetch("/").status == 404
    posted = lab.fetch(lab.path(grant), "POST", Content_Length="0")
    assert (posted.status, posted.headers["allow"]) == (405, "GET, HEAD")
    for path in ("/", lab.path(grant) + "x"):
        assert lab.fetch(path).headers["content-type"] == "text/html; charset=utf-8"


def test_a_stop_cuts_running_transfers_and_records_them(make_lab, content, small):
    with make_lab(Limits(tick=0.05, stop_grace=0.2)) as lab:
        grant = lab.add(content)
        answer = lab.ask(lab.path(grant), rcvbuf=small)
        answer.read(50_000)
        lab.close()
        answer.socket.close()
        assert lab.covered(grant).bytes >= 50_000
        assert lab.meter(grant) == Meter(used=0, broken_tries=1)


@pytest.mark.feature("DLD-15")
def test_a_file_over_two_gigabytes_at_constant_memory(lab, resident):
    size, start = 3 * 2**30 + 5, 2**31 - 3
    grant = lab.add_sparse(size, {start: b"abcdef", size - 3: b"end"})
    head = lab.fetch(lab.path(grant), "HEAD")
    assert head.headers["content-length"] == str(size)
    stop = start + 400 * 2**20
    answer = lab.ask(lab.path(grant), Range=f"bytes={start}-{stop - 1}")
    assert answer.headers["content-range"] == f"bytes {start}-{stop - 1}/{size}"
    buffer = bytearray(1 << 18)
    left = answer.length
    before = peak = resident()
    opening = b""
    while left:
        count = answer.socket.recv_into(buffer, min(left, len(buffer)))
        assert count
        opening = opening or bytes(buffer[:6])
        left -= count
        peak = max(peak, resident())
    answer.close()
    assert opening == b"abcdef"
    assert bytes(lab.get(grant, Range="bytes=-3").body) == b"end"
    lab.idle()
    assert lab.covered(grant).spans == ((start, stop), (size - 3, size))
    print(f"400 MB of a 3 GB file: resident {before / 2**20:.1f} MB before, {peak / 2**20:.1f} MB at most")
    assert peak - before < 32 * 2**20


def test_random_parts_by_two_threads_make_one_whole(lab, content):
    grant = lab.add(content)
    cuts = sorted({0, len(content), *random.Random(3).sample(range(len(content)), 20)})
    parts = list(itertools.pairwise(cuts))
    random.Random(4).shuffle(parts)
    halves = [parts[::2], parts[1::2]]

    def work(mine):
        for start, stop in mine:
            assert bytes(lab.get(grant, Range=f"bytes={start}-{stop - 1}").body) == content[start:stop]

    threads = [threading.Thread(target=work, args=(half,)) for half in halves]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lab.idle(begun=len(parts))
    assert lab.meter(grant) == USED
