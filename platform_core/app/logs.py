"""Logs: JSON lines on standard error, persons by id only, and one filter that hides secrets."""

import logging
import re
import sys
from typing import Any, TextIO

import structlog

_HIDDEN_KEYS = re.compile(
    r"password|secret|token|cookie|authorization|csrf|credential|email|e_mail", re.IGNORECASE
)
_SIGNED_PATH = re.compile(r"(/d/|/files/)[^/?\s\"']+")
HIDDEN = "[hidden]"


def redact(logger: Any, method: str, values: dict[str, Any]) -> dict[str, Any]:
    """Hide values under telling names, and signed addresses inside texts."""
    for key, value in values.items():
        if _HIDDEN_KEYS.search(key):
            values[key] = HIDDEN
        elif isinstance(value, str):
            values[key] = _SIGNED_PATH.sub(rf"\1{HIDDEN}", value)
    return values


def set_up_logging(level: int = logging.INFO, stream: TextIO | None = None) -> None:
    """Configure structlog to write to `stream` (standard error), and the standard library's loggers through it."""
    stream = stream or sys.stderr
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redact,
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processor=structlog.processors.JSONRenderer(), foreign_pre_chain=shared
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
