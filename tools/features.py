"""Which test proves which row of the feature list: reads the marks from the tests' source, without running them.

`make features` prints each row with its tests and, at the end, the rows without. Names that no row has are an error.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
LIST = ROOT / "docs" / "features.txt"


def known() -> dict[str, list[str]]:
    """The rows by group, in the order of the list."""
    groups: dict[str, list[str]] = {}
    group = ""
    for line in LIST.read_text().splitlines():
        if line.startswith("#"):
            continue
        if line.startswith("["):
            group = line.strip("[]")
            groups[group] = []
        elif line.strip():
            groups[group].append(line.strip())
    return groups


def _ids(decorator: ast.expr) -> list[str]:
    """The rows that a `pytest.mark.feature("A", "B")` names; nothing for other decorators."""
    if (
        isinstance(decorator, ast.Call)
        and isinstance(decorator.func, ast.Attribute)
        and decorator.func.attr == "feature"
    ):
        return [a.value for a in decorator.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
    return []


def _marks_of(value: ast.expr) -> list[str]:
    """As in `pytestmark = …`, one mark or a list of them."""
    parts = value.elts if isinstance(value, (ast.List, ast.Tuple)) else [value]
    return [name for part in parts for name in _ids(part)]


def _inherited(body: list[ast.stmt]) -> list[str]:
    found = []
    for node in body:
        if isinstance(node, ast.Assign) and any(
            isinstance(t, ast.Name) and t.id == "pytestmark" for t in node.targets
        ):
            found += _marks_of(node.value)
    return found


def _walk(body: list[ast.stmt], above: list[str], path: str) -> Iterator[tuple[str, str]]:
    above = above + _inherited(body)
    for node in body:
        if isinstance(node, ast.ClassDef):
            own = [name for decorator in node.decorator_list for name in _ids(decorator)]
            yield from _walk(node.body, above + own, f"{path}::{node.name}")
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            own = [name for decorator in node.decorator_list for name in _ids(decorator)]
            # A parameter set may carry its own mark: pytest.param(…, marks=pytest.mark.feature("X")).
            for decorator in node.decorator_list:
                for inner in ast.walk(decorator):
                    if isinstance(inner, ast.keyword) and inner.arg == "marks":
                        own += _marks_of(inner.value)
            if node.name.startswith("test_"):
                for name in dict.fromkeys(above + own):
                    yield name, f"{path}::{node.name}"


def proofs() -> dict[str, list[str]]:
    """Row → the tests that are marked with it."""
    found: dict[str, list[str]] = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        tree = ast.parse(path.read_text(), filename=str(path))
        for name, test in _walk(tree.body, [], path.relative_to(ROOT).as_posix()):
            found.setdefault(name, []).append(test)
    return found


def main() -> int:
    """Print the table; 1 if a test names a row that does not exist."""
    groups, proven = known(), proofs()
    rows = [row for group in groups.values() for row in group]
    for group, members in groups.items():
        print(f"{group}: {sum(row in proven for row in members)} of {len(members)}")
        for row in members:
            if row in proven:
                print(f"  {row}", *proven[row], sep="\n    ")
    without = {group: [row for row in members if row not in proven] for group, members in groups.items()}
    print("\nWithout a test:")
    for group, missing in without.items():
        if missing:
            print(f"  {group}: {' '.join(missing)}")
    print(f"\n{sum(row in proven for row in rows)} of {len(rows)} rows have tests")
    strange = sorted(set(proven) - set(rows))
    for row in strange:
        print(f"no such row: {row} (in {', '.join(proven[row])})", file=sys.stderr)
    return 1 if strange else 0


if __name__ == "__main__":
    sys.exit(main())
