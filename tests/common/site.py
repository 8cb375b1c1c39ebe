"""Real servers as processes of their own: web, downloads and worker before one database."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.common.shop import TENANTS


def free_port() -> int:
    """A port P such that P and P+4 are free."""
    for _ in range(50):
        with socket.socket() as first:
            first.bind(("127.0.0.1", 0))
            port: int = first.getsockname()[1]
            if port > 65000:
                continue
            with socket.socket() as second:
                try:
                    second.bind(("127.0.0.1", port + 4))
                except OSError:
                    continue
        return port
    raise RuntimeError("no two free ports")


@dataclass(frozen=True)
class Site:
    """The running installation."""

    port: int
    data_dir: Path
    environment: dict[str, str]

    def url(self, slug: str, path: str = "/") -> str:
        """The address of a page of a store; an empty slug is the base domain."""
        host = f"{slug}.localhost" if slug else "localhost"
        return f"http://{host}:{self.port}{path}"

    def run(self, *arguments: str) -> str:
        """Run the `webstore` command beside the servers."""
        done = subprocess.run(
            [sys.executable, "-m", "platform_core.cli", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout


@contextmanager
def serving(database_url: str, data_dir: Path) -> Iterator[Site]:
    """Servers and worker of a demo installation that has been seeded; stopped at the end."""
    port = free_port()
    environment = {
        **os.environ,
        "WEBSTORE_DEMO": "1",
        "WEBSTORE_DATA_DIR": str(data_dir),
        "WEBSTORE_DATABASE_URL": database_url,
        "WEBSTORE_TENANTS_DIR": str(TENANTS),
        "WEBSTORE_SECRET_FILE": str(data_dir / "secret.key"),
        "WEBSTORE_DOWNLOAD_ORIGIN": f"http://localhost:{port + 4}",
    }
    log = data_dir / "servers.log"
    commands = (["serve", "--port", str(port), "--workers", "1"], ["worker"])
    with log.open("wb") as lines:
        processes = [
            subprocess.Popen(
                [sys.executable, "-m", "platform_core.cli", *command],
                env=environment,
                stdout=lines,
                stderr=lines,
            )
            for command in commands
        ]
        try:
            _wait_for(f"http://127.0.0.1:{port}/healthz", log)
            _wait_for(f"http://127.0.0.1:{port + 4}/healthz", log)
            yield Site(port, data_dir, environment)
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                process.wait(20)


def _wait_for(url: str, log: Path) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            if time.monotonic() > deadline:
                raise RuntimeError(f"{url} does not answer:\n{log.read_text()[-4000:]}") from None
            time.sleep(0.1)
