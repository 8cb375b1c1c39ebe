"""Which code runs which job: rooms and plugins register handlers here, and what is to run regularly."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any


def add_job_handler(
    config: Any, name: str, handler: Callable[[Any], None], *, every: timedelta | None = None
) -> None:
    """Configurator directive: run `handler(job)` for jobs called `name`; with `every`, also on a schedule.

    Raises ValueError for a name that is taken.
    """
    handlers = config.registry.job_handlers
    if handlers.get(name, handler) is not handler:
        raise ValueError(f"two handlers for jobs named {name}")
    handlers[name] = handler
    if every is not None:
        config.registry.job_schedule[name] = every


def includeme(config: Any) -> None:
    """Add the directive."""
    config.registry.job_handlers = {}
    config.registry.job_schedule = {}
    config.add_directive("add_job_handler", add_job_handler)
