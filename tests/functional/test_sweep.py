"""Nobody sees or touches what belongs to somebody else: every route and method, and a planted leak for each wall."""

import base64
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from pyramid.httpexceptions import HTTPNotFound
from pyramid.response import Response

from platform_core.accounts import services as accounts
from platform_core.accounts.models import Account
from platform_core.accounts.permissions import Permission
from platform_core.app.settings import Settings
from platform_core.catalog import pagecache
from platform_core.checkout import services as checkout
from platform_core.checkout.models import Checkout
from platform_core.db import Database, unscoped
from platform_core.db.base import owned_tables
from platform_core.fulfilment import downloads
from platform_core.fulfilment.models import Entitlement
from platform_core.orders import services as orders
from platform_core.orders.models import Order
from tests.common.shop import Shop
from tests.common.sweep import ABROAD, HOME, Sweep
from tests.common.sweep_table import TABLE
from tests.common.walls import load_all_models, unwalled

ROOT = Path(__file__).parents[2]


@pytest.mark.feature("TEN-01")
def test_nobody_reaches_what_belongs_to_somebody_else(shop: Shop) -> None:
    sweep = Sweep(shop, TABLE).run()
    print(f"\nsweep: {len(sweep.routes())} routes, {sweep.requests} requests")
    assert sweep.findings == []
    assert sweep.requests > 20 * len(sweep.routes())


# --- planted leaks: what the sweep is worth ------------------------------------------------------------------------


def prepared(shop: Shop) -> Sweep:
    """A sweep whose people have ordered already, so that what is planted then harms nobody but the sweep."""
    sweep = Sweep(shop, TABLE)
    sweep.prepare()
    return sweep


def found(sweep: Sweep, *routes: str) -> str:
    """What a sweep of some routes finds, as one text."""
    return "\n".join(sweep.run(only=routes).findings)


def raw_query(shop: Shop) -> None:
    """Plants a receipt that trusts a query by hand: it checks the number and the username, but not the store."""

    def leaky(request: Any) -> Response:
        query = (
            'SELECT o.number FROM "order" o JOIN account a ON a.id = o.account_id'
            " WHERE o.number = :number AND a.username_key = :name"
        )
        values = {"number": request.matchdict["number"], "name": request.person.username}
        with unscoped("planted by a test"):
            row = request.reader.execute(sa.text(query), values).first()
        if row is None:
            raise HTTPNotFound()
        return Response(row.number)

    shop.config.add_view(
        leaky, route_name="order", request_method="GET", permission=Permission.OWN_ACCOUNT, renderer=None
    )
    shop.config.commit()


def test_a_query_by_raw_id_past_the_session_is_found_or_stopped_by_the_database(shop: Shop) -> None:
    sweep = prepared(shop)
    raw_query(shop)
    text = found(sweep, "order")
    if shop.database.is_sqlite:
        assert "order GET: the owner's twin in another store can tell" in text
    else:
        assert text == "", "row level security shows another store's rows to nobody"


@pytest.mark.postgres
def test_a_table_without_its_policy_is_named_by_the_schemas_test_and_by_the_sweep(shop: Shop) -> None:
    sweep = prepared(shop)
    raw_query(shop)
    url = shop.database.url.render_as_string(hide_password=False)
    owner = Database(url, owner=True)
    with owner.writer.begin() as connection:
        for table in ("order", "account"):
            connection.execute(sa.text(f'ALTER TABLE "{table}" DISABLE ROW LEVEL SECURITY'))
    load_all_models()
    with owner.writer.connect() as connection:
        assert {line.partition(":")[0] for line in unwalled(connection, set(owned_tables()))} == {
            "order",
            "account",
        }
    owner.dispose()
    assert "order GET: the owner's twin in another store can tell" in found(sweep, "order")


def test_a_view_that_ignores_the_account_is_found(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def any_order(session: Any, account_id: UUID, number: str) -> Order | None:
        return session.scalars(sa.select(Order).where(Order.number == number)).one_or_none()

    sweep = prepared(shop)
    monkeypatch.setattr(orders, "by_number", any_order)
    text = found(sweep, "order", "order_file")
    assert "order GET: another person of the store can tell" in text
    assert "order HEAD: another person of the store can tell" in text
    assert "order_file GET: another person of the store can tell" in text
    assert "another store" not in text, "the walls between stores stand"


def test_a_form_that_ignores_the_account_is_found(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def any_checkout(session: Any, account_id: UUID, token: str, *, hold: bool = False) -> Checkout | None:
        return session.scalars(sa.select(Checkout).where(Checkout.token == token)).one_or_none()

    sweep = prepared(shop)
    monkeypatch.setattr(checkout, "find", any_checkout)
    text = found(sweep, "checkout_review")
    assert "checkout_review GET: another person of the store can tell" in text
    assert "checkout_review POST: another person of the store can tell" in text


def test_a_form_that_writes_to_everybody_is_found(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def change_all(session: Any, store: Any, person: Any, **values: Any) -> None:
        session.execute(sa.update(Account).values(**values))

    sweep = prepared(shop)
    monkeypatch.setattr(accounts, "change_profile", change_all)
    assert "account_profile POST: what is the owner's has changed" in found(sweep, "account_profile")


def test_a_page_cache_that_keeps_signed_in_pages_is_found(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep = prepared(shop)
    monkeypatch.setattr(pagecache, "PERSONAL_COOKIES", ())
    text = found(sweep, "front", "products")
    assert "front GET: another person of the store reads 'odile.sweep1'" in text
    assert "products GET: a visitor reads 'odile.sweep1'" in text
    assert "another store" not in text, "stores have pages of their own"


def test_a_new_route_has_to_come_under_the_sweep(shop: Shop) -> None:
    shop.config.add_route("gift", "/gifts/{code}")
    shop.config.add_view(lambda request: Response(""), route_name="gift", request_method=("GET", "DELETE"))
    shop.config.add_view(lambda request: Response(""), name="gifts")
    shop.config.commit()
    sweep = Sweep(shop, TABLE)
    sweep.check_table()
    assert sweep.findings[0].startswith("a view without a route")
    assert sweep.findings[1:] == [
        "gift DELETE: not under the sweep",
        "gift GET: not under the sweep",
        "gift: answers on every host",
    ]


def test_a_plugins_page_is_nowhere_where_the_plugin_is_off(shop: Shop) -> None:
    owned = {info.options["route_name"]: plugin for plugin, info in shop.registry.plugin_views}
    assert owned
    patterns = Sweep(shop, TABLE).routes()
    for route, plugin in owned.items():
        shop.switch(plugin, False)
        browser = shop.browser().sign_in("student")
        answer, unknown = (browser.get(path, status=404) for path in (patterns[route], "/+nothing-here/"))
        blanked = [
            page.text.replace(page.headers["X-Request-Id"], "*").replace(page.request.path, "*")
            for page in (answer, unknown)
        ]
        assert blanked[0] == blanked[1]


# --- the download server ------------------------------------------------------------------------------------------


@contextmanager
def download_server(settings: Settings) -> Iterator[str]:
    """The download server in a process of its own; yields its origin."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        **os.environ,
        "WEBSTORE_DATABASE_URL": settings.database_url,
        "WEBSTORE_DATA_DIR": str(settings.data_dir),
        "WEBSTORE_SECRET_FILE": str(settings.secret_file),
    }
    command = [sys.executable, "-m", "platform_core.cli", "serve", "--only", "downloads"]
    process = subprocess.Popen([*command, "--download-port", str(port)], cwd=ROOT, env=environment)
    origin = f"http://127.0.0.1:{port}"
    try:
        for _try in range(300):
            try:
                asked(f"{origin}/healthz")
                break
            except urllib.error.URLError:
                assert process.poll() is None
                time.sleep(0.1)
        yield origin
    finally:
        process.terminate()
        process.wait(20)


def asked(url: str, method: str = "GET") -> tuple[int, list[tuple[str, str]], bytes]:
    """Status, headers and body of one request."""
    request = urllib.request.Request(url, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            status, headers, body = answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as refused:
        with refused:
            status, headers, body = refused.code, refused.headers, refused.read()
    return status, sorted((k, v) for k, v in headers.items() if k != "Date"), body


def encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def test_an_address_of_the_download_server_opens_one_file_of_one_store_alone(shop: Shop) -> None:
    sweep = Sweep(shop, TABLE)
    owner, account_id = sweep.owner()
    assert owner.own is not None
    given = sweep.raw(owner, "GET", f"/orders/{owner.own.order}/files/{owner.own.file}")
    address = given.location.removeprefix(shop.settings.download_origin)
    payload, mac = address.removeprefix("/d/").split(".")
    raw = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
    with shop.session() as session:
        right = session.scalars(sa.select(Entitlement).where(Entitlement.account_id == account_id)).one()
        file = downloads.files_of(session, [right])[right.id]
        ids = [downloads.download_id(right.id, each.id) for each in file]
    signs = downloads.signer(shop.keys, shop.clock)
    home, abroad = shop.store(HOME).id, shop.store(ABROAD).id
    foreign = raw[:1] + abroad.bytes + raw[17:]
    forged = [
        f"{encoded(foreign)}.{mac}",  # the other store's, with this one's signature
        f"{payload}.{mac[:-1]}{'A' if mac[-1] != 'A' else 'B'}",
        f"{payload}.{'A' * 43}",
        f"{payload}.",
        payload,
        f"{payload}.{mac}x",
        f"{payload}=.{mac}",
        f"{encoded(raw[:33] + b'z' * 8 + raw[41:])}.{mac}",  # good for ever
        f"{encoded(raw[:41] + b'k9')}.{mac}",
        f"{encoded(raw[:40])}.{mac}",
        f"{encoded(bytes([2]) + raw[1:])}.{mac}",
        "a.b",
        "%00",
        "..%2f..%2fsecret.key",
        "x" * 3000,
    ]
    with download_server(shop.settings) as origin:
        assert asked(origin + address, "HEAD")[0] == 200
        status, _headers, body = asked(origin + address)
        assert (status, len(body)) == (200, 4096)
        nothing = asked(f"{origin}/d/{'A' * 67}.{'A' * 43}")
        assert nothing[0] == 404
        for token in forged:
            assert asked(f"{origin}/d/{token}") == nothing, token[:100]
        unknown = asked(origin + signs.path(home, UUID(int=ids[0].int ^ (1 << 70))))
        assert unknown[0] == 404
        for tenant in (abroad, UUID(int=1)):
            assert asked(origin + signs.path(tenant, ids[0])) == unknown
        for method in ("POST", "PUT", "DELETE", "OPTIONS"):
            assert asked(origin + address, method)[0] == 405
        assert asked(f"{origin}/orders/{owner.own.order}")[0] == 404
