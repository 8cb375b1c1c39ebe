"""`webstore tenants`: check, compare, apply, list and export stores, and switch their plugins."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import click
import sqlalchemy as sa
from pydantic import ValidationError

from platform_core.catalog.exporting import logo_of, store_file_text
from platform_core.catalog.importing import Applied, apply_file, contents_of, plan_file
from platform_core.catalog.rows import read_state
from platform_core.catalog.storefile import StoreFile
from platform_core.cli.context import Context, pass_context
from platform_core.cli.store_files import (
    actor,
    changed_files,
    chosen_files,
    content_store,
    label,
    read_file,
    require_database,
    store_files,
    stores_without_file,
)
from platform_core.cli.store_reports import (
    count,
    print_json,
    print_problems,
    print_without_file,
    report,
    with_progress,
)
from platform_core.tenancy.flaws import flaws_in
from platform_core.tenancy.models import Revision, Source, Tenant, TenantPlugin
from platform_core.tenancy.problems import Problem, StoreFileErrors, duplicates, english, in_order, key_text
from platform_core.tenancy.services import switch_plugin

BAD_INPUT = 1
CHANGES_PENDING = 3
KEPT_FILES = 200
"""So many parsed files stay in memory between the check and the apply of one run."""


@click.group("tenants")
def tenants() -> None:
    """Stores: their files, and what the database has of them.

    \b
    Example: webstore tenants check
    """


@tenants.command("check")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the problems as JSON.")
@pass_context
def check(context: Context, files: Sequence[Path], as_json: bool) -> None:
    """Say all that is wrong with store files. Nothing is written.

    Without FILES every store file of the tenants folder is checked. Exit code 1 if there is a problem.

    \b
    Example: webstore tenants check tenants/northfield.toml
    """
    paths = list(files) or store_files(context)
    problems: list[Problem] = []
    slugs: list[tuple[str, int, str]] = []
    for path in with_progress(paths, "checked"):
        try:
            slugs.append((label(path), 1, read_file(context, path).slug))
        except StoreFileErrors as errors:
            problems += errors.problems
    problems = sorted([*problems, *duplicates(slugs)], key=in_order)
    notes = [] if files else stores_without_file(context, paths)
    if as_json:
        print_json(
            {
                "files": len(paths),
                "problems": [problem.plain() for problem in problems],
                "without_file": notes,
            }
        )
    else:
        print_problems(problems)
        print_without_file(notes)
        if not problems:
            click.echo(f"{count(len(paths), 'store file')} checked, no problem found")
    sys.exit(BAD_INPUT if problems else 0)


@tenants.command("diff")
@click.argument("slugs", nargs=-1, metavar="[SLUG]...")
@click.option("--json", "as_json", is_flag=True, help="Print the changes as JSON.")
@pass_context
def diff(context: Context, slugs: Sequence[str], as_json: bool) -> None:
    """Show what `apply` would change. Nothing is written.

    Exit code 0: nothing to do; 3: changes are pending; 1: a file has a problem.

    \b
    Example: webstore tenants diff northfield
    """
    _compare(context, slugs, as_json, pending_code=CHANGES_PENDING)


@tenants.command("apply")
@click.argument("slugs", nargs=-1, metavar="[SLUG]...")
@click.option("--dry-run", is_flag=True, help="Only show what would change.")
@click.option(
    "--all", "everything", is_flag=True, help="Look at every store, also where its file has not changed."
)
@click.option("--keep-going", is_flag=True, help="Apply the good files even if others have problems.")
@click.option("--json", "as_json", is_flag=True, help="Print the changes as JSON.")
@pass_context
def apply(
    context: Context, slugs: Sequence[str], dry_run: bool, everything: bool, keep_going: bool, as_json: bool
) -> None:
    """Make the database say what the store files say, each store in one transaction.

    Without SLUG all stores whose file has changed since the last apply. All files are checked first: if one has
    a problem, nothing is written at all, unless --keep-going. Rows that a person edited on a screen are kept
    and reported.

    \b
    Example: webstore tenants apply northfield
    """
    if dry_run:
        _compare(context, slugs, as_json, pending_code=0)
        return
    require_database(context)
    paths, problems, notes = chosen_files(context, slugs)
    if not slugs and not everything:
        paths = changed_files(context, paths)
    read: dict[Path, StoreFile] = {}
    good: list[Path] = []
    for path in with_progress(paths, "checked"):
        try:
            file = _applicable(context, path)
        except StoreFileErrors as errors:
            problems += errors.problems
            continue
        good.append(path)
        if len(read) < KEPT_FILES:
            read[path] = file
    done: list[Applied] = []
    for path in with_progress(good if keep_going or not problems else [], "applied"):
        try:
            done.append(_apply(context, read.pop(path) if path in read else read_file(context, path)))
        except StoreFileErrors as errors:
            problems += errors.problems
    report(done, problems, notes, as_json)
    sys.exit(BAD_INPUT if problems else 0)


def _applicable(context: Context, path: Path) -> StoreFile:
    """The file, with all its downloads at hand. Raises StoreFileErrors."""
    file, store = read_file(context, path), content_store(context)
    wanted = sum(len(product.files) for product in file.catalogue.products)
    if wanted > len(contents_of(file, store, adopt=False)):
        plan_file(context.database, file, store)
    return file


def _apply(context: Context, file: StoreFile) -> Applied:
    context.stores.follow_clock()
    return apply_file(context.database, file, content_store(context), context.clock, actor())


def _compare(context: Context, slugs: Sequence[str], as_json: bool, *, pending_code: int) -> None:
    require_database(context)
    paths, problems, notes = chosen_files(context, slugs)
    done: list[Applied] = []
    for path in with_progress(paths, "compared"):
        try:
            file = read_file(context, path)
            changes = plan_file(context.database, file, content_store(context)).changes
        except StoreFileErrors as errors:
            problems += errors.problems
        else:
            done.append(Applied(file.slug, changes, None))
    report(done, problems, notes, as_json)
    pending = any(applied.written for applied in done)
    sys.exit(BAD_INPUT if problems else pending_code if pending else 0)


@tenants.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print the stores as JSON.")
@pass_context
def list_stores(context: Context, as_json: bool) -> None:
    """Name the stores that the database has.

    \b
    Example: webstore tenants list --json
    """
    require_database(context)
    query = (
        sa.select(Tenant.slug, Tenant.names, Tenant.state, Revision.number, Revision.published_at)
        .join(Revision, Revision.tenant_id == Tenant.id, isouter=True)
        .order_by(Tenant.slug)
    )
    with context.session(read_only=True) as session:
        rows = session.execute(query).all()
    stores = [
        {
            "slug": row.slug,
            "names": row.names,
            "state": row.state.value,
            "revision": row.number,
            "published_at": row.published_at.isoformat() if row.published_at else None,
            "has_file": (context.settings.tenants_dir / f"{row.slug}.toml").is_file(),
        }
        for row in rows
    ]
    if as_json:
        print_json(stores)
        return
    for store in stores:
        name = next(iter(store["names"].values()), "")
        line = f"{store['slug']}  {name}  revision {store['revision']}"
        click.echo(line + ("" if store["state"] == "open" else f"  {store['state']}"))
    print_without_file([str(store["slug"]) for store in stores if not store["has_file"]])
    if not stores:
        click.echo("no store yet; `webstore tenants apply` brings in the store files")


@tenants.command("export")
@click.argument("slug")
@click.option(
    "--to", "folder", type=click.Path(path_type=Path, file_okay=False), help="Write file and logo there."
)
@pass_context
def export(context: Context, slug: str, folder: Path | None) -> None:
    """Write the store file of what the database has. Applying it changes nothing.

    Downloads are named by the digest of their bytes, which the content store has.

    \b
    Example: webstore tenants export northfield --to /tmp/stores
    """
    require_database(context)
    store = context.store(slug)
    with context.session(store.id, read_only=True) as session:
        state = read_state(session)
    text = store_file_text(state)
    if folder is None:
        click.echo(text, nl=False)
        return
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{slug}.toml").write_text(text, "utf-8")
    if logo := logo_of(state):
        (folder / logo[0]).write_text(logo[1], "utf-8")
    click.echo(f"{folder / slug}.toml")


@tenants.command("plugin")
@click.argument("slug")
@click.argument("name")
@click.argument("action", type=click.Choice(["on", "off", "show"]))
@click.option("--json", "as_json", is_flag=True, help="Print switch and settings as JSON.")
@pass_context
def plugin(context: Context, slug: str, name: str, action: str, as_json: bool) -> None:
    """Switch a plugin of one store, or show its switch and settings.

    A switch is effective at once and stays over later applies of the store's file.

    \b
    Example: webstore tenants plugin northfield my_plugin off
    """
    require_database(context)
    store = context.store(slug)
    switch = _switch(context, store.id, name)
    if name not in context.plugins.schemas and (action == "on" or switch is None):
        known = ", ".join(context.plugins.schemas) or "none"
        raise click.ClickException(f"found plugin {name!r}; installed: {known}")
    changed = False
    if action != "show":
        if action == "on":
            _refuse_bad_settings(context, name, switch.settings if switch else {})
        with context.session(store.id) as session, session.begin():
            changed = switch_plugin(session, context.clock, name, action == "on", actor())
        switch = _switch(context, store.id, name)
    if as_json:
        print_json(
            {
                "plugin": name,
                "installed": name in context.plugins.schemas,
                "enabled": switch is not None and switch.enabled,
                "source": switch.source.value if switch else None,
                "settings": switch.settings if switch else {},
                "changed": changed,
            }
        )
        return
    state = "on" if switch and switch.enabled else "off"
    by = (
        ""
        if switch is None
        else ", as the store file says"
        if switch.source is Source.FILE
        else ", set by a person"
    )
    click.echo(
        f"{name} is {state} at {slug}{by}" + ("" if changed or action == "show" else "; nothing to do")
    )
    for key, value in switch.settings.items() if switch and action == "show" else ():
        click.echo(f"  {key} = {value!r}")


def _switch(context: Context, tenant: UUID, name: str) -> TenantPlugin | None:
    with context.session(tenant, read_only=True) as session:
        return session.scalars(sa.select(TenantPlugin).where(TenantPlugin.plugin == name)).one_or_none()


def _refuse_bad_settings(context: Context, name: str, settings: dict[str, Any]) -> None:
    schema = context.plugins.schemas[name]
    try:
        schema.model_validate(settings)
    except ValidationError as error:
        flaws = [
            f"{key_text(flaw.path, {})}: found {english(flaw.found)}; allowed: {english(flaw.allowed)}"
            for flaw in flaws_in(error, schema)
        ]
        advice = "write the settings into the store file and apply it"
        raise click.ClickException(f"{name} cannot be switched on: {'; '.join(flaws)}; {advice}") from error
