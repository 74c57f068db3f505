"""Cards, plans and run files of small runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from model.plan.build import build_plan
from model.plan.card import RunCard, RunSettings
from model.plan.phases import Phase, Schedule
from model.plan.plan import Plan
from model.plan.run_file import RunFile, ShardAddresses
from pipelines.lake import Lake, Writer


def listings(main: dict[str, int], stem: dict[str, int] | None = None) -> dict[str, Any]:
    """Listings of shard sets of so many tokens by source."""
    return {
        "main": {"sources": {n: {"tokens": t} for n, t in main.items()}, "tokenizer_hash": "t"},
        "stem": {"sources": {n: {"tokens": t} for n, t in (stem or {}).items()}, "tokenizer_hash": "t"},
    }


def card(*phases: Phase, **values: Any) -> RunCard:
    """A card of these phases, with batches of 8 x 16 tokens."""
    return RunCard(
        **{"name": "r", "release": "x", "sequence_length": 16, "global_batch": 8, "phases": phases} | values
    )


def phase(steps: int, name: str = "a", **values: Any) -> Phase:
    """A phase of so many steps of those batches."""
    return Phase(
        **{"name": name, "stage": "stage1", "tokens": steps * 128, "schedule": Schedule(peak=1e-3)} | values
    )


def small_plan(steps: int = 2) -> Plan:
    """A plan of one phase over one source, for what reads a run file and no tokens."""
    return build_plan(card(phase(steps)), listings({"en-webpages": 90_000}))


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


def publish_folder(lake: Lake, asset: str, partition: str, folder: Path) -> None:
    """A dataset of a folder's files."""

    def write(writer: Writer) -> None:
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            writer.add_file(str(path.relative_to(folder)), path)

    lake.publish(asset, partition, version=1, parameters={"asset": asset}, write=write)
