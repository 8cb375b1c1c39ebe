"""The stages of `make test`: run, timed, and summed up at the end. One that fails does not stop the others."""

import os
import re
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
REPORTS = ROOT / "test-artifacts"
BIN = Path(sys.executable).parent
PYTHON = sys.executable
WORKERS = os.environ.get("WEBSTORE_TEST_WORKERS", "2")


@dataclass(frozen=True, slots=True)
class Stage:
    """One line of the summary. `suite`: its commands are pytest's and its tests are counted one by one."""

    name: str
    title: str
    commands: Sequence[Sequence[str]]
    suite: bool = False
    database: str = "sqlite"


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a stage; a check counts as one test."""

    stage: Stage
    seconds: float
    passed: int
    failed: int
    skipped: int = 0


def _pytest(name: str, *arguments: str, measured: bool = False, workers: str = WORKERS) -> Sequence[str]:
    start = [str(BIN / "coverage"), "run", "-m", "pytest"] if measured else [PYTHON, "-m", "pytest"]
    common = ["-q", "-n", workers, "--dist", "worksteal", "--durations", "5", "--durations-min", "3"]
    return [*start, *common, f"--junitxml={REPORTS / name}.xml", *arguments]


_ALL_BUT = ["-m", "not browser", "--ignore=tests/browser", "--ignore=tests/contract/test_wheel.py"]
STAGES = (
    Stage(
        "lint",
        "ruff: style and format",
        [[str(BIN / "ruff"), "check"], [str(BIN / "ruff"), "format", "--check"]],
    ),
    Stage("types", "mypy", [[str(BIN / "mypy")]]),
    Stage("imports", "import contracts", [[str(BIN / "lint-imports"), "--no-logo"]]),
    Stage("translations", "every text in every language", [[PYTHON, "tools/messages.py", "check"]]),
    Stage("sqlite", "suite on SQLite", [_pytest("sqlite", *_ALL_BUT, "tests", measured=True)], suite=True),
    Stage(
        "coverage",
        "per cent that the suite on SQLite reaches",
        [[str(BIN / "coverage"), "combine", "--quiet"], [str(BIN / "coverage"), "report", "--format=total"]],
    ),
    Stage(
        "postgres",
        "suite on PostgreSQL",
        [_pytest("postgres", *_ALL_BUT, "tests")],
        suite=True,
        database="postgres",
    ),
    Stage("browser", "journeys in Chromium", [_pytest("browser", "-m", "browser", "tests")], suite=True),
    Stage(
        "wheel",
        "wheel in an empty environment",
        [_pytest("wheel", "tests/contract/test_wheel.py", workers="0")],  # built once, not once a worker
        suite=True,
    ),
)
_QUICK = ("lint", "types", "imports", "translations")


def _environment(stage: Stage) -> dict[str, str]:
    path = os.pathsep.join((str(BIN), os.environ.get("PATH", "")))
    return os.environ | {"WEBSTORE_TEST_DATABASE": stage.database, "PATH": path}


def _announce(stage: Stage) -> None:
    print(f"\n=== {stage.name}: {stage.title}", flush=True)


def _count(stage: Stage, ok: bool, seconds: float) -> Result:
    """Read pytest's own report; a run that broke before writing one, or ran no test, is one failure."""
    report = REPORTS / f"{stage.name}.xml"
    total = {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}
    if report.exists():
        # Written by our own pytest a moment ago.
        for suite in ET.parse(report).getroot().iter("testsuite"):
            for key in total:
                total[key] += int(suite.get(key, "0"))
    failed = total["failures"] + total["errors"]
    passed = max(0, total["tests"] - failed - total["skipped"])
    if not ok and failed == 0:
        failed = 1
    return Result(stage, seconds, passed, failed, total["skipped"])


def run_suite(stage: Stage) -> Result:
    """Run pytest with its output as it comes."""
    _announce(stage)
    (REPORTS / f"{stage.name}.xml").unlink(missing_ok=True)
    if stage.name == "sqlite":
        subprocess.run([str(BIN / "coverage"), "erase"], cwd=ROOT, check=False)
    started = time.monotonic()
    codes = [
        subprocess.run(c, cwd=ROOT, env=_environment(stage), check=False).returncode for c in stage.commands
    ]
    return _count(stage, not any(codes), time.monotonic() - started)


def run_check(stage: Stage) -> tuple[Result, str]:
    """Run a check's commands, all of them, and keep what they say."""
    started = time.monotonic()
    ok, said = True, ""
    for command in stage.commands:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=_environment(stage),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        ok = ok and done.returncode == 0
        said += done.stdout
    return Result(stage, time.monotonic() - started, int(ok), int(not ok)), said


def run(stages: Sequence[Stage]) -> list[Result]:
    """The quick checks side by side, then everything else one after the other (suites are parallel inside)."""
    results = []
    quick = [stage for stage in stages if stage.name in _QUICK]
    with ThreadPoolExecutor(max_workers=2) as pool:
        for stage, (result, said) in zip(quick, pool.map(run_check, quick), strict=True):
            _announce(stage)
            print(said.rstrip(), flush=True)
            results.append(result)
    for stage in stages:
        if stage.suite:
            results.append(run_suite(stage))
        elif stage not in quick:
            _announce(stage)
            result, said = run_check(stage)
            print(said.rstrip(), flush=True)
            results.append(result)
    return results


def summary(results: Sequence[Result], seconds: float) -> str:
    """A table of the stages, and as last line the plain sum."""
    lines = ["", "stage         result   time     passed  failed  skipped"]
    for r in results:
        word = "FAILED" if r.failed else "ok"
        lines.append(
            f"{r.stage.name:<13} {word:<8} {r.seconds:6.1f} s {r.passed:7} {r.failed:7} {r.skipped:8}  {r.stage.title}"
        )
    passed, failed, skipped = (
        sum(getattr(r, key) for r in results) for key in ("passed", "failed", "skipped")
    )
    lines.append(f"all together in {int(seconds // 60)} min {seconds % 60:.0f} s")
    lines.append(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return "\n".join(lines)


def main(names: Sequence[str]) -> int:
    """Run the named stages (none: all, in their order); 1 if anything failed, 2 for a name that does not exist."""
    known = {stage.name: stage for stage in STAGES}
    wanted = [name for part in names for name in re.split(r"[,\s]+", part) if name]
    unknown = [name for name in wanted if name not in known]
    if unknown:
        print(f"no stage named {', '.join(unknown)}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    REPORTS.mkdir(exist_ok=True)
    started = time.monotonic()
    results = run([stage for stage in STAGES if not wanted or stage.name in wanted])
    print(summary(results, time.monotonic() - started), flush=True)
    return 1 if any(result.failed for result in results) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
