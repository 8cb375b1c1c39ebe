"""`webstore clock`: the business time of a demo."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import click

from platform_core.cli.context import Context, pass_context
from platform_core.clock import ClockGoesBackwards
from platform_core.tenancy.services import move_clock

_SPAN = re.compile(r"(\d{1,6})([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_FURTHEST = timedelta(days=36500)


def parse_span(text: str) -> timedelta:
    """`8d`, `36h`, `90m`, `1w`. Raises click.BadParameter."""
    match = _SPAN.fullmatch(text.strip().lower())
    if match is None:
        raise click.BadParameter(f"found {text!r}, allowed: a number and one of s m h d w, such as 8d")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


@click.group()
def clock() -> None:
    """Show or move business time (demo and tests only). All processes follow within two seconds."""


def _move(context: Context, offset: timedelta) -> None:
    if not context.settings.demo:
        raise click.ClickException(
            "business time is moved in a demo only; set WEBSTORE_DEMO=1 for a demo's database"
        )
    if offset > _FURTHEST:
        raise click.ClickException("found a distance of more than 100 years; allowed: less")
    _ = context.stores
    try:
        with context.session() as session, session.begin():
            move_clock(session, context.clock, offset)
    except ClockGoesBackwards as error:
        raise click.ClickException(str(error)) from error
    _show(context)


def _show(context: Context) -> None:
    context.stores.follow_clock()
    now, wall = context.clock.now(), context.clock.wall()
    click.echo(f"business time {now:%Y-%m-%d %H:%M:%S} UTC")
    click.echo(f"wall time     {wall:%Y-%m-%d %H:%M:%S} UTC")
    click.echo(f"ahead by      {context.clock.offset}")


@clock.command()
@pass_context
def show(context: Context) -> None:
    """Print both clocks.

    Example: webstore clock show
    """
    _show(context)


@clock.command()
@click.argument("span")
@pass_context
def advance(context: Context, span: str) -> None:
    """Move business time forward by SPAN.

    Example: webstore clock advance 8d
    """
    _ = context.stores
    _move(context, context.clock.offset + parse_span(span))


@clock.command("set")
@click.argument("moment")
@click.option("--zone", default="UTC", show_default=True, help="Time zone of MOMENT.")
@pass_context
def set_(context: Context, moment: str, zone: str) -> None:
    """Move business time forward to MOMENT.

    Example: webstore clock set 2028-02-29T00:00 --zone America/Toronto
    """
    try:
        at = datetime.fromisoformat(moment).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    except (ValueError, KeyError) as error:
        raise click.BadParameter(f"found {moment!r}, allowed: a moment such as 2028-02-29T00:00") from error
    _ = context.stores
    _move(context, at - context.clock.wall())
