"""`webstore db`."""

import click

from platform_core.app.upgrade import upgrade
from platform_core.cli.context import Context, pass_context
from platform_core.db.wall import UnsafeRole


@click.group()
def db() -> None:
    """The database's schema."""


@db.command("upgrade")
@pass_context
def upgrade_command(context: Context) -> None:
    """Run the migrations that have not run yet, the core's and the plugins'.

    \b
    Runs as the owner in WEBSTORE_DATABASE_URL and prepares the role webstore_app for the running platform.
    Example: WEBSTORE_DATABASE_URL=postgresql://owner@db/webstore webstore db upgrade
    """
    context.settings.data_dir.mkdir(parents=True, exist_ok=True)
    try:
        upgrade(context.settings.database_url, context.plugins)
    except UnsafeRole as error:
        raise click.ClickException(str(error)) from error
    click.echo("the database is up to date")
