"""Commands hear signals, however their shell has started them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from dagster_shared.error import SerializableErrorInfo

from jobs.runner import sentence
from tests.support.fake_cluster import eventually, running
from tests.support.object_store import _free_port

ROOT = Path(__file__).resolve().parents[2]


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
            lambda: (
                b"Serving dagster-webserver" in (tmp_path / "log").read_bytes() or process.poll() is not None
            )
        )
        below = children(process.pid)
        assert process.poll() is None and len(below) >= 2, (tmp_path / "log").read_text()[-2000:]
        process.send_signal(getattr(signal, f"SIG{name}"))
        process.wait(60)
        eventually(lambda: not any(running(p) for p in below), 60)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)


def test_an_error_is_told_as_the_sentence_of_its_first_cause() -> None:
    def error(message: str, cause: SerializableErrorInfo | None = None) -> SerializableErrorInfo:
        return SerializableErrorInfo(f"{message}\n", [], None, cause)

    ours = error("pipelines.dumps.fetch.FetchError: dump d: a.py: x names no file; mend `uris`")
    assert (
        sentence(error("dagster.StepError: step failed", ours))
        == "dump d: a.py: x names no file; mend `uris`"
    )
    assert sentence(error("KeyError: 'x'")) == "KeyError: 'x'"
    assert sentence(None) == "no error was recorded"
