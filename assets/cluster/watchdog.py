"""The watchdog: which ranks of a job have been silent for too long.

Belongs here: comparing heartbeats with their limits. Does not belong here: writing heartbeats
(model/run/heartbeat.py), fetching them and ending a job that hangs (waiting.py).
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

START_SECONDS = 900.0
"""From launch to the first heartbeat: imports on shared storage, and the queue of a job step."""


class Watchdog:
    """Compares heartbeats (model/run/heartbeat.py) with the limit of their phase, by this process's
    clock alone.

    `limits` are seconds by phase; they replace the limit that the heartbeat itself carries.
    """

    def __init__(self, limits: Mapping[str, float]) -> None:
        self.limits = dict(limits)
        self.started = time.monotonic()
        self.seen: dict[int, tuple[dict[str, Any], float]] = {}

    def silent(self, heartbeats: list[dict[str, Any]], now: float | None = None) -> list[str]:
        """A sentence for every rank that has been silent for too long, the longest first."""
        now = time.monotonic() if now is None else now
        for beat in heartbeats:
            if beat["rank"] not in self.seen or self.seen[beat["rank"]][0] != beat:
                self.seen[beat["rank"]] = (beat, now)
        if not self.seen:
            limit, waited = self.limits.get("start", START_SECONDS), now - self.started
            late = f"no rank gave a sign of life within {waited:.0f} s (limit {limit:.0f})"
            return [late] if waited > limit else []
        found = []
        for beat, since in self.seen.values():
            age, limit = now - since, self.limits.get(beat["phase"], beat["limit_seconds"])
            if limit and age > limit:
                where = f"rank {beat['rank']} on {beat['host']} has been silent for {age:.0f} s"
                what = f"in phase {beat['phase']} of step {beat['step']} (limit {limit:.0f})"
                found.append((age, f"{where} {what}"))
        return [sentence for _, sentence in sorted(found, key=lambda x: -x[0])]


def parse_heartbeats(text: str) -> list[dict[str, Any]]:
    """One JSON object a line; a torn line is left out."""
    beats = []
    for line in text.split("\n"):
        try:
            beats.append(json.loads(line))
        except ValueError:
            continue
    return beats
