"""What the walls and the clocks rest on, read from the code itself: a slip here would pass every other test."""

import ast
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HOST, GUESTS = ROOT / "platform_core", ROOT / "plugins"

# Views with a reason to stand outside a rule. A new one is a decision of the project, not of a room.
CSRF_EXEMPT: set[str] = set()
CSRF_WITHOUT_TOKEN = {"sign_in"}
WRITES_ON_GET: set[str] = set()
# Core routes that answer on every host; all others name their `site`.
ANY_SITE = {"theme"}

CLOCKS = {"now", "utcnow", "today", "time", "time_ns", "localtime", "gmtime"}
RAW = {"connection", "connect", "raw_connection", "exec_driver_sql", "driver_connection", "dbapi_connection"}


def files(*folders: Path) -> Iterator[tuple[str, ast.Module]]:
    for folder in folders:
        for path in sorted(folder.rglob("*.py")):
            yield path.relative_to(ROOT).as_posix(), ast.parse(path.read_text())


def dotted(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def is_database_code(name: str) -> bool:
    return name.startswith("platform_core/db/") or "/migrations/" in name


def calls(tree: ast.Module) -> Iterator[tuple[int, str, str]]:
    """(line, dotted name, last name) of what is called."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            last = node.func.attr if isinstance(node.func, ast.Attribute) else dotted(node.func)
            yield node.lineno, dotted(node.func), last


def tables_by_hand(name: str, tree: ast.Module) -> Iterator[str]:
    """`X.__table__`, `Table(…)`, `table(…)`: statements on them pass the session's wall."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in {
            "__table__",
            "local_table",
            "persist_selectable",
        }:
            yield f"{name}:{node.lineno} {node.attr}"
    for line, called, last in calls(tree):
        if last in {"Table", "table"} and called != "tomlkit.table":
            yield f"{name}:{line} {called}()"


def raw_connections(name: str, tree: ast.Module) -> Iterator[str]:
    """A connection that knows no store."""
    for line, called, last in calls(tree):
        if last in RAW and called != "sqlite3.connect":
            yield f"{name}:{line} {last}()"


def other_clocks(name: str, tree: ast.Module) -> Iterator[str]:
    """The machine's clock, or the database's."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = dotted(node.func)
        head, _dot, last = called.rpartition(".")
        if last in CLOCKS and head.rpartition(".")[2] in {"datetime", "date", "time", "func", "sa.func"}:
            yield f"{name}:{node.lineno} {called}()"
        if head.rpartition(".")[2] == "func" and last.startswith(
            ("current_", "local", "clock_", "statement_")
        ):
            yield f"{name}:{node.lineno} {called}()"
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "time":
            yield from (f"{name}:{node.lineno} from time" for alias in node.names if alias.name in CLOCKS)


def view_options(option: str) -> set[str]:
    """The routes of the views that use a view option."""
    found = set()
    for _name, tree in files(HOST, GUESTS):
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                words = {word.arg: word.value for word in node.keywords}
                if option in words and "route_name" in words:
                    reason, route = words[option], words["route_name"]
                    assert isinstance(route, ast.Constant)
                    assert isinstance(reason, ast.Constant) and len(str(reason.value)) > 10, "say the reason"
                    found.add(str(route.value))
    return found


def core_routes() -> Iterator[tuple[str, str | None]]:
    for name, tree in files(HOST):
        if name.startswith("platform_core/cli/"):
            continue  # the bench's own small application
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and dotted(node.func) == "config.add_route":
                site = next((word.value for word in node.keywords if word.arg == "site"), None)
                assert isinstance(node.args[0], ast.Constant)
                yield str(node.args[0].value), str(site.value) if isinstance(site, ast.Constant) else None


def test_tables_are_reached_through_their_classes() -> None:
    assert [
        line
        for name, tree in files(HOST, GUESTS)
        if not is_database_code(name)
        for line in tables_by_hand(name, tree)
    ] == []


def test_nobody_opens_a_connection_of_their_own() -> None:
    allowed = {
        "platform_core/cli/bench.py",  # measures the database, walls included
        "platform_core/fulfilment/delivery/connection.py",  # a socket's
    }
    assert [
        line
        for name, tree in files(HOST, GUESTS)
        if not is_database_code(name) and name not in allowed
        for line in raw_connections(name, tree)
    ] == []


def test_there_are_two_clocks_and_no_third() -> None:
    assert [
        line
        for name, tree in files(HOST, GUESTS)
        if name != "platform_core/clock.py"
        for line in other_clocks(name, tree)
    ] == []


@pytest.mark.parametrize(
    ("check", "planted"),
    [
        (tables_by_hand, "sa.select(Order.__table__)"),
        (tables_by_hand, "sa.Table('order', Base.metadata)"),
        (tables_by_hand, "table('order')"),
        (raw_connections, "request.db.begin().connection()"),
        (raw_connections, "session.get_bind().connect()"),
        (other_clocks, "datetime.datetime.now()"),
        (other_clocks, "datetime.utcnow()"),
        (other_clocks, "date.today()"),
        (other_clocks, "time.time()"),
        (other_clocks, "sa.func.now()"),
        (other_clocks, "func.current_timestamp()"),
        (other_clocks, "from time import time"),
    ],
)
def test_a_planted_slip_is_found(check: object, planted: str) -> None:
    assert callable(check)
    assert list(check("planted.py", ast.parse(planted)))


def test_the_host_names_no_plugin() -> None:
    plugins = {point.name for point in entry_points(group="webstore.plugins")}
    assert "access_guarantee" in plugins
    places = [
        f"{path.relative_to(ROOT).as_posix()} names {plugin}"
        for path in sorted(HOST.rglob("*"))
        if path.suffix in {".py", ".jinja2", ".js", ".css", ".toml"}
        for plugin in plugins
        if plugin in path.read_text()
    ]
    assert places == []


def test_every_core_route_says_where_it_answers() -> None:
    routes = dict(core_routes())
    assert len(routes) > 10
    assert {name for name, site in routes.items() if site not in {"store", "base"}} == ANY_SITE


def test_exceptions_from_the_rules_are_a_closed_list() -> None:
    assert view_options("csrf_exempt") == CSRF_EXEMPT
    assert view_options("csrf_without_token") == CSRF_WITHOUT_TOKEN
    assert view_options("writes_on_get") == WRITES_ON_GET


def test_rows_that_a_plugin_keeps_carry_its_name() -> None:
    for name, tree in files(GUESTS):
        plugin = name.split("/")[1]
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and any(
                dotted(target) == "__tablename__" for target in node.targets
            ):
                assert isinstance(node.value, ast.Constant)
                assert str(node.value.value).startswith(plugin + "_"), name
