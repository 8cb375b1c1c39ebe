"""`webstore bench`: speed as a ratio of two things measured turn by turn in one run, never as a time."""

import secrets
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

import click
import sqlalchemy as sa

from platform_core.accounts import services as accounts
from platform_core.accounts import sessions
from platform_core.app.factory import make_config
from platform_core.app.settings import Settings
from platform_core.app.upgrade import upgrade
from platform_core.catalog.importing import apply_file
from platform_core.catalog.storefile import read_store_file
from platform_core.cli.context import Context, pass_context
from platform_core.cli.measuring import (
    RATIO_HEAD,
    Call,
    Cost,
    bare_app,
    counted,
    getter,
    ratio,
    resident_bytes,
    silence_logs,
)
from platform_core.cli.store_files import require_database
from platform_core.cli.store_reports import with_progress
from platform_core.db import Database
from platform_core.files.content import ContentStore
from platform_core.tenancy.loading import KEPT_STORES
from platform_core.tenancy.store import Store

FEW = 3
SLUG = "school-00000"
PERSON = "student"
PROBES = 5
REQUESTS = 200


@click.group()
def bench() -> None:
    """Ratios, measured turn by turn in one process: lowest, median, highest."""
    silence_logs()


# --- pages -----------------------------------------------------------------------------------------------------


@bench.command()
@click.option("--store", "slug", default="northfield", show_default=True)
@click.option("--person", default=PERSON, show_default=True, help="Whose pages are measured signed in.")
@click.option("--rounds", default=15, show_default=True, type=click.IntRange(3, 1000))
@pass_context
def pages(context: Context, slug: str, person: str, rounds: int) -> None:
    """The pages of a store against a page of the bare framework.

    Nothing is left behind: the person's session is ended again.

    \b
    Example: webstore bench pages --store northfield
    """
    require_database(context)
    store = context.store(slug)
    app, registry = _app(context.settings, context.database)
    host = f"{slug}.{context.settings.base_domain}"
    products = store.catalogue_document["products"]
    paths = ["/products", "/", f"/products/{products[0]['slug']}"] if products else ["/products", "/"]
    bare = getter(bare_app(), "/products", host)
    click.echo(f"cold: the first request of a process; warm: the next; work: {_work(context.database)}")
    click.echo(RATIO_HEAD.format(f"{slug}: times as long as a bare Pyramid view"))
    for path in paths:
        registry.stores.forget()
        _page(f"{path}, visitor", getter(app, path, host), bare, context.database, rounds)
    with _session(context, store, person) as cookie:
        for path in [*paths, "/cart", "/account/orders"] if cookie else ():
            registry.stores.forget()
            _page(f"{path}, signed in", getter(app, path, host, cookie), bare, context.database, rounds)


def _page(name: str, page: Call, bare: Call, database: Database, rounds: int) -> None:
    costs = []
    for _ in range(2):
        with counted(database) as cost:
            page()
        costs.append(cost)
    click.echo(ratio(page, bare, rounds=rounds).line(name))
    click.echo(f"    cold {costs[0]}; warm {costs[1]}")


@contextmanager
def _session(context: Context, store: Store, username: str) -> Iterator[str]:
    """The cookie of a session that stands meanwhile; empty where the store does not know the person."""
    with context.session(store.id) as session, session.begin():
        account = accounts.find_account(session, username)
        token = sessions.start(session, store, account, short=False) if account else ""
    if not token:
        click.echo(f"{store.slug} has no person {username!r}: pages of a signed-in person are left out")
        yield ""
        return
    try:
        yield f"{sessions.cookie_name('http')}={token}"
    finally:
        with context.session(store.id) as session, session.begin():
            sessions.end(session, token)


def _app(settings: Settings, database: Database | None = None) -> tuple[Any, Any]:
    config = make_config(settings, database=database)
    return config.make_wsgi_app(), config.registry


def _work(database: Database) -> str:
    return "steps of SQLite's machine" if database.is_sqlite else "rows that PostgreSQL read"


# --- tenants ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Installation:
    """A database with so many stores, the same three first, and a person who is signed in at one of them."""

    count: int
    settings: Settings
    cookie: str

    @property
    def host(self) -> str:
        return f"{SLUG}.{self.settings.base_domain}"


@dataclass(frozen=True, slots=True)
class _Probe:
    """What a fresh process found. Memory in bytes; `requests` and `stores` are what came on top."""

    start: int
    requests: int
    stores: int
    index: int
    costs: tuple[tuple[str, Cost], ...]


@bench.command()
@click.option("--count", default=10_000, show_default=True, type=click.IntRange(4, 1_000_000))
@click.option("--rounds", default=15, show_default=True, type=click.IntRange(15, 1000))
@click.option(
    "--database",
    "url",
    help="An empty PostgreSQL database whose owner may create others. Default: SQLite in a temporary folder.",
)
def tenants(count: int, rounds: int, url: str | None) -> None:
    """Many stores against three: statements, rows, memory and time of a request, in one run.

    Memory is measured in fresh processes, one installation each, turn by turn.

    \b
    Example: webstore bench tenants --count 10000
    """
    folder = Path(tempfile.mkdtemp(prefix="webstore-bench-"))
    databases: list[str] = []
    try:
        made = []
        for number in (FEW, count):
            database_url = _create(url, databases) if url else f"sqlite:///{folder / f'{number}.db'}"
            made.append(_install(folder / str(number), database_url, number))
        few, many = made
        _compare_probes(few, many)
        _compare_times(few, many, rounds)
    finally:
        shutil.rmtree(folder)
        _drop(url, databases)


def _store_text(slug: str) -> str:
    products = "".join(_PRODUCT.format(number=number) for number in range(3))
    return _STORE.format(slug=slug) + products


_STORE = """format = 1
store = {{ slug = "{slug}", name = "University of {slug}", languages = ["en", "fr"], currencies = ["CAD"], \
country = "CA", time_zone = "America/Toronto" }}
distributor = {{ name = "Example Distribution" }}
groups = [ {{ code = "student", name = "Students" }} ]
publishers = [ {{ slug = "maker", name = "Maker" }} ]
categories = [ {{ slug = "office", name = "Office", pattern = "office" }} ]
"""
_PRODUCT = """[[products]]
slug = "product-{number}"
name = "Product {number}"
kind = "software"
publisher = "maker"
category = "office"
monogram = "P{number}"
version = "1"
languages = ["en"]
summary = "A product."
description = "A product."
licence = {{ kind = "perpetual" }}
offers = [ {{ code = "all", free = true }} ]
"""


def _create(url: str, databases: list[str]) -> str:
    name = f"webstore_bench_{secrets.token_hex(4)}"
    _administer(url, f'CREATE DATABASE "{name}"')
    databases.append(name)
    return sa.make_url(url).set(database=name).render_as_string(hide_password=False)


def _drop(url: str | None, databases: list[str]) -> None:
    for name in databases if url else ():
        _administer(url or "", f'DROP DATABASE "{name}" WITH (FORCE)')


def _administer(url: str, statement: str) -> None:
    database = Database(url, owner=True)
    with database.writer.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text(statement))
    database.dispose()


def _install(data_dir: Path, database_url: str, count: int) -> _Installation:
    tenants = data_dir / "tenants"
    tenants.mkdir(parents=True)
    settings = Settings(database_url, data_dir, tenants, data_dir / "secret.key")
    upgrade(database_url)
    context = Context(settings)
    contents = ContentStore(data_dir)
    paths = [tenants / f"school-{number:05}.toml" for number in range(count)]
    for path in with_progress(paths, "stores applied"):
        path.write_text(_store_text(path.stem), "utf-8")
        file = read_store_file(path, context.plugins.schemas)
        apply_file(context.database, file, contents, context.clock, "operator:bench")
    store = context.store(SLUG)
    with context.session(store.id) as session, session.begin():
        account = accounts.create_account(
            session,
            store,
            username=PERSON,
            email=f"{PERSON}@{SLUG}.example",
            display_name="Student",
            password_hash=None,
            groups=["student"],
        )
        token = sessions.start(session, store, account, short=False)
    context.database.dispose()
    return _Installation(count, settings, f"{sessions.cookie_name('http')}={token}")


def _probe(made: _Installation) -> _Probe:
    """Run in a process of its own."""
    silence_logs()
    app, registry = _app(made.settings)
    visit = getter(app, "/products", made.host)
    signed_in = getter(app, "/products", made.host, made.cookie)
    start = resident_bytes()
    costs = []
    for name, page in (("visitor, cold", visit), ("visitor, warm", visit), ("signed in", signed_in)):
        with counted(registry.database) as cost:
            page()
        costs.append((name, cost))
    for _ in range(REQUESTS):
        visit()
        signed_in()
    served = resident_bytes()
    slugs = [f"school-{number:05}" for number in range(min(made.count, KEPT_STORES))]
    for slug in slugs:
        getter(app, "/products", f"{slug}.{made.settings.base_domain}")()
    kept = resident_bytes()
    registry.finder.search("univ")
    return _Probe(
        start, served - start, (kept - served) // len(slugs), registry.finder.index_bytes, tuple(costs)
    )


def _compare_probes(few: _Installation, many: _Installation) -> None:
    found: dict[int, list[_Probe]] = {few.count: [], many.count: []}
    for _ in range(PROBES):
        for made in (few, many):
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
                found[made.count].append(pool.submit(_probe, made).result())
    click.echo(
        f"work: {_work(Database(few.settings.database_url))}; bytes: median of {PROBES} fresh processes"
    )
    for count, probes in found.items():
        click.echo(f"{count} stores")
        for name, cost in probes[0].costs:
            click.echo(f"    list, {name:<15} {cost}")
        for name, values in (
            ("resident at start", [probe.start for probe in probes]),
            (f"more after {2 * REQUESTS + 3} requests", [probe.requests for probe in probes]),
        ):
            click.echo(f"    {name:<29} {median(values):>11,.0f} ({min(values):,} to {max(values):,})")
        if count > few.count:
            click.echo(f"    each store kept, of at most {KEPT_STORES} {probes[0].stores:,}")
        click.echo(f"    finder's index                {probes[0].index:>11,}")


def _compare_times(few: _Installation, many: _Installation, rounds: int) -> None:
    apps = [_app(made.settings) for made in (many, few)]
    click.echo(RATIO_HEAD.format(f"{many.count} stores: times as long as with {few.count}"))
    for name, cookie, anew in (
        ("visitor", "", False),
        ("signed in", few.cookie, False),
        ("store read anew", "", True),
    ):
        calls = []
        for (app, registry), made in zip(apps, (many, few), strict=True):
            get = getter(app, "/products", made.host, made.cookie if cookie else "")
            calls.append(_anew(registry, get) if anew else get)
            calls[-1]()
        click.echo(ratio(calls[0], calls[1], rounds=rounds).line(f"list, {name}"))


def _anew(registry: Any, get: Call) -> Call:
    def call() -> object:
        registry.stores.forget()
        return get()

    return call
