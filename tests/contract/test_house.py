"""Rules about the folders themselves, where a slip would quietly switch another check off."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CODE = ("platform_core", "plugins")


def test_every_folder_with_code_is_a_package() -> None:
    """Without its `__init__.py` a folder is invisible to the import contracts."""
    folders = {path.parent for top in CODE for path in (ROOT / top).rglob("*.py")}
    bare = [
        folder
        for folder in folders
        if not (folder / "__init__.py").exists() and "migrations" not in folder.parts
    ]
    assert not sorted(folder.relative_to(ROOT).as_posix() for folder in bare)


def test_plugins_is_open_to_others() -> None:
    assert not (ROOT / "plugins" / "__init__.py").exists()


@pytest.mark.parametrize("word", ["TO" + "DO", "FIX" + "ME", "NotImplemented" + "Error"])
def test_nothing_is_left_for_later(word: str) -> None:
    places = [
        path.relative_to(ROOT).as_posix()
        for top in (*CODE, "tests", "tools")
        for path in (ROOT / top).rglob("*")
        if path.suffix in {".py", ".jinja2", ".css", ".js"} and word in path.read_text()
    ]
    assert not places
