"""`webstore demo`: three stores with people, products, keys and downloads, ready to click."""

import os
import shutil
from pathlib import Path

import click

from platform_core.accounts import services as accounts
from platform_core.accounts.passwords import hash_password
from platform_core.app.settings import Settings
from platform_core.app.upgrade import upgrade
from platform_core.catalog.importing import apply_file
from platform_core.catalog.storefile import read_store_file
from platform_core.cli import demo_data
from platform_core.cli.context import Context, pass_context
from platform_core.cli.demo_keys import load_demo_keys
from platform_core.cli.processes import Part, refuse_ports_in_use, run_together
from platform_core.files.content import ContentStore
from platform_core.tenancy.problems import StoreFileErrors, parse_toml
from platform_core.tenancy.store import Store

KEPT_WHEN_FRESH = {"incoming"}


def demo_settings(settings: Settings, port: int) -> dict[str, str]:
    """The environment of a demo's processes."""
    return {
        **os.environ,
        "WEBSTORE_DEMO": "1",
        "WEBSTORE_DATABASE_URL": settings.database_url,
        "WEBSTORE_DATA_DIR": str(settings.data_dir),
        "WEBSTORE_TENANTS_DIR": str(settings.tenants_dir),
        "WEBSTORE_SECRET_FILE": str(settings.secret_file),
        "WEBSTORE_BASE_DOMAIN": settings.base_domain,
        "WEBSTORE_DOWNLOAD_ORIGIN": f"http://{settings.base_domain}:{port + 4}",
    }


def empty(data_dir: Path) -> None:
    """Start anew: everything goes but the demo's own download files."""
    if not data_dir.exists():
        return
    for entry in data_dir.iterdir():
        if entry.name in KEPT_WHEN_FRESH:
            continue
        if entry.is_dir():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def load_people(context: Context, store: Store) -> None:
    """The demo's people, each made once."""
    with context.session(store.id) as session, session.begin():
        for person in demo_data.PEOPLE.get(store.slug, ()):
            if accounts.find_account(session, person.username) is not None:
                continue
            account = accounts.create_account(
                session,
                store,
                username=person.username,
                email=person.email,
                display_name=person.shown_name,
                given_name=person.given_name,
                family_name=person.family_name,
                password_hash=_demo_hash(),
                groups=person.groups,
                organisations=person.organisations,
                roles=person.roles,
                country=person.country,
            )
            account.language = person.language
            if person.verified:
                accounts.verify_status(session, store, account, "store", None)


_hashes: list[str] = []


def _demo_hash() -> str:
    if not _hashes:
        _hashes.append(hash_password(demo_data.DEMO_PASSWORD))
    return _hashes[0]


def prepare(context: Context) -> list[Store]:
    """Database, files, stores, people and keys; what is there already is kept."""
    settings = context.settings
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    upgrade(settings.database_url, context.plugins)
    contents = ContentStore(settings.data_dir)
    paths = sorted(settings.tenants_dir.glob("*.toml"))
    if not paths:
        raise click.ClickException(f"found no store file in {settings.tenants_dir}; set WEBSTORE_TENANTS_DIR")
    documents = [parse_toml(path.read_bytes(), str(path))[1] for path in paths]
    demo_data.make_files(contents.incoming, [document for document in documents if document])
    stores = []
    for path in paths:
        try:
            file = read_store_file(path, context.plugins.schemas, incoming=contents.incoming)
            apply_file(context.database, file, contents, context.clock, "operator:demo")
        except StoreFileErrors as error:
            raise click.ClickException("\n".join(problem.text() for problem in error.problems)) from error
        store = context.store(file.slug)
        load_people(context, store)
        load_demo_keys(context, store)
        stores.append(store)
    return stores


def welcome(stores: list[Store], base_domain: str, port: int) -> str:
    """Where to click, and as whom."""
    lines = ["", f"WebStore demo: http://{base_domain}:{port}/", ""]
    for store in stores:
        people = ", ".join(person.username for person in demo_data.PEOPLE.get(store.slug, ()))
        address = f"http://{store.slug}.{base_domain}:{port}/"
        lines += [f"  {store.name('en')}", f"    {address}", f"    people: {people}", ""]
    lines += [
        f"  Password of everybody: {demo_data.DEMO_PASSWORD}",
        "  Ctrl-C ends it; what you did is kept.",
        "",
    ]
    return "\n".join(lines)


@click.command()
@click.option("--port", envvar="PORT", default=8000, show_default=True, type=click.IntRange(1, 65531))
@click.option("--fresh", envvar="FRESH", is_flag=True, help="Start anew; the demo's data are deleted.")
@click.option("--prepare-only", is_flag=True, help="Make the data, start nothing.")
@pass_context
def demo(context: Context, port: int, fresh: bool, prepare_only: bool) -> None:
    """Three demo stores on this machine. Needs nothing but Python packages.

    Example: PORT=9000 make demo
    """
    ports = {"stores": port, "downloads": port + 4}
    refuse_ports_in_use("127.0.0.1", ports)
    if fresh:
        empty(context.settings.data_dir)
    stores = prepare(context)
    text = welcome(stores, context.settings.base_domain, port)
    if prepare_only:
        click.echo(text)
        return
    context.database.dispose()
    run = ["-m", "platform_core.cli"]
    parts = [
        Part("web server", [*run, "serve", "--only", "web", "--port", str(port)]),
        Part("download server", [*run, "serve", "--only", "downloads", "--download-port", str(port + 4)]),
        Part("worker", [*run, "worker"]),
    ]
    raise SystemExit(run_together(parts, demo_settings(context.settings, port), text))
