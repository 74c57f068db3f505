"""Dagster runs whose process has gone: the sign of life that a watching run gives, and how its
absence is judged.

Belongs here: telling a lost run from a living one. Does not belong here: the job on the cluster,
which goes on and is adopted by the retry (client.py); when the judgement is made
(jobs/schedules.py).

Dagster's default run launcher does not notice that a run's process has died with the machine or
with all of Dagster: the run stays STARTED. A run that watches a job therefore keeps a tag that
changes: `run host boot pid start count`. The run's own id is in it because a retry inherits the
tags of the run that it retries.
"""

from __future__ import annotations

import os
import platform
from pathlib import Path

TAG = "skypile/supervisor"
BEAT_SECONDS = 30.0
LOST_SECONDS = 240.0
"""Silence after which a run on another host is lost: eight beats, since a busy database delays
them."""


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text()[:8]


def _start_ticks(pid: int) -> str:
    """Start time of a process since boot, in clock ticks (proc(5), field 22); empty where it is
    gone or a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else fields[19]


def sign_of_life(run_id: str, count: int) -> str:
    """The tag's value for a run that this process watches."""
    return f"{run_id} {platform.node()} {_boot()} {os.getpid()} {_start_ticks(os.getpid())} {count}"


def is_lost(value: str, unchanged_seconds: float) -> bool:
    """Whether a run with this tag value has lost its process: looked up on the same host, by
    silence elsewhere."""
    _, host, boot, pid, start, _ = value.split()
    if host == platform.node() and boot == _boot():
        return _start_ticks(int(pid)) != start
    return unchanged_seconds >= LOST_SECONDS
