"""`python -m benchmarks.gpu.shares`: two STEM shares of Stage-2 and two seeds, trained by
`model.train` as a run on a cluster is, and their losses by domain.

Belongs here: the arms on one GPU. Does not belong here: the experiment's text and cards
(experiments/two_stages), the folder that holds its shards (kit.py). The trainings of a stage run side
by side on the device. A dry run builds its own small text.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.gpu.common import GPU, line
from benchmarks.gpu.kit import TEXT, sample_corpus
from experiments.two_stages.config import TwoStages
from experiments.two_stages.trainings import Training, trainings, write_run
from model.plan.card import RunCard

CONFIG = Path(__file__).with_name("shares.yaml")
SHAPE = {
    "preset": "tiny",
    "model": {"hidden": 384, "num_heads": 6, "num_kv_heads": 6, "ffn": 1_024, "context": 512},
}
"""20 M parameters with a vocabulary of 8,192."""
DRY_SHAPE = {"preset": "debug", "model": {"num_layers": 1}, "deepspeed": {"bf16": {"enabled": False}}}
DRY_RUN = {
    "sequence_length": 32,
    "global_batch": 2,
    "micro_batch": 2,
    "steps": {"a": 2, "b": 1, "c": 2},
    "warmup_steps": 1,
    "validation_sequences": 2,
    "vocabulary": 2_000,
    "seeds": [1],
}


def start(out: Path, training: Training, paths: dict[str, str]) -> tuple[Training, Any]:
    """Start a training in a process of its own; its output goes to `log` in its folder."""
    card = RunCard.model_validate(training.card.model_dump() | (SHAPE if GPU else DRY_SHAPE))
    folder = write_run(out, replace(training, card=card), paths)
    command = [sys.executable, "-m", "model.train", "--run-dir", str(folder), "--stage", training.stage]
    with open(folder / "log", "w") as log:
        return training, subprocess.Popen(
            command, stdout=log, stderr=log, env=os.environ | {"OMP_NUM_THREADS": "1"}
        )


def finish(out: Path, started: list[tuple[Training, Any]]) -> None:
    """Wait for trainings. Raises RuntimeError with the last lines of a failed one."""
    for training, process in started:
        if process.wait():
            log = (out / "cells" / training.name / "log").read_text()[-1_500:]
            raise RuntimeError(f"{training.name} ended with {process.returncode}:\n{log}")


def losses(out: Path, training: Training) -> dict[str, float]:
    """Validation loss by domain at the end of a training, nats a token."""
    found: dict[str, float] = json.loads(training.record(out).read_text())["validation_loss"]
    return found


def run(out: Path, paths: dict[str, str], config: TwoStages) -> dict[str, Any]:
    """Train everything; changes from the end of Stage-1 by domain, arm and seed."""
    seeds = [trainings(config, seed) for seed in config.seeds]
    arms = [f"share-{int(100 * s):03d}" for s in config.shares]
    finish(out, [start(out, s["stage1"], paths) for s in seeds])
    before = [losses(out, s["stage1"]) for s in seeds]
    metrics: dict[str, Any] = {
        "stage1": {d: [round(b[d], 4) for b in before] for d in before[0]},
    }
    line("shares/stage1", metrics["stage1"])
    finish(out, [start(out, s[arm], paths) for s in seeds for arm in arms])
    for arm in arms:
        after = [losses(out, s[arm]) for s in seeds]
        metrics[arm] = {
            d: [round(a[d] - b[d], 4) for a, b in zip(after, before, strict=True)] for d in before[0]
        }
    print(f"{'domain':<24}{'Stage-1':>9}" + "".join(f"{arm:>12}" for arm in arms))
    for d in before[0]:
        changes = "".join(f"{statistics.mean(metrics[arm][d]):>+12.4f}" for arm in arms)
        print(f"{d:<24}{statistics.mean(metrics['stage1'][d]):>9.4f}{changes}")
    return metrics


def main() -> None:
    """One line with the losses."""
    config = TwoStages.load(CONFIG)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        if GPU:
            if not (TEXT / "paths.json").is_file():
                sentence = (
                    f"{TEXT} holds no shards: run `make gpu-kit CORPUS=FOLDER` where there is a network"
                )
                line("shares", {"skipped": sentence})
                return
            names: dict[str, str] = json.loads((TEXT / "paths.json").read_text())
            paths = {key: str((TEXT / name).resolve()) for key, name in names.items()}
        else:
            config = TwoStages.model_validate(config.model_dump() | DRY_RUN)
            paths = sample_corpus(out, config)
        line("shares", run(out, paths, config))


if __name__ == "__main__":
    main()
