"""The experiment's trainings: which there are, and training one.

Belongs here: the arms as run cards, and a run folder for each. Does not belong here: the loop
(model/train.py), what the losses say (compare.py).

Every seed trains Stage-1 once. From its last checkpoint go the arms of Stage-2: constant STEM
shares, and the paper's ramp from 10 to 40 % (mean 20 %). A further arm, `one-stage`, reads the
tokens of the ramp's whole run in one stage: the learning rates are equal, its STEM is spread evenly
over all steps."""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments.two_stages.config import STAGES, TwoStages
from model.network.config import vocabulary
from model.plan.build import build_plan
from model.plan.card import RunCard
from model.plan.mixture import StemShare
from model.plan.phases import STEM_RAMP, Phase, Schedule
from model.plan.run_file import RunFile, ShardAddresses

FORK = multiprocessing.get_context("fork")
RELEASE = "two-stages"
"""The name that the plans give to the experiment's shards."""


@dataclass(frozen=True)
class Training:
    """One training of one seed: its card, the stage to train, and whether it goes on from the
    seed's Stage-1."""

    seed: int
    arm: str
    card: RunCard
    stage: str
    forks: bool = False

    @property
    def name(self) -> str:
        """Its folder: `seed1-ramp`."""
        return f"seed{self.seed}-{self.arm}"

    def record(self, out: Path) -> Path:
        """Where its record stands once it is finished."""
        return out / "cells" / self.name / "export" / self.stage / "stage.json"


def trainings(config: TwoStages, seed: int) -> dict[str, Training]:
    """The trainings of a seed by arm, Stage-1 first."""
    first = {p: s for p, s in STAGES.items() if s == "stage1"}
    found = {"stage1": Training(seed, "stage1", card(config, "stage1", seed, {}, first), "stage1")}
    arms = {f"share-{int(100 * s):03d}": StemShare(start=s, end=s) for s in config.shares}
    for arm, share in {**arms, "ramp": STEM_RAMP}.items():
        found[arm] = Training(seed, arm, card(config, arm, seed, {"c": share}, STAGES), "stage2", forks=True)
    mean = 0.2 * config.steps["c"] / sum(config.steps.values())  # the ramp's STEM over all steps
    even = dict.fromkeys(config.steps, StemShare(start=mean, end=mean))
    whole = card(config, "one-stage", seed, even, dict.fromkeys(STAGES, "stage1"))
    return {**found, "one-stage": Training(seed, "one-stage", whole, "stage1")}


def card(
    config: TwoStages, name: str, seed: int, stem: dict[str, StemShare], stages: dict[str, str]
) -> RunCard:
    """A run of the phases of `stages`, with the STEM share of each (none unless given)."""
    per_step = config.tokens_per_step
    schedules = {
        "a": Schedule(
            kind="cosine",
            peak=config.peak,
            final=config.final,
            warmup_tokens=config.warmup_steps * per_step,
        ),
        "b": Schedule(peak=config.final),
        "c": Schedule(peak=config.final),
    }
    phases = tuple(
        Phase.model_validate(
            {
                "name": phase,
                "stage": stage,
                "tokens": config.steps[phase] * per_step,
                "schedule": schedules[phase],
                "stem": stem.get(phase, StemShare()),
            }
        )
        for phase, stage in stages.items()
    )
    return RunCard(
        name=name,
        release=RELEASE,
        sequence_length=config.sequence_length,
        global_batch=config.global_batch,
        micro_batch=config.micro_batch,
        seed=seed,
        checkpoint_every=config.checkpoint_every,
        validate_every=config.validate_every,
        validation_sequences=config.validation_sequences,
        keep_last=1,
        phases=phases,
    )


def listings(paths: dict[str, str]) -> dict[str, Any]:
    """The listings of the main and STEM shards."""
    return {n: json.loads((Path(paths[f"{n}_shards"]) / "shards.json").read_text()) for n in ("main", "stem")}


def train(out: Path, training: Training, paths: dict[str, str]) -> None:
    """Train unless it was finished; what is unfinished goes on from its last checkpoint. Ends this
    process with a sentence where the training fails."""
    if training.record(out).exists():
        return
    folder = write_run(out, training, paths)
    started = time.monotonic()
    run = FORK.Process(target=_train_here, args=(folder, training.stage))
    run.start()
    run.join()
    if run.exitcode:
        sys.exit(
            f"{training.name} ended with {run.exitcode}: see {folder / 'log'};"
            " the next start goes on from its last checkpoint"
        )
    print(f"{training.name}: {time.monotonic() - started:.0f} s", flush=True)


def write_run(out: Path, training: Training, paths: dict[str, str]) -> Path:
    """The folder of a training, with its run.json: what `model.train` starts from."""
    folder = out / "cells" / training.name
    folder.mkdir(parents=True, exist_ok=True)
    checkpoints = out / "cells" / f"seed{training.seed}-stage1" / "checkpoints"
    shape = training.card.config(vocabulary(Path(paths["tokenizer"])))
    RunFile(
        run=training.name,
        release=RELEASE,
        plan=build_plan(training.card, listings(paths)),
        model=shape.to_json(),
        settings=training.card.settings,
        shards=ShardAddresses(
            main=paths["main_shards"], stem=paths["stem_shards"], validation=paths["validation_shards"]
        ),
        tokenizer=paths["tokenizer"],
        fork=str(checkpoints / (checkpoints / "latest").read_text()) if training.forks else "",
    ).write(folder)
    return folder


def _train_here(folder: Path, stage: str) -> None:
    """In a forked child, so that torch and DeepSpeed are imported once for all trainings: one rank,
    one thread."""
    with open(folder / "log", "a") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    import torch

    from model.train import main

    torch.set_num_threads(1)
    main(["--run-dir", str(folder), "--stage", stage])
