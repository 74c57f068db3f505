"""The job's first process writes down the command's end, whatever signal comes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from assets.cluster.launchers import SIGNALS, SUPERVISE


def supervise(job: Path, *command: str, blocked: bool = False) -> int:
    """Run it to its end; the exit status that it wrote."""
    job.mkdir(parents=True, exist_ok=True)
    prefix = SIGNALS.split() if blocked else []
    whole = [*prefix, sys.executable, "-I", "-S", str(SUPERVISE), str(job)]
    done = subprocess.run(whole, input=json.dumps(command), text=True, timeout=60)
    status = int((job / "rc").read_text())
    assert done.returncode == status and not list(job.glob("*.tmp"))
    return status


@pytest.mark.parametrize("name", ["USR1", "TERM", "INT"])
def test_a_signal_as_the_command_ends_does_not_hide_its_status(tmp_path: Path, name: str) -> None:
    """The command's last act is to signal its supervisor: bash's `wait` would answer 128 + n, or
    -1."""
    for number in range(10):
        assert (
            supervise(tmp_path / "run" / "jobs" / str(number), "bash", "-c", f"kill -{name} $PPID; exit 3")
            == 3
        )
    assert (tmp_path / "run" / "stop").exists() == (name == "USR1")


@pytest.mark.parametrize("name", ["TERM", "INT"])
def test_a_signal_while_the_command_starts_is_not_sent_to_it_again(tmp_path: Path, name: str) -> None:
    """The command runs, and has signalled, before the supervisor knows of it; it ends after the
    supervisor has sent what it had to send."""
    job = tmp_path / "run" / "jobs" / "job"
    job.mkdir(parents=True)
    for fifo in ("signalled", "go"):
        os.mkfifo(tmp_path / fifo)
    slow = f"""
import os, runpy, subprocess, sys
class Slow(subprocess.Popen):
    def __init__(self, *given, **named):
        super().__init__(*given, **named)
        open({str(tmp_path / "signalled")!r}).read()
    def wait(self, *given):
        os.write(os.open({str(tmp_path / "go")!r}, os.O_RDWR), b"\\n")
        return super().wait(*given)
subprocess.Popen = Slow
sys.argv = ["supervise.py", {str(job)!r}]
runpy.run_path({str(SUPERVISE)!r}, run_name="__main__")
"""
    command = f"kill -{name} $PPID; : >{tmp_path / 'signalled'}; read line <{tmp_path / 'go'}; exit 3"
    started = [*SIGNALS.split(), sys.executable, "-I", "-S", "-c", slow]
    done = subprocess.run(started, input=json.dumps(["bash", "-c", command]), text=True, timeout=60)
    assert done.returncode == 3 and (job / "rc").read_text() == "3\n"


def test_a_warning_that_cannot_be_passed_on_ends_no_wait(tmp_path: Path) -> None:
    job = tmp_path / "run" / "jobs" / "job"
    job.mkdir(parents=True)
    (tmp_path / "run" / "stop").symlink_to(tmp_path / "nowhere" / "stop")  # touch fails
    assert supervise(job, "bash", "-c", "kill -USR1 $PPID; exit 3") == 3


def test_a_signal_before_there_is_a_command_reaches_it(tmp_path: Path) -> None:
    """As when a job is ended in the moment of its start: the signal waits, blocked, for somebody to
    hear it."""
    job = tmp_path / "run" / "jobs" / "job"
    job.mkdir(parents=True)
    begin = f'kill -TERM $$; exec "{sys.executable}" -I -S "{SUPERVISE}" "{job}"'
    done = subprocess.run(
        [*SIGNALS.split(), "bash", "-c", begin], input=json.dumps(["sleep", "60"]), text=True, timeout=50
    )
    assert done.returncode == 128 + signal.SIGTERM and (job / "rc").read_text() == "143\n"


def test_the_environments_file_ends_with_the_command(tmp_path: Path) -> None:
    for number, command in enumerate(
        (["true"], ["false"], ["bash", "-c", "kill -9 $$"], ["no-such-command"])
    ):
        job = tmp_path / "run" / "jobs" / str(number)
        job.mkdir(parents=True)
        (job / "environment").write_text("export TOKEN=hush\n")
        supervise(job, *command)
        assert not (job / "environment").exists()


def test_a_command_that_is_not_there_and_one_that_is_killed(tmp_path: Path) -> None:
    assert supervise(tmp_path / "run" / "jobs" / "a", "no-such-command-here") == 127
    assert "no-such-command-here: No such file" in (tmp_path / "run" / "jobs" / "a" / "stderr").read_text()
    assert supervise(tmp_path / "run" / "jobs" / "b", "bash", "-c", "kill -KILL $$", blocked=True) == 137
