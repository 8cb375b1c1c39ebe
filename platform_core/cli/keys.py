"""`webstore keys`: loading, counting and sealing anew."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import click
import sqlalchemy as sa

from platform_core.catalog.models import Product
from platform_core.cli.context import Context, pass_context
from platform_core.fulfilment.claiming import counts
from platform_core.fulfilment.key_file import CsvKeys
from platform_core.fulfilment.key_import import ImportRefused, ImportReport, import_keys
from platform_core.fulfilment.models import CredentialState
from platform_core.fulfilment.pools import NoSuchPool
from platform_core.fulfilment.rotation import rotate_store
from platform_core.tenancy.models import Tenant

SHOW_EVERY = 10_000
ACTOR = "operator:cli"


@click.group()
def keys() -> None:
    """The pools of product keys, activation codes and licence numbers."""


def _shown(quiet: bool) -> Callable[[str, int], None]:
    words = {"check": "checked", "load": "loaded"}
    told: dict[str, int] = {}

    def progress(step: str, lines: int) -> None:
        if not quiet and lines - told.get(step, 0) >= SHOW_EVERY:
            told[step] = lines
            click.echo(f"{words[step]} {lines} lines", err=True)

    return progress


@keys.command("import")
@click.option("--store", "slug", required=True, help="The store's slug.")
@click.option("--product", required=True, help="The product's slug.")
@click.option("--code", required=True, help="The credential's code in the store's file, such as serial.")
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@pass_context
def import_(context: Context, slug: str, product: str, code: str, as_json: bool, file: Path) -> None:
    """Load the keys of FILE, a CSV file with one column, into a product's pool.

    \b
    All or nothing: with one bad line nothing is loaded, and every bad line is named.
    People who wait for a key get theirs at once, first come first served.
    Example: webstore keys import --store northfield --product stat-workbench --code serial keys.csv
    """
    store = context.store(slug)
    try:
        report = import_keys(
            context.database,
            context.clock,
            context.keys,
            store.id,
            product,
            code,
            CsvKeys(file, code),
            actor=ACTOR,
            file_name=file.name,
            progress=_shown(as_json),
        )
    except (ImportRefused, NoSuchPool) as error:
        raise click.ClickException(str(error)) from error
    _tell(report, as_json)


def _tell(report: ImportReport, as_json: bool) -> None:
    if as_json:
        flaws = [{"line": flaw.line, "text": flaw.text} for flaw in report.flaws]
        click.echo(json.dumps({"accepted": report.accepted, "flaw_count": report.flaw_count, "flaws": flaws}))
    elif report.is_loaded:
        click.echo(f"{report.accepted} keys loaded")
    else:
        for flaw in report.flaws:
            click.echo(str(flaw), err=True)
        if report.flaw_count > len(report.flaws):
            click.echo(f"… and {report.flaw_count - len(report.flaws)} more", err=True)
        click.echo(f"nothing loaded: {report.flaw_count} bad lines", err=True)
    if not report.is_loaded:
        sys.exit(1)


@keys.command()
@click.option("--store", "slug", help="Only this store.")
@pass_context
def rotate(context: Context, slug: str | None) -> None:
    """Seal all keys anew with the first key of the secret file.

    \b
    Put a new line first in the secret file, restart, then run this. It may be stopped and started again.
    When it has ended, the old line is no longer needed for keys.
    Example: webstore keys rotate
    """
    with context.session(read_only=True) as session:
        query = sa.select(Tenant.id, Tenant.slug).order_by(Tenant.slug)
        stores = session.execute(query if slug is None else query.where(Tenant.slug == slug)).all()
    if slug is not None and not stores:
        raise click.ClickException(f"found no store {slug!r}; `webstore tenants list` names them all")
    total = 0
    for tenant_id, name in stores:
        try:
            done = rotate_store(context.database, tenant_id, context.keys)
        except KeyError as error:
            raise click.ClickException(
                f"store {name}: a credential is sealed with key {error.args[0]!r}, which is not in the secret "
                "file; put that line back and run this again"
            ) from error
        total += done
        if done:
            click.echo(f"{name}: {done} keys")
    click.echo(f"{total} keys sealed anew with {context.keys.current}")


@keys.command("count")
@click.option("--store", "slug", required=True, help="The store's slug.")
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
@pass_context
def count(context: Context, slug: str, as_json: bool) -> None:
    """How many keys each pool of a store has left, and how many went out.

    Example: webstore keys count --store northfield --json
    """
    store = context.store(slug)
    with context.session(store.id, read_only=True) as session:
        names = {row.id: row.slug for row in session.execute(sa.select(Product.id, Product.slug))}
        found: dict[tuple[str, str], dict[str, int]] = {}
        for product_id, code, state, number in counts(session):
            pool = found.setdefault((names[product_id], code), {each.value: 0 for each in CredentialState})
            pool[state.value] = number
    rows = [{"product": product, "code": code, **pool} for (product, code), pool in sorted(found.items())]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        click.echo(
            f"{row['product']:<32} {row['code']:<20} {row['available']:>9} left {row['issued']:>9} issued"
            f" {row['dead']:>6} dead"
        )
    if not rows:
        click.echo("no keys have been loaded yet")
