"""The plan: a pure comparison of a file with what the database has."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from platform_core.catalog.exporting import store_file_text
from platform_core.catalog.planning import Plan, plan
from platform_core.catalog.rows import Contents, Key, Row, State, wanted
from platform_core.catalog.storefile import StoreFile, read_store_file
from platform_core.db import uuid7
from platform_core.files.content import StoredContent
from platform_core.tenancy.models import Source
from tests.common.store_files import SCHEMAS, STORE, write_store

CONTENTS: Contents = {("stat-workbench", "setup"): StoredContent("a" * 64, 5)}
Screen = Mapping[tuple[str, Key], dict[str, Any]]


def read(folder: Path, *replacements: tuple[str, str]) -> StoreFile:
    text = STORE
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new, 1)
    return read_store_file(write_store(folder, text), SCHEMAS)


def state_of(file: StoreFile, screen: Screen | None = None) -> State:
    """The database after an apply of `file`, and after somebody edited the rows in `screen`."""
    screen = screen or {}
    rows = {
        kind: {
            key: Row(
                uuid7(),
                Source.SCREEN if (kind, key) in screen else Source.FILE,
                False,
                values | screen.get((kind, key), {}),
            )
            for key, values in by_key.items()
        }
        for kind, by_key in wanted(file, CONTENTS).items()
    }
    first = plan(file, State(), CONTENTS)
    plugins = {name: Row(uuid7(), Source.FILE, False, values) for name, values in first.plugins.items()}
    return State(rows, plugins, first.configuration)


def lines(result: Plan) -> list[str]:
    return [change.text() for change in result.changes]


@pytest.fixture
def before(tmp_path: Path) -> State:
    return state_of(read(tmp_path))


def test_a_new_store_is_all_additions(tmp_path: Path) -> None:
    result = plan(read(tmp_path), State(), CONTENTS)
    assert {change.kind for change in result.changes} == {"add"}
    assert "+ store harbour" in lines(result) and "+ offer stat-workbench/student" in lines(result)
    assert not result.flaws


def test_the_same_file_again_changes_nothing(tmp_path: Path, before: State) -> None:
    result = plan(read(tmp_path), before, CONTENTS)
    assert not result.changes and not result.publishes and not result.updates


@pytest.mark.parametrize(
    ("replacements", "expected"),
    [
        ([('version = "11.2"', 'version = "11.3"')], ["~ product stat-workbench.version: '11.2' -> '11.3'"]),
        ([('CAD = "49.00", ', "")], ["~ offer stat-workbench/student.prices: {'CAD': 4900, 'JPY': 5400} -> {'JPY': 5400}"]),
        ([('time_zone = "America/Toronto"', 'time_zone = "UTC"')], [
            "~ setting store.time_zone: 'America/Toronto' -> 'UTC'",
            "~ offer stat-workbench/student.starts_at: '2026-01-01T05:00:00Z' -> '2026-01-01T00:00:00Z'",
            "~ offer stat-workbench/student.ends_at: '2028-01-01T05:00:00Z' -> '2028-01-01T00:00:00Z'",
        ]),
        ([("[plugins.lamp]\nenabled = true\ndays = 31\n", "")], ["- plugin lamp"]),
        ([("enabled = true", "enabled = false")], ["~ plugin lamp.enabled: True -> False"]),
        ([("days = 31", "days = 14")], ["~ plugin lamp.settings.days: 31 -> 14"]),
        ([('version = "2026-1"', 'version = "2026-2"')], [
            "+ agreement korvane-academic/2026-2",
            "- agreement korvane-academic/2026-1",
            "~ product stat-workbench.agreement: 'korvane-academic/2026-1' -> 'korvane-academic/2026-2'",
        ]),
        ([('[[products.offers]]\ncode = "faculty"\ngroups = ["faculty"]\norganisations = ["science"]\nfree = true\n', "")],
         ["- offer stat-workbench/faculty"]),
        ([('slug = "map-room"', 'slug = "map-hall"')], [
            "+ product map-hall", "- product map-room", "+ offer map-hall/all", "- offer map-room/all",
        ]),
        ([('slug = "statistics"\nname', 'slug = "maps"\nname'), ('slug = "maps"\nname = { en = "Maps"', 'slug = "statistics"\nname = { en = "Maps"')], [
            "~ category maps.name: {'en': 'Maps', 'fr': 'Cartes'} -> {'en': 'Statistics', 'fr': 'Statistique'}",
            "~ category maps.pattern: 'maps' -> 'statistics'",
            "~ category statistics.name: {'en': 'Statistics', 'fr': 'Statistique'} -> {'en': 'Maps', 'fr': 'Cartes'}",
            "~ category statistics.pattern: 'statistics' -> 'maps'",
            "~ category (order): ['statistics', 'maps'] -> ['maps', 'statistics']",
            "~ product stat-workbench.pattern: 'statistics' -> 'maps'",
            "~ product map-room.pattern: 'maps' -> 'statistics'",
        ]),
    ],
)  # fmt: skip
def test_each_edit_is_named(
    tmp_path: Path, before: State, replacements: list[tuple[str, str]], expected: list[str]
) -> None:
    result = plan(read(tmp_path, *replacements), before, CONTENTS)
    assert sorted(lines(result)) == sorted(expected)
    assert result.publishes


def test_what_was_edited_on_a_screen_is_kept_and_told(tmp_path: Path) -> None:
    screen: Screen = {
        ("product", ("map-room",)): {"version": "7"},
        ("offer", ("map-room", "all")): {"limit_count": 3},
    }
    state = state_of(read(tmp_path), screen)
    result = plan(read(tmp_path), state, CONTENTS)
    assert not result.pending and not result.updates and not result.publishes
    assert lines(result) == [
        "= product map-room.version: kept as edited on a screen ('7'); the file says ''",
        "= offer map-room/all.limit_count: kept as edited on a screen (3); the file says 0",
    ]


def test_a_kept_product_keeps_what_it_refers_to(tmp_path: Path) -> None:
    file = read(tmp_path)
    screen: Screen = {
        ("product", ("map-room",)): {},
        ("offer", ("map-room", "all")): {},
    }
    state = state_of(file, screen)
    text = STORE[: STORE.index('[[products]]\nslug = "map-room"')]
    text = text.replace(text[text.index('[[categories]]\nslug = "maps"') : text.index("[[agreements]]")], "")
    result = plan(read_store_file(write_store(tmp_path, text), SCHEMAS), state, CONTENTS)
    assert {change.kind for change in result.changes} == {"keep_screen"}
    assert [change.key for change in result.changes] == ["maps", "map-room", "map-room/all"]


def test_a_retired_row_comes_back(tmp_path: Path, before: State) -> None:
    key = ("map-room",)
    old = before.rows["product"][key]
    rows = {
        **before.rows,
        "product": {**before.rows["product"], key: Row(old.id, old.source, True, old.values)},
    }
    result = plan(read(tmp_path), State(rows, before.plugins, before.configuration), CONTENTS)
    assert lines(result) == ["+ product map-room"]
    assert [(update.kind, update.row.id, update.retire) for update in result.updates] == [
        ("product", old.id, False)
    ]


def test_a_switch_made_on_a_screen_stays(tmp_path: Path, before: State) -> None:
    lamp = before.plugins["lamp"]
    switched = Row(lamp.id, Source.SCREEN, False, {"enabled": False, "settings": {"days": 31}})
    state = State(before.rows, {"lamp": switched}, before.configuration)
    result = plan(read(tmp_path), state, CONTENTS)
    assert lines(result) == ["= plugin lamp.enabled: kept as edited on a screen (False); the file says True"]
    assert result.configuration["plugins"]["lamp"] == {"enabled": False, "days": 31}


def test_missing_bytes_are_a_flaw_only_where_there_are_none_yet(tmp_path: Path, before: State) -> None:
    file = read(tmp_path)
    assert [flaw.path for flaw in plan(file, State(), {}).flaws] == [("products", 0, "files", 0, "source")]
    again = plan(file, before, {})
    assert not again.flaws and not again.changes


def test_an_export_says_what_the_rows_say(tmp_path: Path, before: State) -> None:
    text = store_file_text(before)
    exported = read_store_file(write_store(tmp_path / "out", text), SCHEMAS)
    source = f"sha256:{'a' * 64}"
    assert exported.catalogue.products[0].files[0].source == source
    result = plan(exported, before, CONTENTS)
    assert not result.changes and not result.publishes
