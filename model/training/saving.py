"""Saving a stage under training, going on from a checkpoint, and going back to one.

Belongs here: which checkpoint a start takes, what is saved beside the engine's states, and what is
compared after a load. Does not belong here: the files of a checkpoint (checkpoints/), when the run
is saved (train.py), what a spike is (spikes.py).

All methods that take the engine are called by every rank.
"""

from __future__ import annotations

import hashlib
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from model.checkpoints import retention
from model.checkpoints.manifest import (
    CheckpointError,
    finished_checkpoints,
    latest_checkpoint,
    read_manifest,
    sha256,
)
from model.checkpoints.recovery import recover_latest, refuse_lost_history
from model.checkpoints.store import CheckpointStore, restore
from model.checkpoints.uploads import Uploads
from model.checkpoints.verify import refuse_differences, verify_on_all_ranks
from model.checkpoints.world_size import drop_universal, to_universal
from model.checkpoints.write import environment, moment_sums, save_checkpoint
from model.data.loader import Loader
from model.network.config import ModelConfig
from model.plan.run_file import RunFile
from model.run.heartbeat import Heartbeat
from model.run.logs import sync_logs
from model.run.messages import Reporter
from model.training import distributed
from model.training.engine import TrainingEngine
from model.training.spikes import Skip, Skips, Spikes
from model.training.strategy import Strategy


@dataclass
class Position:
    """Where a run is: what a checkpoint restores beside the engine's states."""

    step: int
    """Steps done, over the whole run."""
    spikes: Spikes
    skipped: int = 0
    """Updates that were left out because a gradient was not finite."""
    parent: str | None = None
    """Tag of the checkpoint that was loaded or saved last."""
    saved: int = -1
    """Its step; -1 before there is one."""


@dataclass(frozen=True)
class ResumePoint:
    """A verified checkpoint to go on from."""

    path: Path
    tag: str
    """The folder's name, or that of its conversion for this number of ranks."""
    record: dict[str, Any]
    """Its manifest."""

    @property
    def converted(self) -> bool:
        """Whether another number of ranks saved it."""
        return self.tag != self.path.name


class Saving:
    """The checkpoints of one stage of a run, as this rank sees them."""

    def __init__(
        self,
        folder: Path,
        stage: str,
        run: RunFile,
        config: ModelConfig,
        strategy: Strategy,
        loader: Loader,
        store: CheckpointStore | None,
        uploads: Uploads,
        heartbeat: Heartbeat,
        report: Reporter,
    ) -> None:
        self.folder, self.stage, self.run, self.plan, self.config = folder, stage, run, run.plan, config
        self.loader, self.store, self.uploads = loader, store, uploads
        self.heartbeat, self.report = heartbeat, report
        self.checkpoints = folder / "checkpoints"
        self.first_step, self.end_step = self.plan.stage_steps(stage)
        self.position = Position(self.first_step, Spikes(run.settings.spikes))
        self.skips = Skips(folder)
        self.identity = {
            "model": config.to_json(),
            "tokenizer": sha256(run.tokenizer_file) if run.tokenizer_file else "",
            "strategy": strategy.identity,
        }
        # The whole plan: a fork may have another, and then other samples ahead.
        self.future = self.plan.fingerprint(self.plan.steps)

    def find(self) -> ResumePoint | None:
        """The checkpoint to go on from: the newest here or in the store, else the fork's; None for
        a run that begins. Every rank calls it. CheckpointError where the folder tells of a history
        whose checkpoints are not there."""
        recover_latest(self.checkpoints)
        if self.store is not None and restore(self.store, self.folder, self.end_step) >= 0:
            self.skips = Skips(self.folder)
        self.uploads.add_missing()
        path = latest_checkpoint(self.checkpoints)
        if path is None and self.run.fork:
            # The first start of a run that goes on from another run's checkpoint; from its first
            # own save on it is a run like any.
            path = Path(self.run.fork)
        if path is None or path.parent != self.checkpoints:
            start = self.first_step if path is None else int(read_manifest(path)["step"])
            refuse_lost_history(self.folder, start, self.run.settings.checkpoint_every)
        if path is None:
            if self.stage == "stage2" and self.first_step > 0:
                raise CheckpointError(
                    f"{self.checkpoints} is empty: stage2 goes on from stage1's last checkpoint, train"
                    f" stage1 first"
                )
            return None
        self.heartbeat.beat("load", self.position.step)
        record = verify_on_all_ranks(path)
        refuse_differences(path, record, self.identity | {"plan": self.plan.fingerprint(record["step"])})
        if path.parent != self.checkpoints and distributed.rank() == 0:
            (path / "pinned").touch()  # an ancestor: its own run's retention leaves it
        if record["world_size"] == distributed.world_size():
            return ResumePoint(path, path.name, record)
        if distributed.rank() == 0:
            to_universal(path)
        distributed.barrier()
        return ResumePoint(path, f"{path.name}_universal", record)

    def load(self, engine: TrainingEngine, found: ResumePoint) -> None:
        """Load all states and compare them with what the manifest says was saved. CheckpointError
        names what differs."""
        record, at = found.record, self.position
        engine.load(found.path.parent, found.tag)
        at.step, at.skipped, at.parent = int(record["step"]), int(record["skipped"]), record["tag"]
        at.spikes, at.saved = Spikes(at.spikes.policy, record["spikes"]), at.step
        if not self.first_step <= at.step <= self.end_step:
            raise CheckpointError(
                f"{found.tag} is at step {at.step}, {self.stage} covers {self.first_step} to"
                f" {self.end_step}: "
                "train the other stage, or roll back"
            )
        if wrong := self._differences(engine, record):
            raise CheckpointError(
                f"{found.path.parent / found.tag} did not load as it was saved: {'; '.join(wrong)}"
            )
        if found.converted:
            distributed.barrier()
            if distributed.rank() == 0:
                drop_universal(found.path)

    def _differences(self, engine: TrainingEngine, record: dict[str, Any]) -> list[str]:
        """What is not as the manifest says: bit for bit where nothing else has changed, else within
        1e-3."""
        exact = record["world_size"] == distributed.world_size() and record["environment"] == environment()
        tolerance = 0.0 if exact else 1e-3
        probe, moments = self.probe_loss(engine), moment_sums(engine)
        wrong = []
        if not math.isclose(probe, record["probe_loss"], rel_tol=tolerance):
            wrong.append(f"probe loss {record['probe_loss']} there, {probe} here")
        if not np.allclose(moments, record["moments"], rtol=tolerance, atol=tolerance):
            wrong.append(f"moment sums and optimizer step {record['moments']} there, {moments} here")
        if record["future"] == self.future and record["next_samples"] != self.next_samples():
            wrong.append("the next batch holds other samples")
        return wrong

    def probe_loss(self, engine: TrainingEngine) -> float:
        """Mean loss of a fixed sequence of tokens, as the last rank has it: equal before a save and
        after the load."""
        ids = torch.arange(65, device=engine.inner.device)[None] * 2_654_435_761 % self.config.vocab_size
        rows = engine.evaluate([(ids[:, :-1], ids[:, 1:], None)])
        return float(distributed.gather_rows([float(rows[0]) / 64])[-1, 0])

    def next_samples(self) -> str:
        """Hash of the sample ids of the next step's whole batch; empty after the run's last
        step."""
        step = self.position.step
        if step >= self.plan.steps:
            return ""
        return hashlib.sha256(repr(list(self.loader.sample_ids(step))).encode()).hexdigest()

    def save(self, engine: TrainingEngine) -> None:
        """Save at the current step, let retention delete, and hand the checkpoint to the
        uploads."""
        at, settings = self.position, self.run.settings
        self.heartbeat.beat("save", at.step)
        started = time.monotonic()
        record = {
            **self.identity,
            "plan": self.plan.fingerprint(at.step),
            "step": at.step,
            "stage": self.stage,
            "phase": self.plan.phase_at(at.step - 1).name,
            "stage_end": at.step == self.end_step,
            "tokens": at.step * self.plan.tokens_per_step,
            "reads": self.plan.source_counts(at.step),
            "skipped": at.skipped,
            "spikes": at.spikes.state,
            "parent": at.parent,
            "world_size": distributed.world_size(),
            "probe_loss": self.probe_loss(engine),
            "moments": moment_sums(engine),
            "next_samples": self.next_samples(),
            "future": self.future,
        }
        if distributed.rank() == 0:
            sync_logs(self.folder / "logs")
        path = save_checkpoint(engine.inner, self.checkpoints, f"step-{at.step:08d}", record)
        at.parent, at.saved = path.name, at.step
        if distributed.rank() == 0:
            self.uploads.add(path.name)
            retention.retain(self.checkpoints, settings.keep_last, settings.keep_every, self.uploads.held)
            self.report.event("checkpoint", step=at.step, path=str(path), seconds=time.monotonic() - started)
        distributed.barrier()

    def go_back(self, engine: TrainingEngine) -> bool:
        """After too many spikes: to the last checkpoint before the first, leaving out the samples
        since. False without a checkpoint."""
        at, policy = self.position, self.run.settings.spikes
        first = at.spikes.steps[0] - 1
        good = [p for p in finished_checkpoints(self.checkpoints) if read_manifest(p)["step"] <= first]
        if not good:
            return False
        if len(self.skips.ranges) >= policy.budget:
            # Named as a refusal, since a retry would meet these losses again.
            raise CheckpointError(
                f"{self.folder} returned from loss spikes {policy.budget} times and meets them again at"
                f" step {at.step}: "
                "lower the learning rate, or look at the samples of the ranges in skips.json"
            )
        skip = Skip(first, at.step, good[-1].name)
        distributed.barrier()
        self.skips.add(skip, write=distributed.rank() == 0)
        if distributed.rank() == 0:
            retention.rollback(self.checkpoints, skip.checkpoint)
            self.uploads.abandon(int(read_manifest(good[-1])["step"]))
        self.report.event(
            "returned",
            step=at.step,
            checkpoint=skip.checkpoint,
            skipped_from=skip.first,
            skipped_to=skip.end,
        )
        distributed.barrier()
        self.heartbeat.beat("load", at.step)
        self.load(engine, ResumePoint(good[-1], skip.checkpoint, verify_on_all_ranks(good[-1])))
        return True
