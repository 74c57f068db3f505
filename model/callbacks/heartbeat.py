"""A sign of life per rank: what it does, since when, and how long that may take.

Written from the main thread, so that a rank that hangs in a collective falls silent. The supervisor
compares `time` and `limit_seconds` with its own clock.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

LIMIT_SECONDS = {"start": 900, "compile": 1800, "load": 1800, "step": 600, "save": 1800, "evaluate": 1800, "export": 1800, "done": 0}
"""Longest silence allowed in each phase; generous for 13 B on shared storage."""


class Heartbeat:
    """`heartbeats/rank-00000.json` of one rank."""

    def __init__(self, folder: Path, rank: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path, self.rank = folder / f"rank-{rank:05d}.json", rank

    def beat(self, phase: str, step: int) -> None:
        """Replace the file; `phase` is a key of LIMIT_SECONDS."""
        value = {"rank": self.rank, "pid": os.getpid(), "host": os.uname().nodename, "phase": phase, "step": step}
        temporary = self.path.with_suffix(".tmp")
        temporary.write_text(json.dumps(value | {"time": time.time(), "limit_seconds": LIMIT_SECONDS[phase]}))
        os.replace(temporary, self.path)
