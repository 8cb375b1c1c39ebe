"""What we ship: the wheel, in an environment that holds it and its locked requirements, and nothing else."""

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest
from packaging.markers import Marker

ROOT = Path(__file__).parents[2]
_COPIED = "platform_core plugins tests docs tenants tools setup.cfg setup.py pyproject.toml README.md LICENSE".split()


def _run(*command: str | Path, cwd: Path, **more: str) -> str:
    inherited = {key: os.environ[key] for key in ("PATH", "HOME", "LANG", "TMPDIR") if key in os.environ}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=inherited | more,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, so that neither old build folders nor compiled catalogues of the checkout get in."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in _COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__", "*.mo"))
        else:
            shutil.copy(ROOT / name, source)
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    _run(*pip, "wheel", "--no-deps", "--no-build-isolation", "--no-index", "-w", folder, ".", cwd=source)
    return next(folder.glob("webstore-*.whl"))


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    """The files in the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def _locked() -> list[str]:
    """The packages that requirements.lock names for this machine."""
    found = []
    for line in (ROOT / "requirements.lock").read_text().splitlines():
        if match := re.match(r"([A-Za-z0-9._-]+)(?:\[.*\])?==\S+(?:\s*;\s*(.+?))?\s*\\?$", line):
            if match[2] is None or Marker(match[2]).evaluate():
                found.append(match[1])
    return found


def _link_locked_packages(target: Path) -> None:
    """Lend the new environment our own copies of what the lock names.

    Installing them again would take a minute and a registry. Links to just these packages, and not a path to all of
    our environment, so that a requirement which setup.cfg forgot is missing here too.
    """
    for package in _locked():
        distribution = importlib.metadata.distribution(package)
        for top in {Path(file).parts[0] for file in distribution.files or ()} - {"..", "__pycache__"}:
            link, original = target / top, Path(str(distribution.locate_file(top)))
            if original.exists() and not link.exists():
                link.symlink_to(original)


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of an environment with the wheel in it."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin" / "python"
    packages = _run(
        python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder
    ).strip()
    _link_locked_packages(Path(packages))
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", python)
    _run(*pip, "install", "--no-deps", "--no-index", wheel, cwd=folder)
    return folder / "bin"


def test_all_code_and_data_are_inside(names: set[str]) -> None:
    kinds = {".py", ".jinja2", ".css", ".js", ".svg", ".png", ".woff2", ".ttf", ".po", ".mako", ".typed"}
    wanted = set()
    for top in ("platform_core", "plugins"):
        for path in (ROOT / top).rglob("*"):
            if path.is_file() and (path.suffix in kinds or path.name == "py.typed"):
                wanted.add(path.relative_to(ROOT).as_posix())
    assert not wanted - names
    assert any("/migrations/versions/" in name for name in names)
    assert any(name.endswith(".jinja2") for name in names)


def test_catalogues_are_compiled(names: set[str]) -> None:
    sources = {name for name in names if name.endswith(".po")}
    assert sources
    assert {name.removesuffix(".po") + ".mo" for name in sources} <= names


def test_nothing_else_is_inside(names: set[str]) -> None:
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"platform_core", "plugins"}
    assert not [name for name in names if name.endswith((".pyc", ".sqlite", ".env"))]
    assert "plugins/__init__.py" not in names, "a plugin of somebody else could not live beside ours"


def test_the_command_works_from_an_empty_folder(environment: Path, tmp_path: Path) -> None:
    said = _run(environment / "webstore", "--help", cwd=tmp_path)
    assert "demo" in said
    assert not list(tmp_path.iterdir()), "asking for help writes nothing"


def test_every_module_imports_with_locked_packages_alone(environment: Path, tmp_path: Path) -> None:
    script = (
        "import importlib, pkgutil, sys, platform_core, plugins\n"
        "assert 'site-packages' in platform_core.__file__, platform_core.__file__\n"
        "for root in (platform_core, plugins):\n"
        "    for module in pkgutil.walk_packages(root.__path__, root.__name__ + '.'):\n"
        "        if not {'migrations', 'testing', '__main__'} & set(module.name.split('.')):\n"
        "            importlib.import_module(module.name); print(module.name)\n"
    )
    said = _run(environment / "python", "-I", "-c", script, cwd=tmp_path)
    assert "platform_core.cli" in said.split()


def test_the_plugins_are_found(environment: Path, tmp_path: Path) -> None:
    script = (
        "from importlib.metadata import entry_points\n"
        "for entry in entry_points(group='webstore.plugins'): entry.load(); print(entry.name)"
    )
    found = set(_run(environment / "python", "-I", "-c", script, cwd=tmp_path).split())
    assert found == {path.parent.name for path in (ROOT / "plugins").glob("*/__init__.py")}
