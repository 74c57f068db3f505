"""Lost runs: Dagster runs whose process has gone, though Dagster still calls them STARTED.

Belongs here: the sign of life that a run gives while it watches a job, and telling from it whether
the run is lost. Does not belong here: the job on the cluster, which goes on and is adopted by the
retry (client.py); when runs are looked at (jobs/schedules.py).

Dagster's default run launcher does not notice that a run's process has died with the machine or
with all of Dagster. A run that watches a job therefore keeps a tag whose value changes:
`run host boot pid start count`. The run's own id is in it because a retry inherits the tags of the
run that it retries.
"""

from __future__ import annotations

import os
import platform
from pathlib import Path

import psutil

TAG = "skypile/supervisor"
BEAT_SECONDS = 15.0
"""Between two changes of the tag."""
LOST_SECONDS = 75.0
"""Silence after which a run on another host is lost: five beats, since a busy database delays them.
Looked at every 30 s (jobs/schedules.py), a lost run is found within two minutes."""
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


def _boot() -> str:
    """The kernel's id of this boot, as job ids have it too (launchers.py); psutil knows only the
    time of the boot, which moves with the clock."""
    return Path("/proc/sys/kernel/random/boot_id").read_text()[:8]


def _start_ticks(pid: int) -> str:
    """Start of a process since boot, in clock ticks; empty where it is gone or a zombie.

    In ticks since boot, as the kernel counts (proc(5), starttime), so that it does not move with
    the clock and older tags stay comparable.
    """
    try:
        process = psutil.Process(pid)
        if process.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD):
            return ""
        return str(round((process.create_time() - psutil.boot_time()) * CLOCK_TICKS))
    except psutil.NoSuchProcess:
        return ""


def sign_of_life(run_id: str, count: int) -> str:
    """The tag's value for a run that this process executes."""
    return f"{run_id} {platform.node()} {_boot()} {os.getpid()} {_start_ticks(os.getpid())} {count}"


def is_lost(value: str, unchanged_seconds: float) -> bool:
    """Whether the run with this tag value has lost its process: looked up where it ran on this
    host, judged by `unchanged_seconds` where it ran on another."""
    _, host, boot, pid, start, _ = value.split()
    if host == platform.node() and boot == _boot():
        return _start_ticks(int(pid)) != start
    return unchanged_seconds >= LOST_SECONDS
