"""`python -m benchmarks.gpu`: all parts in order of worth, each with a time limit, JSON lines as they
come; a part that is cut has told what it had measured, and says where it stood. Before them a block is
compiled (compiling.py): where that hangs or fails, the parts run compiled in one process, or plain.

Without a GPU every part runs at toy size, which shows that it runs, not how fast. Exit code 0 where
all parts ended and no check failed.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import torch

from benchmarks.gpu.compiling import NOT_AT_ALL, settings


@dataclass(frozen=True)
class Part:
    """A module of this package and its time limit in seconds on an H100 or H200."""

    name: str
    seconds: int


PARTS = (
    Part("checks", 110),
    Part("train_step", 210),
    Part("blocks", 60),
    Part("shares", 180),
)
WATCH = """
import faulthandler, runpy, sys
seconds, module = float(sys.argv[1]), sys.argv[2]
faulthandler.dump_traceback_later(seconds, exit=True)
sys.argv = sys.argv[2:]
runpy.run_module(module, run_name="__main__")
"""
"""Runs a module, and at its time limit prints where it stands and ends it."""
SECONDS = 530
"""Time limit of all parts together on a GPU; the last ones get what is left of it. On an H200 they took
15 (compiling), 83, 168, 45 and about 90."""


def run(part: Part, limit: float, environment: Mapping[str, str] = MappingProxyType({})) -> int:
    """Run one part in a process of its own, at most `limit` seconds; its exit code. What the part
    started ends with it."""
    started = time.monotonic()
    print(f"== {part.name}, at most {limit:.0f} s", flush=True)
    command = [sys.executable, "-u", "-c", WATCH, str(limit), f"benchmarks.gpu.{part.name}"]
    process = subprocess.Popen(
        command, env=os.environ | environment, stdin=subprocess.DEVNULL, start_new_session=True
    )
    try:
        # The watch ends the part; the longer limit is for a part that cannot end.
        code = process.wait(limit + 10)
    except subprocess.TimeoutExpired:
        code = -9
    finally:
        # A part that was cut leaves trainings behind, which would slow the next one down.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    print(f"== {part.name} ended with {code} after {time.monotonic() - started:.0f} s", flush=True)
    return code


def main() -> None:
    """Run the parts asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__)
    names = [p.name for p in PARTS]
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(names)}; all where none is named")
    asked = parser.parse_args().parts
    if unknown := sorted(set(asked) - set(names)):
        parser.error(f"unknown parts {', '.join(unknown)}: known are {', '.join(names)}")
    gpu = torch.cuda.is_available()
    if not gpu:
        print("No GPU is visible to torch: this is a dry run at toy size on the CPU, no measurement.")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    started = time.monotonic()
    way, environment = settings()
    failed = [] if way != NOT_AT_ALL else ["compiling"]
    for part in PARTS:
        if asked and part.name not in asked:
            continue
        left = SECONDS - (time.monotonic() - started)
        limit = min(part.seconds, max(left, 1)) if gpu else 4 * part.seconds
        if run(part, limit, environment):
            failed.append(part.name)
    print(f"parts that failed: {', '.join(failed) or 'none'}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
