"""The services of `up`: one set of an instance, no taken port, ended together however their shell has
started them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from jobs.failure import JobFailed
from jobs.services import only_one, require_free
from jobs.settings import ROOT
from tests.support.fake_cluster import eventually, running
from tests.support.object_store import _free_port


def children(pid: int) -> list[int]:
    """A process's descendants."""
    table = [
        line.split()
        for line in subprocess.run(
            ["ps", "-eo", "pid=,ppid="], capture_output=True, text=True
        ).stdout.splitlines()
    ]
    found = [int(child) for child, parent in table if int(parent) == pid]
    return found + [c for f in found for c in children(f)]


@pytest.mark.parametrize("name", ["TERM", pytest.param("INT", marks=pytest.mark.full)])
def test_the_web_ui_of_a_background_job_ends_with_its_children(tmp_path: Path, name: str) -> None:
    """A script's `make up &`: its shell ignores SIGINT for it."""
    environment = {
        "DAGSTER_HOME": str(tmp_path / "home"),
        "SKYPILE_LAKE": str(tmp_path / "lake"),
        "PYTHONPATH": str(ROOT),
    }
    line = 'trap "" INT TERM; exec "$@"'
    command = ["bash", "-c", line, "up", sys.executable, "-m", "jobs.cli", "up", "--port", str(_free_port())]
    with open(tmp_path / "log", "wb") as log:
        process = subprocess.Popen(
            command, env=os.environ | environment, stdout=log, stderr=log, start_new_session=True
        )
    try:
        eventually(
            lambda: b"Serving the web UI" in (tmp_path / "log").read_bytes() or process.poll() is not None
        )
        below = children(process.pid)
        assert process.poll() is None and len(below) >= 2, (tmp_path / "log").read_text()[-2000:]
        process.send_signal(getattr(signal, f"SIG{name}"))
        process.wait(60)
        eventually(lambda: not any(running(p) for p in below), 60)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)


def test_a_second_set_of_services_is_refused_by_the_process_of_the_first(tmp_path: Path) -> None:
    refused = pytest.raises(JobFailed, match=f"as process {os.getpid()}")
    with only_one(tmp_path), refused, only_one(tmp_path):
        pass
    with only_one(tmp_path):
        pass


def test_a_taken_port_is_refused_before_anything_starts() -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(JobFailed, match="name another --port"):
            require_free("127.0.0.1", taken.getsockname()[1])
