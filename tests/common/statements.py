"""Counting what reaches the database."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from platform_core.db import Database


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """The statements that are sent meanwhile, set_config among them, BEGIN and PRAGMA not."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.startswith(("PRAGMA", "BEGIN")):
            seen.append(statement)

    event.listen(database.writer, "before_cursor_execute", note)  # the reader shares its events
    try:
        yield seen
    finally:
        event.remove(database.writer, "before_cursor_execute", note)
