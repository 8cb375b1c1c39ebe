"""Header fields, conditions, pages, binding: what needs no transfer."""

import asyncio
import signal
import socket
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from aiohttp import web

from platform_core.fulfilment.delivery import pages
from platform_core.fulfilment.delivery.conditions import precondition
from platform_core.fulfilment.delivery.content import content_disposition, content_type_of, multipart_body
from platform_core.fulfilment.delivery.coverage import Coverage
from platform_core.fulfilment.delivery.serving import CannotListen, listen


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tool.exe", 'attachment; filename="tool.exe"'),
        ("a b.zip", 'attachment; filename="a b.zip"'),
        ("Été.pdf", "attachment; filename=\"Ete.pdf\"; filename*=UTF-8''%C3%89t%C3%A9.pdf"),
        ("日本.pdf", "attachment; filename=\"pdf\"; filename*=UTF-8''%E6%97%A5%E6%9C%AC.pdf"),
        ('a"b\\c/d.exe', 'attachment; filename="a_b_c_d.exe"'),
        ("../../etc/passwd", 'attachment; filename="_.._etc_passwd"'),
        ("a\r\nX: y", "attachment; filename=\"a__X_ y\"; filename*=UTF-8''a__X%3A%20y"),
        ("50%.zip", "attachment; filename=\"50_.zip\"; filename*=UTF-8''50%25.zip"),
        ("invoice\u202efdp.exe", 'attachment; filename="invoice_fdp.exe"'),
        ("", 'attachment; filename="download"'),
        ("..", 'attachment; filename="download"'),
    ],
)
def test_file_names_for_old_and_new_browsers(name, value):
    assert content_disposition(name) == value


def test_only_listed_types_are_told():
    assert content_type_of("Guide.PDF") == "application/pdf"
    assert content_type_of("page.html") == "application/octet-stream"
    assert content_type_of("picture.svg") == "application/octet-stream"
    assert content_type_of("noname") == "application/octet-stream"


def test_spans_of_a_multipart_body_at_every_cut():
    body = multipart_body(((10, 13), (0, 2), (50, 51)), 99, "application/pdf", "b")
    seen = 0
    for cut in range(body.length + 1):
        covered = Coverage.of(body.spans(0, cut))
        assert covered.bytes - seen in (0, 1)
        assert covered | Coverage.of(body.spans(cut, body.length)) == Coverage(((0, 2), (10, 13), (50, 51)))
        seen = covered.bytes
        assert (cut >= body.file_end) == (seen == 6)


MODIFIED = datetime(2026, 3, 1, 12, 30, 15, 999, tzinfo=UTC)
SAME = "Sun, 01 Mar 2026 12:30:15 GMT"
EARLIER = "Sun, 01 Mar 2026 12:30:14 GMT"


@pytest.mark.parametrize(
    ("fields", "modified", "status"),
    [
        ({}, None, None),
        ({"If-Match": '"e"'}, None, None),
        ({"If-Match": "*"}, None, None),
        ({"If-Match": '"x", "e"'}, None, None),
        ({"If-Match": 'W/"e"'}, None, 412),
        ({"If-None-Match": "*"}, None, 304),
        ({"If-None-Match": 'W/"e"'}, None, 304),
        ({"If-None-Match": '"x"', "If-Modified-Since": SAME}, MODIFIED, None),
        ({"If-Modified-Since": SAME}, MODIFIED, 304),
        ({"If-Modified-Since": EARLIER}, MODIFIED, None),
        ({"If-Modified-Since": SAME}, None, None),
        ({"If-Modified-Since": "never"}, MODIFIED, None),
        ({"If-Unmodified-Since": SAME}, MODIFIED, None),
        ({"If-Unmodified-Since": EARLIER}, MODIFIED, 412),
        ({"If-Unmodified-Since": EARLIER, "If-Match": '"e"'}, MODIFIED, None),
    ],
)
def test_preconditions(fields, modified, status):
    assert precondition(fields, "e", modified) == status


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "en"),
        ("fr", "fr"),
        ("fr-CA, en;q=0.8", "fr"),
        ("en, fr;q=0.9", "en"),
        ("ja, fr;q=0.1", "fr"),
        ("de", "en"),
        ("fr;q=0", "en"),
        ("fr;q=x,,;q=1", "en"),
    ],
)
def test_language_of_a_page(header, language):
    assert pages.language_of(header) == language


def test_pages_are_complete_in_both_languages_and_escape():
    assert pages.MESSAGES.keys() <= pages.TITLES.keys()
    for code in pages.MESSAGES:
        for language in pages.LANGUAGES:
            page = pages.render(code, language)
            assert f'lang="{language}"' in page
            assert "<a " not in page
    page = pages.render("access_ended", "fr", {"en": "<b>Over</b>"}, "javascript:alert(1)")
    assert "&lt;b&gt;Over" in page
    assert "javascript" not in page
    assert "Vous ne pouvez pas" in page


def test_a_port_in_use_is_a_clear_error():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CannotListen, match=rf"127.0.0.1:{port}: another program uses this port"):
            asyncio.run(listen(web.Application(), "127.0.0.1", port))


def test_a_running_server_ends_at_sigterm():
    program = (
        "from aiohttp import web\n"
        "from platform_core.fulfilment.delivery.serving import run\n"
        "run(web.Application(), '127.0.0.1', 0, lambda port: print(port, flush=True))\n"
        "print('over')\n"
    )
    command = [sys.executable, "-W", "error", "-c", program]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        with socket.create_connection(("127.0.0.1", port)):
            process.send_signal(signal.SIGTERM)
            assert process.stdout.read() == "over\n"
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("host", "port", "why"),
    [
        ("192.0.2.1", 0, "this machine has no such address"),
        ("host.invalid", 0, "the host name is unknown"),
        ("127.0.0.1", 70_000, "127.0.0.1:70000"),
    ],
)
def test_other_unusable_addresses_are_named(host, port, why):
    with pytest.raises(CannotListen, match=why):
        asyncio.run(listen(web.Application(), host, port))
