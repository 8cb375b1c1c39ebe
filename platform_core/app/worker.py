"""The worker process: the job runner with every room's and plugin's handlers."""

import signal
import threading
from typing import Any

from platform_core.app.factory import make_config
from platform_core.app.faults import flush_faults
from platform_core.app.logs import set_up_logging
from platform_core.app.settings import Settings
from platform_core.jobs.runner import Runner

FAULT_SECONDS = 5.0


def run(settings: Settings, *, once: bool = False) -> None:
    """Work until TERM or Ctrl-C, the job that runs then finished first; with `once`, until nothing is due."""
    set_up_logging()
    registry = make_config(settings).registry
    runner = Runner(registry)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: stop.set())
    threading.Thread(target=_tell_faults, args=(registry, stop), name="plugin-faults", daemon=True).start()
    if once:
        runner.run_due()
    else:
        runner.run(stop)
    flush_faults(registry.database, registry.plugins, registry.clock)


def _tell_faults(registry: Any, stop: threading.Event) -> None:
    """Write faults of plugins as they come, so that doctor knows them while the worker runs."""
    while not stop.wait(FAULT_SECONDS):
        flush_faults(registry.database, registry.plugins, registry.clock)
