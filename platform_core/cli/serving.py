"""`webstore serve` and `webstore worker`."""

import os

import click

from platform_core.cli.context import Context, pass_context
from platform_core.cli.processes import Part, refuse_ports_in_use, run_together


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", default=8000, show_default=True, type=click.IntRange(1, 65531), help="The stores' port."
)
@click.option("--download-port", type=click.IntRange(1, 65535), help="Default: --port plus four.")
@click.option("--workers", default=2, show_default=True, type=click.IntRange(1, 64), help="Web processes.")
@click.option("--only", type=click.Choice(["web", "downloads"]), help="Only one of the two servers.")
@pass_context
def serve(
    context: Context, host: str, port: int, download_port: int | None, workers: int, only: str | None
) -> None:
    """Serve the stores, and their downloads by a server of its own.

    Example: webstore serve --port 8000 --workers 2
    """
    download_port = download_port or port + 4
    if only == "web":
        _web(host, port, workers)
    elif only == "downloads":
        from platform_core.app.logs import set_up_logging
        from platform_core.fulfilment.delivery.run import main as serve_downloads

        set_up_logging()
        serve_downloads(context.settings, host, download_port)
    else:
        refuse_ports_in_use(host, {"stores": port, "downloads": download_port})
        common = ["-m", "platform_core.cli", "serve", "--host", host]
        parts = [
            Part("web server", [*common, "--only", "web", "--port", str(port), "--workers", str(workers)]),
            Part("download server", [*common, "--only", "downloads", "--download-port", str(download_port)]),
        ]
        ready = f"serving stores on port {port}, downloads on {download_port}"
        raise SystemExit(run_together(parts, os.environ, ready))


def _web(host: str, port: int, workers: int) -> None:
    from granian import Granian
    from granian.constants import Interfaces

    Granian(
        "platform_core.app.wsgi:application",
        factory=True,
        interface=Interfaces.WSGI,
        address=host,
        port=port,
        workers=workers,
        blocking_threads=8,
        backpressure=256,
        log_access=False,
        log_enabled=False,
        respawn_failed_workers=True,
    ).serve()


@click.command()
@click.option("--once", is_flag=True, help="Run what is due, then end.")
@pass_context
def worker(context: Context, once: bool) -> None:
    """Run jobs: what is to be done after a commit, or at a time.

    Example: webstore worker
    """
    from platform_core.app.worker import run

    run(context.settings, once=once)
