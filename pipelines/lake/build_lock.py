"""Which process builds a table, so that no two build the same one at a time.

Belongs here: naming a process, knowing whether it lives. Does not belong here: what is built
(writer.py), leases of training runs (assets/cluster), which have to hold between hosts.
"""

from __future__ import annotations

import functools
import os
import socket
from typing import Any

import psutil

Owner = dict[str, Any]

CLOCK_SLACK_SECONDS = 5.0
"""By how much two readings of one process's start may differ: they move with the system clock."""


def this_process() -> Owner:
    """Host, process id, and when the process was started (seconds since the epoch): an id is given
    again after a reboot or in a new container."""
    return dict(_named(os.getpid()))


@functools.cache
def _named(pid: int) -> Owner:
    # Kept, so that a process whose host corrects its clock still finds itself. By the process id,
    # since a fork inherits what is kept.
    return {"host": socket.gethostname(), "pid": pid, "started": _started(pid)}


def lives_here(owner: Owner) -> bool:
    """Whether this is a living process of this machine. Of another machine nothing is known:
    False."""
    if owner["host"] != socket.gethostname():
        return False
    found, recorded = _started(owner["pid"]), owner["started"]
    if found is None or not isinstance(recorded, float):
        return False
    return abs(found - recorded) <= CLOCK_SLACK_SECONDS


def _started(pid: int) -> float | None:
    """When a process began, in seconds since the epoch; None where it is not there or has ended."""
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except psutil.NoSuchProcess:
        return None
