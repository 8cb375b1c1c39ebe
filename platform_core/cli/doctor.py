"""`webstore doctor`: what is missing, and what went wrong, in one line each."""

import shutil

import click
import sqlalchemy as sa

from platform_core.app.health import problems
from platform_core.cli.context import Context, pass_context
from platform_core.jobs.queue import dead_jobs
from platform_core.keyring import BadKeyRing, KeyRing
from platform_core.tenancy.models import PluginFault, Revision, Tenant

PROGRAMS = {"xmlsec1": "single sign-on will need it (Debian: apt-get install xmlsec1)"}


def findings(context: Context) -> list[str]:
    """What doctor has to say; lines that begin with "note:" keep nothing from working."""
    lines = []
    try:
        KeyRing.load(context.settings.secret_file)
    except BadKeyRing as error:
        lines.append(f"secret file: {error}")
    plugins = context.plugins
    found = problems(context.database, plugins)
    lines += found
    lines += [
        f"note: plugin {name} is absent (no module {module}); stores that have it on keep their rows and settings"
        for name, module in plugins.absent.items()
    ]
    lines += [f"note: no {name}; {why}" for name, why in PROGRAMS.items() if shutil.which(name) is None]
    if found:
        return lines
    with context.session(read_only=True) as session:
        known = set(plugins.modules) | set(plugins.absent)
        for slug, configuration in session.execute(
            sa.select(Tenant.slug, Revision.configuration).join(Revision, Revision.tenant_id == Tenant.id)
        ).yield_per(100):
            lines += [
                f"note: store {slug} names plugin {name}, which is not installed"
                for name, block in configuration.get("plugins", {}).items()
                if block.get("enabled") and name not in known
            ]
        lines += [
            f"plugin {fault.plugin}: {fault.hook} {fault.kind} {fault.count} times, last at"
            f" {fault.last_at:%Y-%m-%d %H:%M} UTC after {fault.last_ms} ms ({fault.detail})"
            for fault in session.scalars(
                sa.select(PluginFault).order_by(PluginFault.plugin, PluginFault.hook)
            )
        ]
        lines += [f"dead job {job.name} ({job.id}): {job.error}" for job in dead_jobs(session)]
    return lines


@click.command()
@pass_context
def doctor(context: Context) -> None:
    """Say what is missing or went wrong. Exit code 1 if anything needs a person.

    Example: webstore doctor
    """
    lines = findings(context)
    for line in lines:
        click.echo(line)
    if not lines:
        click.echo("all is well")
    if any(not line.startswith("note:") for line in lines):
        raise SystemExit(1)
