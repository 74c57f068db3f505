"""A small training run for tests: its shards, its folder, ranks to train it, what it has logged."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.shards.format import FORMAT, PROVENANCE, ShardFile, pack_files, table_path
from tests.support.ranks import Ranks
from tests.support.runs import run_file

VOCABULARY = 97
MODEL = {"num_layers": 2, "hidden": 32, "num_heads": 2, "ffn": 48, "vocab_size": VOCABULARY, "context": 64}


@pytest.fixture(scope="session")
def ranks() -> Iterator[Ranks]:
    """Forks ranks of model.train."""
    server = Ranks()
    yield server
    server.close()


def write_learnable_shards(
    folder: Path, sources: dict[str, int], seed: int, tokenizer_hash: str = "t"
) -> dict[str, Any]:
    """A shard set of random documents that a model can learn (each token follows from the last,
    with noise)."""
    rng = np.random.default_rng(seed)
    entries = {}
    for name, tokens in sources.items():
        (folder / name).mkdir(parents=True)
        steps = rng.integers(1, 4, tokens)
        data = (3 + np.cumsum(steps) % (VOCABULARY - 3)).astype("<u2")
        ends = np.unique(np.append(np.arange(37, tokens, 37), tokens)).astype("<i8")
        data[ends - 1] = 2
        paths = {"bin": f"{name}/00000.bin", "idx": f"{name}/00000.idx", "prov": f"{name}/00000.prov.parquet"}
        data.tofile(folder / paths["bin"])
        ends.tofile(folder / paths["idx"])
        rows = [
            {"doc_id": i.to_bytes(16, "big"), "url": f"u{i}", "dump": "d", "file": "f", "offset": i}
            for i in range(len(ends))
        ]
        pq.write_table(pa.Table.from_pylist(rows, schema=PROVENANCE), folder / paths["prov"])
        hashes = {k: hashlib.sha256((folder / p).read_bytes()).hexdigest() for k, p in paths.items()}
        file = ShardFile(*paths.values(), tokens, len(ends), 4 * tokens, *hashes.values())
        entries[name], table = pack_files([file])
        (folder / table_path(name)).write_bytes(table)
    listing = {"format": FORMAT, "tokenizer_hash": tokenizer_hash, "sources": entries}
    (folder / "shards.json").write_text(json.dumps(listing))
    return listing


@pytest.fixture(scope="session")
def shards(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders of main, stem and validation shards."""
    root = tmp_path_factory.mktemp("shards")
    write_learnable_shards(root / "main", {"en-webpages": 6_000, "zh-webpages": 6_000}, 1)
    write_learnable_shards(root / "stem", {"en-stem": 4_000}, 2)
    write_learnable_shards(root / "validation", {"web-en": 700, "web-zh": 300}, 3)
    return {n: root / n for n in ("main", "stem", "validation")}


@pytest.fixture(scope="session")
def make_run(tmp_path_factory: pytest.TempPathFactory, shards: dict[str, Path]) -> Any:
    """Writes a run folder: 4 + 2 steps of Stage-1 and 2 of Stage-2, batches of 8 x 32 tokens."""
    from model.plan.build import build_plan
    from model.plan.card import RunCard
    from model.plan.mixture import StemShare
    from model.plan.phases import Phase, Schedule

    per_step = 8 * 32

    def make(name: str = "run", phase_steps: tuple[int, int, int] = (4, 2, 2), **changes: Any) -> Path:
        card = RunCard(
            name="test",
            release="r",
            sequence_length=32,
            global_batch=8,
            micro_batch=2,
            phases=(
                Phase(
                    name="a",
                    stage="stage1",
                    tokens=phase_steps[0] * per_step,
                    schedule=Schedule(kind="cosine", peak=1e-2, final=1e-3, warmup_tokens=per_step),
                ),
                Phase(
                    name="b", stage="stage1", tokens=phase_steps[1] * per_step, schedule=Schedule(peak=1e-3)
                ),
                Phase(
                    name="c",
                    stage="stage2",
                    tokens=phase_steps[2] * per_step,
                    schedule=Schedule(peak=1e-3),
                    stem=StemShare(kind="quadratic", start=0.1, end=0.4),
                ),
            ),
        )
        listings = {n: json.loads((shards[n] / "shards.json").read_text()) for n in ("main", "stem")}
        folder = tmp_path_factory.mktemp(name)
        settings = {"micro_batch": 2, "seed": 1, "checkpoint_every": 3, "validate_every": 3}
        run_file(build_plan(card, listings), shards, **{"model": MODEL} | settings | changes).write(folder)
        return folder

    return make


def steps(folder: Path) -> list[dict[str, Any]]:
    """The records of a run's steps."""
    return [json.loads(line) for line in (folder / "logs" / "steps.jsonl").read_text().splitlines()]


def losses(folder: Path) -> list[float]:
    """The loss of every step."""
    return [r["loss"] for r in steps(folder)]


def weights(folder: Path, stage: str = "stage1") -> str:
    """The hash of the weights that a stage has exported."""
    return str(json.loads((folder / "export" / stage / "stage.json").read_text())["weights_hash"])


def explain(folder: Path) -> str:
    """The end of every rank's output, for a failed assertion."""
    return "".join(p.read_text()[-1500:] for p in sorted(folder.glob("rank*.log")))
