"""A sign of life per rank: what it does, since when, and how long that may take.

Belongs here: writing it, and telling from the files whether somebody may be at work. Does not
belong here: judging the silent, by one clock, and ending them (assets/cluster/watchdog.py). Written
from the main thread, so that a rank that hangs in a collective falls silent.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipelines.lake.atomic import write_whole

LIMIT_SECONDS: dict[str, float] = {
    "start": 900,
    "compile": 1800,
    "load": 1800,
    "step": 600,
    "save": 1800,
    "evaluate": 1800,
    "export": 1800,
    "upload": 1800,  # without a byte that moved
    "done": 0,
}
"""Longest silence allowed in each phase; generous for 13 B on shared storage. 0: no limit, the rank
has finished."""


def limits(given: Mapping[str, float]) -> dict[str, float]:
    """LIMIT_SECONDS, some of them replaced (a run's `limit_seconds`). ValueError for an unknown
    phase."""
    if unknown := sorted(set(given) - set(LIMIT_SECONDS)):
        raise ValueError(
            f"limit_seconds names unknown phases {', '.join(unknown)}: known are {', '.join(LIMIT_SECONDS)}"
        )
    return {**LIMIT_SECONDS, **given}


class Heartbeat:
    """`heartbeats/rank-00000.json` of one rank; `given` as `limits` takes it."""

    def __init__(self, folder: Path, rank: int, given: Mapping[str, float] | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path, self.rank, self.limits = folder / f"rank-{rank:05d}.json", rank, limits(given or {})

    def beat(self, phase: str, step: int) -> None:
        """Replace the file; `phase` is a key of LIMIT_SECONDS."""
        value: dict[str, Any] = {
            "rank": self.rank,
            "pid": os.getpid(),
            "host": os.uname().nodename,
            "phase": phase,
            "step": step,
        }
        value |= {"time": time.time(), "limit_seconds": self.limits[phase]}
        write_whole(self.path, json.dumps(value), synced=False)


def heartbeats(folder: Path) -> list[dict[str, Any]]:
    """What each rank last said, in the order of ranks."""
    return [json.loads(p.read_text()) for p in sorted(folder.glob("rank-*.json"))]


def alive(folder: Path, now: float) -> list[dict[str, Any]]:
    """The ranks that have not finished and are within their limit: somebody may be writing here."""
    return [b for b in heartbeats(folder) if b["limit_seconds"] and now - b["time"] <= b["limit_seconds"]]
