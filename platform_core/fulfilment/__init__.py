"""What buyers are given: keys, entitlements, downloads, and how long they can be reached."""

from typing import Any


def includeme(config: Any) -> None:
    """Register the jobs of this room."""
    from platform_core.fulfilment.handlers import HANDLERS

    for name, handler in HANDLERS.items():
        config.add_job_handler(name, handler)
