"""Which process builds a table, so that no two build the same one at a time.

Belongs here: naming a process, knowing whether it lives. Does not belong here: what is built
(writer.py), leases of training runs (assets/cluster), which have to hold between hosts.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

Owner = dict[str, Any]


def this_process() -> Owner:
    """Host, process id, and when the process was started: an id is given again after a reboot or in
    a new container."""
    return {"host": socket.gethostname(), "pid": os.getpid(), "started": _started(os.getpid())}


def lives_here(owner: Owner) -> bool:
    """Whether this is a living process of this machine. Of another machine nothing is known:
    False."""
    return (
        owner["host"] == socket.gethostname()
        and bool(owner["started"])
        and owner["started"] == _started(owner["pid"])
    )


def _started(pid: int) -> str:
    """Boot and clock tick at which a process began; "" where it is not there, or where there is no
    /proc."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] == "Z" else f"{boot} {fields[19]}"
