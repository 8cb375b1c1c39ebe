"""The `webstore` command. Each part is loaded when it is asked for."""

import importlib
import logging
from typing import Any

import click

from platform_core.app.logs import set_up_logging
from platform_core.cli.context import Context

COMMANDS = {
    "serve": "platform_core.cli.serving:serve",
    "worker": "platform_core.cli.serving:worker",
    "demo": "platform_core.cli.demo:demo",
    "doctor": "platform_core.cli.doctor:doctor",
    "bench": "platform_core.cli.bench:bench",
    "db": "platform_core.cli.database:db",
    "tenants": "platform_core.cli.tenants:tenants",
    "plugins": "platform_core.cli.plugins:plugins",
    "keys": "platform_core.cli.keys:keys",
    "orders": "platform_core.cli.orders:orders",
    "clock": "platform_core.cli.clock:clock",
}


class Lazy(click.Group):
    """A group whose commands are imported on first use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command


@click.command(cls=Lazy)
@click.pass_context
def main(ctx: click.Context, **_kw: Any) -> None:
    """WebStore: one branded store per institution.

    \b
    Example: webstore tenants check tenants/northfield.toml
    Exit codes: 0 well, 1 bad input or a failure, 2 wrong usage, 3 changes are waiting.
    """
    set_up_logging(logging.WARNING)
    ctx.obj = ctx.obj or Context()
