"""Write both lock files from setup.cfg: every package, its version and the hashes of its files.

The lock of the tests is made on top of the other, so that tests run on the very versions that are shipped.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
RUNTIME = ROOT / "requirements.lock"
TEST = ROOT / "requirements-test.lock"


def compile_lock(target: Path, *arguments: str) -> None:
    """Resolve for every platform and Python from 3.11 on; index addresses are each machine's own affair."""
    command = [str(Path(sys.executable).parent / "uv"), "pip", "compile", "setup.cfg", "--quiet", "--upgrade"]
    command += ["--universal", "--python-version", "3.11", "--generate-hashes"]
    command += ["--no-emit-index-url", "--no-emit-find-links", "--custom-compile-command", "make lock"]
    subprocess.run([*command, "--output-file", target.name, *arguments], cwd=ROOT, check=True)


def main() -> None:
    """Runtime first, then tests within it."""
    before = {path: path.read_text() if path.exists() else "" for path in (RUNTIME, TEST)}
    compile_lock(RUNTIME)
    compile_lock(TEST, "--extra", "test", "--constraint", RUNTIME.name)
    for path, text in before.items():
        old = {line.split(" ")[0] for line in text.splitlines() if "==" in line}
        new = {line.split(" ")[0] for line in path.read_text().splitlines() if "==" in line}
        print(
            f"{path.name}: {len(new)} packages, {len(new - old)} changed", *sorted(new - old) if old else ()
        )


if __name__ == "__main__":
    main()
