"""The locks and the ranges that they were made from agree."""

import re
from configparser import ConfigParser
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]


def _ranges(section: str, key: str) -> list[Requirement]:
    config = ConfigParser(interpolation=None)
    config.read(ROOT / "setup.cfg")
    return [Requirement(line) for line in config[section][key].splitlines() if line.strip()]


def _pins(name: str) -> dict[str, set[str]]:
    """Package → its versions: one, or several for different Pythons and systems."""
    pins: dict[str, set[str]] = {}
    for package, version in re.findall(r"^([\w.-]+)(?:\[.*\])?==([^\s;]+)", (ROOT / name).read_text(), re.M):
        pins.setdefault(canonicalize_name(package), set()).add(version)
    return pins


@pytest.mark.parametrize(
    ("lock", "section", "key"),
    [
        ("requirements.lock", "options", "install_requires"),
        ("requirements-test.lock", "options", "install_requires"),
        ("requirements-test.lock", "options.extras_require", "test"),
    ],
)
def test_every_range_of_setup_cfg_has_a_pin_within(lock: str, section: str, key: str) -> None:
    pins = _pins(lock)
    for wanted in _ranges(section, key):
        versions = pins.get(canonicalize_name(wanted.name), set())
        assert versions, f"{wanted} is not in {lock}: run `make lock`"
        assert all(wanted.specifier.contains(version) for version in versions), f"{wanted}: {versions}"


def test_tests_run_on_the_versions_that_are_shipped() -> None:
    shipped, tested = _pins("requirements.lock"), _pins("requirements-test.lock")
    assert {name: tested.get(name) for name in shipped} == shipped


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-test.lock"])
def test_every_pin_has_hashes_and_no_address(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert "://" not in text
    blocks = re.split(r"^(?=[\w.-]+(?:\[.*\])?==)", text, flags=re.M)[1:]
    assert all("--hash=sha256:" in block for block in blocks)
