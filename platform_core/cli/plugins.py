"""`webstore plugins`."""

import json

import click
import sqlalchemy as sa

from platform_core.cli.context import Context, pass_context
from platform_core.tenancy.models import PluginFault


@click.group()
def plugins() -> None:
    """The plugins of this installation."""


@plugins.command("list")
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
@pass_context
def list_(context: Context, as_json: bool) -> None:
    """Name each plugin, what it is for, and what went wrong in it.

    Example: webstore plugins list --json
    """
    with context.session(read_only=True) as session:
        faults = list(session.scalars(sa.select(PluginFault).order_by(PluginFault.plugin, PluginFault.hook)))
    rows = [
        {
            "name": info.name,
            "title": str(info.title.interpolate() if hasattr(info.title, "interpolate") else info.title),
            "category": info.category,
            "installed": True,
            "faults": sum(fault.count for fault in faults if fault.plugin == info.name),
        }
        for info in context.plugins.infos.values()
    ]
    rows += [
        {
            "name": name,
            "title": f"absent: no module {module}",
            "category": "",
            "installed": False,
            "faults": 0,
        }
        for name, module in context.plugins.absent.items()
    ]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        faulty = f"  {row['faults']} faults" if row["faults"] else ""
        click.echo(f"{row['name']:<24} {row['category']:<12} {row['title']}{faulty}")
