"""What `webstore tenants` prints: progress, changes, problems, JSON."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from platform_core.catalog.importing import Applied
from platform_core.tenancy.changes import Change
from platform_core.tenancy.problems import Problem, in_order

MOST_LINES = 200
"""So many changes of one store are printed; JSON has them all."""

MANY = 100
"""From so many files on, progress is shown, and of each store's changes only their number."""


def with_progress(paths: Sequence[Path], done: str) -> Iterator[Path]:
    """The paths one by one; with many of them, how far it is on standard error."""
    step = max(len(paths) // 20, 1)
    for number, path in enumerate(paths, 1):
        yield path
        if len(paths) >= MANY and (number % step == 0 or number == len(paths)):
            click.echo(f"{number} of {len(paths)} {done}", err=True)


def report(done: Sequence[Applied], problems: list[Problem], notes: Sequence[str], as_json: bool) -> None:
    """The outcome of an apply or a comparison."""
    problems.sort(key=in_order)
    if as_json:
        stores = [
            {
                "slug": applied.slug,
                "revision": applied.revision,
                "changes": [change.plain() for change in applied.changes],
            }
            for applied in done
        ]
        print_json(
            {
                "stores": stores,
                "problems": [problem.plain() for problem in problems],
                "without_file": list(notes),
            }
        )
        return
    for applied in done:
        print_changes(
            applied.slug, applied.changes, applied.revision, lines=MOST_LINES if len(done) < MANY else 0
        )
    if not any(applied.changes for applied in done) and not problems:
        click.echo("no changes")
    print_problems(problems)
    print_without_file(notes)


def print_changes(
    slug: str, changes: Sequence[Change], revision: int | None, lines: int = MOST_LINES
) -> None:
    """How many changes a store has, and the first `lines` of them."""
    if not changes:
        return
    published = f" (revision {revision})" if revision is not None else ""
    click.echo(f"{slug}: {count(len(changes), 'change')}{published}")
    for change in changes[:lines]:
        click.echo(f"  {change.text()}")
    if lines and len(changes) > lines:
        click.echo(f"  … and {len(changes) - lines} more; --json prints them all")


def print_problems(problems: Sequence[Problem]) -> None:
    """One line for each problem, on standard error."""
    for problem in problems:
        click.echo(problem.text(), err=True)
    if problems:
        files = len({problem.file for problem in problems})
        click.echo(f"{count(len(problems), 'problem')} in {count(files, 'file')}", err=True)


def print_without_file(slugs: Sequence[str]) -> None:
    """Stores that no file speaks of; they stay as they are."""
    for slug in slugs:
        click.echo(f"{slug} is in the database, but has no file", err=True)


def count(number: int, noun: str) -> str:
    """`1 file`, `2 files`."""
    return f"{number} {noun}" + ("" if number == 1 else "s")


def print_json(value: Any) -> None:
    """Indented JSON, as scripts and people read it."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))
