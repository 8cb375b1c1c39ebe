"""What `webstore bench` measures with: time as a ratio, statements, rows, the database's work, resident memory."""

import gc
import os
import resource
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import click
from pyramid.config import Configurator
from pyramid.response import Response
from sqlalchemy import event
from webob import Request

from platform_core.app.logs import set_up_logging
from platform_core.db import Database

Call = Callable[[], object]
SPAN_SECONDS = 0.1
"""So long each side of a round takes: a shorter one would measure whatever else the machine does."""
_POSTGRES_ROWS = (
    "SELECT coalesce(sum(seq_tup_read + coalesce(idx_tup_fetch, 0)), 0) FROM pg_stat_xact_user_tables"
)


@dataclass(frozen=True, slots=True)
class Ratio:
    """How many times as long one thing took as another: over all paired rounds."""

    lowest: float
    median: float
    highest: float

    def line(self, name: str) -> str:
        """One row of a table."""
        return f"{name:<48} {self.lowest:7.2f} {self.median:7.2f} {self.highest:7.2f}"


RATIO_HEAD = f"{{:<48}} {'lowest':>7} {'median':>7} {'highest':>7}"


def ratio(first: Call, second: Call, *, rounds: int) -> Ratio:
    """Time a call of both in each round, each of them first in every other one: a busy machine hits both alike."""
    found = []
    many = {call: max(1, round(SPAN_SECONDS / _seconds(call, 5))) for call in (first, second)}
    for number in range(rounds):
        spent = {}
        for call in (first, second) if number % 2 else (second, first):
            gc.collect()
            spent[call] = _seconds(call, many[call])
        found.append(spent[first] / spent[second])
    return Ratio(min(found), statistics.median(found), max(found))


def _seconds(call: Call, calls: int) -> float:
    started = time.perf_counter()
    for _ in range(calls):
        call()
    return (time.perf_counter() - started) / calls


def silence_logs() -> None:
    """Logs are written as in production, to nowhere: their cost is measured, their lines do not flood."""
    set_up_logging(stream=Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115  (open as long as the process)


def bare_app() -> Any:
    """The framework alone: one route, one view, a page of a kilobyte."""
    config = Configurator()
    config.add_route("page", "/products")
    body = b"x" * 1024
    config.add_view(lambda request: Response(body), route_name="page")
    return config.make_wsgi_app()


def getter(app: Any, path: str, host: str, cookie: str = "") -> Call:
    """A call that gets a page and reads all of it."""

    def call() -> object:
        request = Request.blank(path, headers={"Host": host})
        if cookie:
            request.headers["Cookie"] = cookie
        response = request.get_response(app)
        if response.status_code != 200:
            raise click.ClickException(f"{host}{path} answers {response.status}")
        return response.body

    return call


@dataclass(slots=True)
class Cost:
    """What some requests asked of the database.

    `statements` as SQLAlchemy sends them, BEGIN and PRAGMA not among them; `rows` that came back; `work`: on
    SQLite the steps of its virtual machine, on PostgreSQL the rows that it read. Both grow with what is scanned.
    """

    statements: int = 0
    rows: int = 0
    work: int = 0

    def __str__(self) -> str:
        return f"{self.statements} statements, {self.rows} rows, work {self.work}"


class _Counting:
    def __init__(self, database: Database) -> None:
        self.cost = Cost()
        self._engine, self._is_sqlite = database.writer, database.is_sqlite
        self._events: dict[str, Callable[..., Any]] = {
            "before_cursor_execute": self._before,
            "commit": self._end,
            "rollback": self._end,
        }
        self._begun: dict[Any, int] = {}
        self._stepped: list[Any] = []

    def __enter__(self) -> Self:
        for name, listener in self._events.items():
            event.listen(self._engine, name, listener)
        return self

    def __exit__(self, *_error: object) -> None:
        for name, listener in self._events.items():
            event.remove(self._engine, name, listener)
        for raw in self._stepped:
            raw.set_progress_handler(None, 0)

    def _before(self, connection: Any, cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.startswith(("PRAGMA", "BEGIN")):
            return
        self.cost.statements += 1
        raw = connection.connection.dbapi_connection
        if self._is_sqlite:
            cursor.row_factory = self._count_sqlite
            raw.set_progress_handler(self._step, 1)
            self._stepped.append(raw)
        else:
            cursor.row_factory = self._count_postgres
            if raw not in self._begun:
                self._begun[raw] = self._rows_read(raw)

    def _count_sqlite(self, _cursor: Any, row: tuple[Any, ...]) -> tuple[Any, ...]:
        self.cost.rows += 1
        return row

    def _count_postgres(self, _cursor: Any) -> Callable[[Any], tuple[Any, ...]]:
        def make(values: Any) -> tuple[Any, ...]:
            self.cost.rows += 1
            return tuple(values)

        return make

    def _step(self) -> None:
        self.cost.work += 1

    def _end(self, connection: Any) -> None:
        raw = connection.connection.dbapi_connection
        if raw in self._begun:
            self.cost.work += self._rows_read(raw) - self._begun.pop(raw)

    def _rows_read(self, raw: Any) -> int:
        row = raw.execute(_POSTGRES_ROWS).fetchone()
        return int(row[0])


@contextmanager
def counted(database: Database) -> Iterator[Cost]:
    """What the database is asked meanwhile, in this thread."""
    with _Counting(database) as counting:
        yield counting.cost


def resident_bytes() -> int:
    """Memory of this process that stands in RAM."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
