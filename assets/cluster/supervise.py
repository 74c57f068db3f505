"""`python -I -S supervise.py JOB < COMMAND`: run one command and leave its exit status in `JOB/rc`,
whatever signal comes meanwhile.

Belongs here: what a job's own first process does on the cluster. Does not belong here: starting it
there (launchers.py). It is copied into the job's folder and runs by itself, so it imports the
standard library alone.

A shell cannot do it: a signal ends bash's `wait` with a status of its own, and if the child has
gone by then, a second `wait` answers -1 (bash 5.2), so that the exit status is lost. Python's wait
goes on after a handler.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

DEFERRED = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)
"""They reach the command by themselves, since they are sent to the group; this process outlives
them to write down the end."""


def write_whole(path: Path, text: str) -> None:
    """Readers see nothing or all of it."""
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_text(text)
    temporary.replace(path)


def supervise(job: Path, command: list[str]) -> int:
    """Run the command with its output in `stdout` and `stderr`; its exit status as a shell counts
    it (128 + n for signal n).

    USR1, Slurm's warning before the time limit, becomes a stop request in the run's folder, so that
    the job saves. The job's file `environment` goes when the command ends. `times` holds user plus
    system seconds of the command and of what it has waited for.
    """

    def outlive(_number: int, _frame: Any) -> None:
        pass

    def near_the_limit(_number: int, _frame: Any) -> None:
        with contextlib.suppress(OSError):  # storage that is full or away must not end the wait
            (job / "time-limit").touch()
            (job.parent.parent / "stop").touch()

    signal.pthread_sigmask(signal.SIG_BLOCK, DEFERRED)
    for number in DEFERRED:
        signal.signal(number, near_the_limit if number == signal.SIGUSR1 else outlive)
    with open(job / "stdout", "wb") as out, open(job / "stderr", "wb") as err:
        # What waits now was sent before there was a command to hear it. What comes later reaches the
        # command by itself, and must not be sent to it a second time.
        early = signal.sigpending() - {signal.SIGUSR1}
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, DEFERRED),
            )
            for number in sorted(early & set(DEFERRED)):
                process.send_signal(number)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, DEFERRED)
            code = process.wait()
            status = code if code >= 0 else 128 - code
        except OSError as error:
            err.write(f"{command[0]}: {error.strerror}\n".encode())
            status = 127
    with contextlib.suppress(OSError):  # secrets may be in it, and nothing is started with it again
        (job / "environment").unlink()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    write_whole(job / "times", f"{used.ru_utime + used.ru_stime:.3f}\n")
    write_whole(job / "rc", f"{status}\n")
    return status


if __name__ == "__main__":
    os._exit(supervise(Path(sys.argv[1]), json.load(sys.stdin)) & 0xFF)
