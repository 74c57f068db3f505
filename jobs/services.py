"""The services of `skypile up`: one code server, the web UI and the daemon, started and ended together.

Belongs here: starting and ending them, and refusing a second set. Does not belong here: what the web
UI lets in (jobs/guard.py), production, where each service has a unit of its own (deploy/).

Not `dagster dev`: it starts Dagster's webserver, which is open to every page in the user's browser.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import yaml

from jobs.failure import JobFailed
from jobs.settings import ROOT

LOOK_SECONDS = 0.2
END_SECONDS = 30.0
"""How long services may take to end, before they are killed."""
SERVER_SECONDS = 180
"""How long the code location may take to load (code_servers.local_startup_timeout of dagster.yaml)."""
PR_SET_PDEATHSIG = 1  # prctl(2)


def _end_with_parent() -> None:
    """In a child, before its program: SIGTERM when `up` is gone, however it went."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _program(module: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", module, *arguments]


@contextlib.contextmanager
def only_one(home: Path) -> Iterator[None]:
    """One set of services for an instance: two daemons would both take its queue."""
    with open(home / "up.lock", "a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise JobFailed(
                f"`up` runs already for {home}, as process {file.read().strip() or 'unknown'}: use its web"
                " UI, or end it first"
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def require_free(host: str, port: int) -> None:
    """JobFailed where the port is taken: found before anything is started."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise JobFailed(
                f"{host}:{port} cannot be listened on ({error.strerror}): name another --port"
            ) from None


def run(home: Path, host: str, port: int) -> None:
    """Start the services and keep them until a signal comes or one of them ends; then end them all.
    JobFailed names the one that ended by itself."""
    ended_by: list[int] = []

    def heard(number: int, _: FrameType | None) -> None:
        ended_by.append(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, heard)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with only_one(home), tempfile.TemporaryDirectory(prefix="skypile-") as folder:
        require_free(host, port)
        code, workspace = Path(folder, "code"), Path(folder, "workspace.yaml")
        server = {"socket": str(code), "location_name": "skypile"}
        workspace.write_text(yaml.safe_dump({"load_from": [{"grpc_server": server}]}))
        commands = {
            "code server": _program(
                *("dagster", "code-server", "start", "-m", "jobs.definitions", "-d", str(ROOT)),
                *("--socket", str(code), "--location-name", "skypile"),
                *("--startup-timeout", str(SERVER_SECONDS), "--inject-env-vars-from-instance"),
            ),
            "web UI": _program("jobs.webserver", "-w", str(workspace), "-h", host, "-p", str(port)),
            "daemon": _program("dagster._daemon", "run", "-w", str(workspace)),
        }
        services: dict[str, subprocess.Popen[bytes]] = {}
        try:
            for name, command in commands.items():
                services[name] = subprocess.Popen(
                    command, cwd=ROOT, env=environment, preexec_fn=_end_with_parent
                )
                while name == "code server" and not ended_by and not code.exists():
                    if services[name].poll() is not None:
                        break
                    time.sleep(LOOK_SECONDS)
            while not ended_by:
                for name, process in services.items():
                    if (status := process.poll()) is not None:
                        raise JobFailed(f"the {name} ended with exit status {status}: its messages are above")
                time.sleep(LOOK_SECONDS)
        finally:
            end(list(services.values()))


def end(services: list[subprocess.Popen[bytes]]) -> None:
    """End processes, those that need it by SIGKILL after `END_SECONDS`; the code server is first in
    the list and ends last."""
    deadline = time.monotonic() + END_SECONDS
    for process in reversed(services):
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(max(0.0, deadline - time.monotonic()))
    for process in services:
        if process.poll() is None:
            process.kill()
            process.wait()
