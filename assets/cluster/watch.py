"""Watching a job: ranks that have fallen silent, and which signal has interrupted the watcher.

Belongs here: what is observed while a job runs. Does not belong here: what follows from it
(client.py).
"""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

START_SECONDS = 900.0
"""From launch to the first heartbeat: imports on shared storage, and the queue of a job step."""


class Silence:
    """Compares heartbeats (model/run/heartbeat.py) with the limit of their phase, by this
    process's clock alone.

    `limits` lower or raise a phase's own limit.
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
            return (
                [f"no rank gave a sign of life within {waited:.0f} s (limit {limit:.0f})"]
                if waited > limit
                else []
            )
        late = []
        for beat, since in self.seen.values():
            age, limit = now - since, self.limits.get(beat["phase"], beat["limit_seconds"])
            if limit and age > limit:
                where = f"rank {beat['rank']} on {beat['host']} has been silent for {age:.0f} s"
                late.append(
                    (age, f"{where} in phase {beat['phase']} of step {beat['step']} (limit {limit:.0f})")
                )
        return [sentence for _, sentence in sorted(late, key=lambda x: -x[0])]


def parse_heartbeats(text: str) -> list[dict[str, Any]]:
    """One JSON object a line; a torn line is left out."""
    beats = []
    for line in text.splitlines():
        try:
            beats.append(json.loads(line))
        except ValueError:
            continue
    return beats


@contextmanager
def noted_signals() -> Iterator[list[int]]:
    """The SIGINT and SIGTERM that arrive meanwhile, in order; what was to happen on them still
    happens.

    Dagster turns both into one exception, but a Ctrl-C is meant for the training and a bare SIGTERM
    is not.
    """
    noted: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield noted
        return
    before = {s: signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)}

    def note(number: int, frame: Any) -> None:
        noted.append(number)
        before[signal.Signals(number)](number, frame)  # type: ignore[operator,misc]

    for number, handler in before.items():
        if callable(handler):
            signal.signal(number, note)
    try:
        yield noted
    finally:
        for number, handler in before.items():
            if callable(handler):
                signal.signal(number, handler)
