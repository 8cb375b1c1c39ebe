"""A database for each test: a copy of a template that was filled once, dropped afterwards.

Tests commit for real. Nothing is rolled back behind their backs, so what happens after a commit happens too.
"""

import shutil
import sqlite3
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Protocol

import psycopg
from psycopg import sql

from tests.common.cluster import OWNER, Access

Fill = Callable[[str], object]


class Databases(Protocol):
    """Templates by name, and copies of them. One object per worker of a parallel run."""

    kind: str

    def copy(self, template: str, fill: Fill) -> str:
        """The URL of a new copy of `template`; the first caller's `fill(url)` makes the template."""
        ...

    def drop(self, url: str) -> None:
        """Remove a copy, cutting connections that a test left open."""
        ...

    def close(self) -> None:
        """Remove the templates."""
        ...


class SQLiteDatabases:
    """Files in a folder of the worker's own."""

    kind = "sqlite"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._templates: dict[str, Path] = {}
        self._numbers = count(1)

    def _template(self, name: str, fill: Fill) -> Path:
        if name not in self._templates:
            path = self._folder / f"template-{name}.sqlite"
            self.drop(f"sqlite:///{path}")  # left by a `fill` that failed
            fill(f"sqlite:///{path}")
            # What still stands in the write-ahead log would not be copied.
            connection = sqlite3.connect(path)
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.close()
            self._templates[name] = path
        return self._templates[name]

    def copy(self, template: str, fill: Fill) -> str:
        source = self._template(template, fill)
        target = self._folder / f"copy-{next(self._numbers)}.sqlite"
        shutil.copyfile(source, target)
        return f"sqlite:///{target}"

    def drop(self, url: str) -> None:
        path = url.removeprefix("sqlite:///")
        for suffix in ("", "-wal", "-shm", "-journal"):
            Path(path + suffix).unlink(missing_ok=True)

    def close(self) -> None:
        for path in self._templates.values():
            self.drop(f"sqlite:///{path}")


class PostgresDatabases:
    """Databases in the run's cluster, named after the worker."""

    kind = "postgres"

    def __init__(self, access: Access, worker: str) -> None:
        self._access = access
        self._worker = worker
        self._admin = psycopg.connect(access.admin(), autocommit=True)
        self._templates: dict[str, str] = {}
        self._numbers = count(1)

    def _create(self, name: str, template: str) -> None:
        statement = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}")
        self._admin.execute(statement.format(*map(sql.Identifier, (name, OWNER, template))))

    def _drop(self, name: str) -> None:
        self._admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def copy(self, template: str, fill: Fill) -> str:
        if template not in self._templates:
            source = f"{self._worker}_template_{template}"
            self._drop(source)  # left by a `fill` that failed
            self._create(source, "template0")
            fill(self._access.owner(source))
            self._templates[template] = source
        name = f"{self._worker}_copy_{next(self._numbers)}"
        self._create(name, self._templates[template])
        return self._access.owner(name)

    def drop(self, url: str) -> None:
        self._drop(url.rpartition("/")[2])

    def close(self) -> None:
        for name in self._templates.values():
            self._drop(name)
        self._admin.close()
