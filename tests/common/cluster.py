"""A PostgreSQL server of our own for one run of the tests: a temporary folder, a free port, gone at the end."""

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

OWNER = "webstore_owner"
_ADMIN = "cluster_admin"
_SECONDS_TO_START = 60
# Nothing here has to outlive a power cut, so nothing waits for a disk.
_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "listen_addresses": "127.0.0.1",
    "timezone": "UTC",
}


class ClusterError(RuntimeError):
    """PostgreSQL is not installed, or did not start; the message holds what the server said."""


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach the cluster: plain values, so that they can travel to the workers of a parallel run."""

    port: int
    password: str
    folder: str

    def admin(self, database: str = "postgres") -> str:
        """As superuser: only for making and dropping databases, never for what is being tested."""
        return f"postgresql://{_ADMIN}:{self.password}@127.0.0.1:{self.port}/{database}"

    def owner(self, database: str) -> str:
        """As the role that owns the databases: it may create roles, and is no superuser."""
        return f"postgresql://{OWNER}:{self.password}@127.0.0.1:{self.port}/{database}"


def program(name: str) -> str:
    """The path of a server program: Debian keeps them off the PATH."""
    candidates = sorted(
        Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda p: (p.parts[4] != "15", p)
    )
    found = str(candidates[0]) if candidates else shutil.which(name)
    if found is None:
        raise ClusterError(f"PostgreSQL's {name} is missing; `make test` installs it (Debian: postgresql-15)")
    return found


def _identity() -> dict[str, Any]:
    """PostgreSQL refuses root: step down to its own user, else to nobody."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    raise ClusterError("root cannot run PostgreSQL, and there is neither a user postgres nor nobody")


def _server_command(identity: dict[str, Any]) -> tuple[list[str], dict[str, Any]]:
    """The start of the server's command line, and who runs it.

    Where util-linux is there, the kernel ends the server when this process dies, even by kill -9.
    """
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        return [program("postgres")], identity
    command = [setpriv, "--pdeathsig", "INT"]
    if identity:
        command += [f"--reuid={identity['user']}", f"--regid={identity['group']}", "--clear-groups"]
    return [*command, program("postgres")], {}


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port


def _initialise(folder: Path, password: str, identity: dict[str, Any]) -> None:
    secret = folder / "password"
    secret.touch(mode=0o600)
    secret.write_text(password)
    if identity:
        for path in (folder, secret):
            os.chown(path, identity["user"], identity["group"])
    command = [
        program("initdb"),
        "--pgdata",
        str(folder / "data"),
        "--username",
        _ADMIN,
        "--pwfile",
        str(secret),
    ]
    # "password" instead of scram: on loopback, with a random one, and the tests open thousands of connections.
    command += [
        "--auth",
        "password",
        "--encoding",
        "UTF8",
        "--locale",
        "C.UTF-8",
        "--no-sync",
        "--no-instructions",
    ]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False, **identity)
    if done.returncode != 0:
        raise ClusterError(f"initdb failed:\n{done.stdout}{done.stderr}")


def _wait(server: subprocess.Popen[bytes], access: Access, log: Path) -> bool:
    """True when it answers, False when it ended (its port was taken in the meantime, for example)."""
    deadline = time.monotonic() + _SECONDS_TO_START
    while time.monotonic() < deadline:
        if server.poll() is not None:
            return False
        try:
            psycopg.connect(access.admin(), connect_timeout=2).close()
            return True
        except psycopg.OperationalError:
            time.sleep(0.05)
    raise ClusterError(f"PostgreSQL did not answer within {_SECONDS_TO_START} s:\n{log.read_text()}")


def _start(folder: Path, password: str, identity: dict[str, Any]) -> tuple[subprocess.Popen[bytes], Access]:
    settings = _SETTINGS | {"unix_socket_directories": str(folder) if len(str(folder)) < 80 else ""}
    arguments = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    log = folder / "server.log"
    command, runs_as = _server_command(identity)
    for _attempt in range(5):
        access = Access(_free_port(), password, str(folder))
        with log.open("wb") as output:
            server = subprocess.Popen(
                [*command, "-D", str(folder / "data"), "-p", str(access.port), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=folder,
                start_new_session=True,  # Ctrl-C on the tests must not reach it before they have ended
                **runs_as,
            )
        try:
            if _wait(server, access, log):
                return server, access
        except BaseException:
            _stop(server)
            raise
    raise ClusterError(f"PostgreSQL does not start:\n{log.read_text()}")


def _stop(server: subprocess.Popen[bytes]) -> None:
    """Fast shutdown (SIGINT): open connections are cut; then without mercy."""
    if server.poll() is None:
        server.send_signal(2)
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.send_signal(3)
            server.wait(20)


@contextmanager
def cluster() -> Iterator[Access]:
    """A running server with the role that owns the tests' databases; stopped and removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="webstore-pg-"))
    password = secrets.token_hex(16)
    identity = _identity()
    server = None
    try:
        _initialise(folder, password, identity)
        server, access = _start(folder, password, identity)
        with psycopg.connect(access.admin(), autocommit=True) as admin:
            admin.execute(
                sql.SQL("CREATE ROLE {} LOGIN CREATEROLE CREATEDB NOSUPERUSER PASSWORD {}").format(
                    sql.Identifier(OWNER), sql.Literal(password)
                )
            )
        yield access
    finally:
        if server is not None:
            _stop(server)
        shutil.rmtree(folder, ignore_errors=True)
