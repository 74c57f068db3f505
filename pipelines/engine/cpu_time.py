"""CPU time of this process and of all that it started.

Belongs here: reading the operating system's accounting. Does not belong here: wall time, anything
written into a table's content.
"""

from __future__ import annotations

import psutil


def tree_cpu_seconds() -> float:
    """User and system seconds of this process, of its living descendants and of those they have
    waited for.

    The JVM, Spark's Python workers and a local launcher are descendants; executors on other hosts
    are not. The time of a descendant that nobody has waited for yet is lost when it ends, so a
    difference of two readings is a lower bound.
    """
    own = psutil.Process()
    seconds = 0.0
    for process in [own, *own.children(recursive=True)]:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        seconds += times.user + times.system + times.children_user + times.children_system
    return float(seconds)
