from __future__ import annotations

import subprocess
import sys

from pipelines.engine import tree_cpu_seconds

TICKS = 0.02  # user and system time are each cut to ticks of 10 ms
SPIN = "import time\nwhile time.process_time() < 0.3: pass"


def test_counts_a_child_that_has_ended() -> None:
    before = tree_cpu_seconds()
    subprocess.run([sys.executable, "-c", SPIN], check=True)
    assert tree_cpu_seconds() - before >= 0.3 - 2 * TICKS


def test_counts_a_child_that_lives() -> None:
    before = tree_cpu_seconds()
    child = subprocess.Popen(
        [sys.executable, "-c", f"{SPIN}\nprint('ready', flush=True)\ninput()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None and child.stdout.readline() == "ready\n"
    assert tree_cpu_seconds() - before >= 0.3 - 2 * TICKS
    child.communicate("\n")
