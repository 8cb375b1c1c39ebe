"""Several processes as one: started together, stopped together, none left behind."""

import ctypes
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import click

_PR_SET_PDEATHSIG = 1
STOP_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Part:
    """One process: a name for messages, and the arguments after the interpreter."""

    name: str
    arguments: Sequence[str]


def refuse_ports_in_use(host: str, ports: Mapping[str, int]) -> None:
    """Raise a click error that names the port that somebody else listens on."""
    for name, port in ports.items():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                raise click.ClickException(
                    f"port {port} ({name}) is in use or not allowed: {error.strerror}; "
                    "stop what listens there, or choose another, such as PORT=9000 make demo"
                ) from error


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def run_together(parts: Sequence[Part], environment: Mapping[str, str], ready: str = "") -> int:
    """Run until Ctrl-C, TERM, or the end of one part; then stop all. Answers the exit code."""
    running: dict[str, subprocess.Popen[bytes]] = {}
    stop: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda sig, _frame: stop.append(sig))
    try:
        for part in parts:
            running[part.name] = subprocess.Popen(  # noqa: S603  (our own interpreter and modules)
                [sys.executable, *part.arguments],
                env=dict(environment),
                start_new_session=True,
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509  (no thread runs yet)
            )
        if ready:
            click.echo(ready)
        while not stop:
            for name, process in running.items():
                if process.poll() is not None:
                    click.echo(f"{name} ended with code {process.returncode}; stopping the others", err=True)
                    return 1
            time.sleep(0.1)
        return 0
    finally:
        _stop_all(running)


def _stop_all(running: Mapping[str, subprocess.Popen[bytes]]) -> None:
    for process in running.values():
        if process.poll() is None:
            process.terminate()
    deadline = time.monotonic() + STOP_SECONDS
    for process in running.values():
        try:
            process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
