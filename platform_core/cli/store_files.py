"""The store files that a command works on, and what the database knows of them."""

import getpass
from collections.abc import Iterable, Sequence
from pathlib import Path

import click
import sqlalchemy as sa

from platform_core.catalog.storefile import StoreFile, digest_of, read_store_file
from platform_core.cli.context import Context
from platform_core.files.content import ContentStore
from platform_core.tenancy.models import Tenant
from platform_core.tenancy.problems import Problem

PLATFORM_FILE = "platform.toml"


def store_files(context: Context) -> list[Path]:
    """The store files of the tenants folder, by name."""
    return sorted(path for path in context.settings.tenants_dir.glob("*.toml") if path.name != PLATFORM_FILE)


def content_store(context: Context) -> ContentStore:
    """Where downloads are kept."""
    return ContentStore(context.settings.data_dir)


def read_file(context: Context, path: Path) -> StoreFile:
    """The store file at `path`. Raises StoreFileErrors."""
    incoming = content_store(context).incoming
    return read_store_file(path, context.plugins.schemas, incoming=incoming, file=label(path))


def label(path: Path) -> str:
    """How messages call a file: as short as it can be from where the person stands."""
    try:
        return str(path.absolute().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def actor() -> str:
    """Who the record names: the account of the machine that the command runs in."""
    try:
        return f"operator:{getpass.getuser()}"
    except (KeyError, OSError):
        return "operator:unknown"


def chosen_files(context: Context, slugs: Sequence[str]) -> tuple[list[Path], list[Problem], list[str]]:
    """The files to work on, a problem for each slug that has none, and stores of the database without a file."""
    if not slugs:
        paths = store_files(context)
        return paths, [], stores_without_file(context, paths)
    known = known_digests(context)
    paths, problems = [], []
    for slug in dict.fromkeys(slugs):
        path = context.settings.tenants_dir / f"{slug}.toml"
        if path.is_file():
            paths.append(path)
            continue
        found = f"{slug} is in the database, but has no file" if slug in known else "no file"
        problems.append(Problem(label(path), 1, "", found, "the file of a store"))
    return paths, problems, []


def _read_digests(context: Context) -> dict[str, str] | None:
    database = context.database
    if database.is_sqlite and not Path(database.url.database or "").is_file():
        return None
    try:
        with context.session(read_only=True) as session:
            return {row.slug: row.digest for row in session.execute(sa.select(Tenant.slug, Tenant.digest))}
    except (sa.exc.OperationalError, sa.exc.ProgrammingError):
        return None


def known_digests(context: Context) -> dict[str, str]:
    """Slugs and digests of the stores that the database has; none where there is no database yet."""
    return _read_digests(context) or {}


def require_database(context: Context) -> None:
    """Raise a click error where there is no database, or one without tables."""
    if _read_digests(context) is None:
        url = context.database.url.render_as_string(hide_password=True)
        raise click.ClickException(f"found no WebStore database at {url}; `webstore db upgrade` makes one")


def stores_without_file(context: Context, paths: Iterable[Path]) -> list[str]:
    """Slugs that the database has and `paths` do not."""
    return sorted(known_digests(context).keys() - {path.stem for path in paths})


def changed_files(context: Context, paths: Iterable[Path]) -> list[Path]:
    """The files that the last apply has not seen as they are now."""
    digests, incoming = known_digests(context), content_store(context).incoming
    changed = []
    for path in paths:
        try:
            if digests.get(path.stem) != digest_of(path, incoming):
                changed.append(path)
        except OSError:
            changed.append(path)
    return changed
