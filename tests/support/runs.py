"""Run files of small runs, for tests that train or read one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from model.plan.build import build_plan
from model.plan.card import RunCard, RunSettings
from model.plan.phases import Phase, Schedule
from model.plan.plan import Plan
from model.plan.run_file import RunFile, ShardAddresses


def small_plan(steps: int = 2) -> Plan:
    """A plan of one phase over one source, for what reads a run file and no tokens."""
    phase = Phase(name="a", stage="stage1", tokens=steps * 128, schedule=Schedule(peak=1e-3))
    card = RunCard(name="r", release="x", sequence_length=16, global_batch=8, phases=(phase,))
    return build_plan(card, {"main": {"sources": {"en-webpages": {"tokens": 90_000}}, "tokenizer_hash": "t"}})


def run_file(
    plan: Plan | None = None, shards: Mapping[str, str | Path] | None = None, **changes: Any
) -> RunFile:
    """A run file over shard folders by corpus. `changes` are its own keys, or those of its
    settings."""
    addresses = dict.fromkeys(("main", "stem", "validation"), "nowhere")
    settings = {n: changes.pop(n) for n in list(changes) if n in RunSettings.model_fields}
    values: dict[str, Any] = {
        "run": "r",
        "release": "r",
        "plan": plan or small_plan(),
        "model": "debug",
        "settings": RunSettings(**settings),
        "shards": ShardAddresses(**addresses | {n: str(p) for n, p in (shards or {}).items()}),
    }
    return RunFile(**values | changes)
