"""Training: `python -m model.train --run-dir DIR --stage stage1|stage2`, under a launcher or alone.

Belongs here: the loop, readable end to end. Does not belong here: the network (architecture.py),
what is read when (plan.py, data/), how states are kept (checkpoints/), what is told to whom
(callbacks/).

`DIR/run.json` says everything; a second start goes on from the last checkpoint; `DIR/stop` asks all
ranks to save at the same step and leave with exit code 0.
"""

from __future__ import annotations

import argparse
import hashlib
import math
import os
import time
from pathlib import Path
from typing import Any

import numpy as np

from model.checkpoints import retention
from model.checkpoints.manifest import (
    CheckpointError,
    finished_checkpoints,
    latest_checkpoint,
    read_manifest,
    sha256,
)
from model.checkpoints.store import CheckpointStore, restore
from model.checkpoints.uploads import Uploads
from model.checkpoints.verify import refuse_differences, verify_on_all_ranks
from model.checkpoints.world_size import drop_universal, to_universal
from model.checkpoints.write import environment, moment_sums, save_checkpoint
from model.data.loader import Loader
from model.plan.phases import STAGES
from model.plan.run_file import RunFile
from model.run.control import STOP, SUPERSEDED, Orders, Superseded
from model.run.heartbeat import Heartbeat
from model.run.logs import JsonLines, TensorBoard
from model.run.messages import Reporter, reporter
from model.training import distributed, preflight
from model.training.norms import KINDS, Norms
from model.training.spikes import Skip, Skips, Spikes
from model.training.strategy import Strategy
from model.training.validation import Validation

BETAS, EPSILON, WEIGHT_DECAY, CLIP = (0.9, 0.95), 1e-8, 0.1, 1.0
"""AdamW and clipping of paper 3.6; epsilon of its ablation (Table 9)."""
STOPPED, DONE = "stopped", "done"
STOP_UPLOAD_SECONDS = 30.0
"""That a stopping job waits for its last checkpoint's upload: well below any grace period
(deploy/cluster.example.yaml)."""


class Trainer:
    """One stage of one run on this rank."""

    def __init__(self, folder: Path, stage: str, report: Reporter, orders: Orders) -> None:
        self.folder, self.stage, self.report, self.orders = folder, stage, report, orders
        self.run = RunFile.load(folder)
        self.settings, self.plan = self.run.settings, self.run.plan
        self.first_step, self.end_step = self.plan.stage_steps(stage)
        self.heart = Heartbeat(folder / "heartbeats", distributed.rank(), self.settings.limit_seconds)
        self.heart.beat("start", self.first_step)
        self.tokenizer, self.config = self.run.tokenizer_file, self.run.shape
        self.micro_batch = self.settings.micro_batch
        self.strategy = Strategy.parse(
            self.settings.deepspeed, self.plan.global_batch, self.micro_batch, distributed.world_size()
        )
        data_rank, data_ranks = self.strategy.data_rank(distributed.rank()), self.strategy.data_ranks
        self.loader = Loader(self.plan, self.run.shards.by_corpus(), data_rank, data_ranks, self.micro_batch)
        self.sources = [s.name for s in self.plan.sources]
        self.identity = {
            "model": self.config.to_json(),
            "tokenizer": sha256(self.tokenizer) if self.tokenizer else "",
            "strategy": self.strategy.identity,
        }
        # The whole plan: a fork may have another, and then other samples ahead.
        self.future = self.plan.fingerprint(self.plan.steps)
        self.checkpoints = folder / "checkpoints"
        self.store = CheckpointStore(root) if (root := self.run.checkpoint_store) else None
        self.keep_last, self.keep_every = self.settings.keep_last, self.settings.keep_every
        self.uploads = Uploads(
            self.store if distributed.rank() == 0 else None,
            self.checkpoints,
            self.keep_last,
            self.keep_every,
            orders.superseded,
        )
        self.policy = self.settings.spikes
        self.spikes, self.skips = Spikes(self.policy), Skips(folder)
        self.step = self.first_step
        self.skipped = 0
        self.listeners: list[Any] = []

    def start(self) -> None:
        """Verify this rank's share of the shards, build the engine and load the last checkpoint, if
        there is one."""
        self.heart.beat("load", self.step)
        self.loader.verify(distributed.rank(), distributed.world_size())
        if self.store is not None and restore(self.store, self.folder, self.end_step) >= 0:
            self.skips = Skips(self.folder)
        self.uploads.add_missing()
        found = latest_checkpoint(self.checkpoints)
        if found is None and self.run.fork:
            # The first start of a run that goes on from another run's checkpoint; from its first
            # own save on it is a run like any.
            found = Path(self.run.fork)
        if found is None and self.stage == "stage2" and self.first_step > 0:
            raise CheckpointError(
                f"{self.checkpoints} is empty: stage2 goes on from stage1's last checkpoint, train stage1 first"
            )
        tag, record = None, None
        if found is not None:
            self.heart.beat("load", self.step)
            record = verify_on_all_ranks(found)
            refuse_differences(found, record, self.identity | {"plan": self.plan.fingerprint(record["step"])})
            tag = found.name
            if found.parent != self.checkpoints and distributed.rank() == 0:
                (found / "pinned").touch()  # an ancestor: its own run's retention leaves it
            if record["world_size"] != distributed.world_size():
                if distributed.rank() == 0:
                    to_universal(found)
                distributed.barrier()
                tag = f"{found.name}_universal"
        self.engine = self.strategy.build(
            self.config,
            self.settings.seed,
            BETAS,
            EPSILON,
            WEIGHT_DECAY,
            CLIP,
            universal=bool(tag and tag.endswith("_universal")),
        )
        self.norms = Norms(self.engine, self.config.num_layers)
        self.parent: str | None = None
        if record is not None and tag is not None:
            assert found is not None
            self._load(found.parent, tag, record)
            if tag != found.name:
                distributed.barrier()
                if distributed.rank() == 0:
                    drop_universal(found)

    def _load(self, folder: Path, tag: str, record: dict[str, Any]) -> None:
        """Load all states and compare them with what the manifest says was saved."""
        self.engine.load(folder, tag)
        self.step, self.skipped, self.parent = int(record["step"]), int(record["skipped"]), record["tag"]
        self.spikes = Spikes(self.policy, record["spikes"])
        if self.step < self.first_step or (self.step > self.end_step):
            raise CheckpointError(
                f"{tag} is at step {self.step}, {self.stage} covers {self.first_step} to {self.end_step}: "
                "train the other stage, or roll back"
            )
        same = record["world_size"] == distributed.world_size() and record["environment"] == environment()
        probe, moments = self.probe_loss(), moment_sums(self.engine)
        wrong = []
        if (
            (probe != record["probe_loss"])
            if same
            else not math.isclose(probe, record["probe_loss"], rel_tol=1e-3)
        ):
            wrong.append(f"probe loss {record['probe_loss']} there, {probe} here")
        if not np.allclose(moments, record["moments"], rtol=0 if same else 1e-3, atol=0 if same else 1e-3):
            wrong.append(f"moment sums and optimizer step {record['moments']} there, {moments} here")
        if record["future"] == self.future and record["next_samples"] != self.next_samples():
            wrong.append("the next batch holds other samples")
        if wrong:
            raise CheckpointError(f"{folder / tag} did not load as it was saved: {'; '.join(wrong)}")

    def probe_loss(self) -> float:
        """Mean loss of a fixed sequence of tokens, as the last rank has it: equal before a save and
        after the load."""
        import torch

        ids = torch.arange(65, device=self.engine.inner.device)[None] * 2_654_435_761 % self.config.vocab_size
        rows = self.engine.evaluate([(ids[:, :-1], ids[:, 1:], None)])
        return float(distributed.gather_rows([float(rows[0]) / 64])[-1, 0])

    def next_samples(self) -> str:
        """Hash of the sample ids of the next step's whole batch; empty after the run's last
        step."""
        if self.step >= self.plan.steps:
            return ""
        return hashlib.sha256(repr(list(self.loader.sample_ids(self.step))).encode()).hexdigest()

    def save(self) -> None:
        """Save at the current step."""
        self.heart.beat("save", self.step)
        started = time.monotonic()
        record = {
            **self.identity,
            "plan": self.plan.fingerprint(self.step),
            "step": self.step,
            "stage": self.stage,
            "phase": self.plan.phase_at(self.step - 1).name,
            "stage_end": self.step == self.end_step,
            "tokens": self.step * self.plan.tokens_per_step,
            "reads": self.plan.source_counts(self.step),
            "skipped": self.skipped,
            "spikes": self.spikes.state,
            "parent": self.parent,
            "world_size": distributed.world_size(),
            "probe_loss": self.probe_loss(),
            "moments": moment_sums(self.engine),
            "next_samples": self.next_samples(),
            "future": self.future,
        }
        path = save_checkpoint(self.engine.inner, self.checkpoints, f"step-{self.step:08d}", record)
        self.parent, self.saved = path.name, self.step
        if distributed.rank() == 0:
            self.uploads.add(path.name)
            retention.retain(self.checkpoints, self.keep_last, self.keep_every, self.uploads.held)
            self.report.event(
                "checkpoint", step=self.step, path=str(path), seconds=time.monotonic() - started
            )
        distributed.barrier()

    def train_step(self) -> dict[str, Any]:
        """Forward, backward and update on the next global batch; the step's record, equal on every
        rank."""
        import torch

        started = time.monotonic()
        phase, rate = self.plan.phase_at(self.step), self.plan.lr_at(self.step)
        self.engine.set_rate(rate)
        self.norms.reset()
        if self.config.dropout:
            # A pure function of the step, so that a resumed run drops the same activations.
            torch.manual_seed(
                self.settings.seed * 1_000_003 + self.step * distributed.world_size() + distributed.rank()
            )
        loaded = self.loader.batch(self.step)
        data_wait = time.monotonic() - started
        num_targets = self.plan.global_batch * self.plan.sequence_length
        # DeepSpeed averages over data ranks and over micro batches; the loss is a sum over targets
        # divided by the step's count.
        scale = self.strategy.data_ranks * len(loaded) / num_targets
        rows = self.engine.train_batch([self.tensors(*b) for b in loaded], scale)
        sums = torch.zeros(len(self.sources), 2, dtype=torch.float64)
        if self.engine.reports:
            sources = torch.from_numpy(np.concatenate([b.sources for b in loaded]).astype(np.int64))
            sums[:, 0].index_add_(0, sources, rows)
            sums[:, 1].index_add_(0, sources, torch.full_like(rows, self.plan.sequence_length))
        seconds = time.monotonic() - started
        table = distributed.gather_rows(
            [
                *sums.flatten().tolist(),
                *self.norms.sums.flatten().tolist(),
                seconds,
                data_wait,
                distributed.memory_bytes(),
            ]
        )
        sums, squares, (took, waited, memory) = self._totals(table)
        loss, norm = float(sums[:, 0].sum() / sums[:, 1].sum()), self.engine.gradient_norm()
        skipped = self.engine.skipped()
        self.skipped += skipped
        self.step += 1
        tokens_per_second = num_targets / float(took.max())
        return {
            "step": self.step,
            "phase": phase.name,
            "stage": self.stage,
            "tokens": self.step * self.plan.tokens_per_step,
            "loss": loss if math.isfinite(loss) else None,
            "loss_by_source": {
                n: s / c
                for n, (s, c) in zip(self.sources, sums.tolist(), strict=True)
                if c and math.isfinite(s)
            },
            "learning_rate": rate,
            "gradient_norm": norm,
            **self.norms.record(squares, norm),
            "skipped": skipped,
            "skipped_total": self.skipped,
            "spike": self.spikes.observe(self.step, loss),
            "seconds": float(took.max()),
            "data_wait_seconds": float(waited.max()),
            "slowest_rank": int(took.argmax()),
            "tokens_per_second": tokens_per_second,
            **self._speed(tokens_per_second),
            "memory_bytes": int(memory.max()),
        }

    def tensors(self, inputs: Any, targets: Any, _sources: Any, starts: Any) -> tuple[Any, Any, Any]:
        """A micro batch on the device; document numbers int32 where the model asks for them."""
        import torch

        device = self.engine.inner.device
        ids, wanted = (torch.from_numpy(a.astype(np.int64)).to(device) for a in (inputs, targets))
        documents = (
            torch.from_numpy(np.cumsum(starts, axis=1, dtype=np.int32)).to(device)
            if self.config.document_attention
            else None
        )
        return ids, wanted, documents

    def _totals(self, table: Any) -> tuple[Any, Any, Any]:
        """Of the ranks' rows [ranks, n]: summed losses and counts by source, summed squares by
        group, and times and memory by rank."""
        ours, size = 2 * len(self.sources), len(self.norms.names) * len(KINDS)
        return (
            table[:, :ours].sum(dim=0).view(-1, 2),
            table[:, ours : ours + size].sum(dim=0).view(-1, len(KINDS)),
            table[:, ours + size :].T,
        )

    def _speed(self, tokens_per_second: float) -> dict[str, float]:
        """FLOP/s of all ranks by the paper's count, and MFU where the device's peak is known
        (run.json's peak_flops, of one rank)."""
        flops = tokens_per_second * self.config.flops_per_token(self.plan.sequence_length)
        peak = float(self.settings.peak_flops or distributed.peak_flops())
        return {"model_flops_per_second": flops} | (
            {"mfu": flops / peak / distributed.world_size()} if peak else {}
        )

    def stop_requested(self) -> bool:
        """Whether rank 0 was told to stop: the same answer on every rank. Superseded if another job
        has the run's lease."""
        order = int(
            distributed.gather_rows([float(self.orders.read() if distributed.rank() == 0 else 0)])[0, 0]
        )
        if order == SUPERSEDED:
            raise Superseded(
                f"another job has taken over {self.folder}: this one (epoch {self.orders.epoch}) leaves without saving"
            )
        return order == STOP

    def train(self) -> str:
        """From the last checkpoint to the stage's end, or to a stop request. Returns DONE or
        STOPPED."""
        self.validation = Validation(
            Path(self.run.shards.validation),
            self.plan.sequence_length,
            self.micro_batch,
            self.settings.validation_sequences,
            self.strategy.data_rank(distributed.rank()),
            self.strategy.data_ranks,
            self.config.document_attention,
        )
        self.saved = self.step if self.parent else -1
        self._listen()
        first, state = self.step, DONE
        try:
            while self.step < self.end_step:
                if self.stop_requested():
                    state = STOPPED
                    break
                skip_to = min(self.skips.end_of(self.step), self.end_step)
                if skip_to > self.step:
                    self.step = skip_to
                    self._after_step(None)
                    continue
                self.heart.beat(
                    "compile" if self.strategy.compile_blocks and self.step == first else "step", self.step
                )
                record = self.train_step()
                for listener in self.listeners:
                    listener.step(record)
                if not (self.spikes.too_many and self._go_back()):
                    self._after_step(record["loss"])
            if state == STOPPED and self.saved != self.step and self.step > self.first_step:
                self.save()
        finally:
            self._close()
            self.loader.close()
        return state

    def _listen(self) -> None:
        """Open the logs at the current step: what a lost or abandoned run wrote beyond it goes."""
        self._close()
        if distributed.rank() == 0:
            self.listeners = [
                JsonLines(self.folder / "logs", self.step),
                TensorBoard(self.folder / "logs", self.step),
                self.report,
            ]

    def _close(self) -> None:
        for listener in self.listeners:
            listener.close()
        self.listeners = []

    def _after_step(self, loss: float | None) -> None:
        """Validate and save where the run asks for it, and at the stage's end."""
        end = self.step == self.end_step
        if end or self.step % self.settings.validate_every == 0:
            self.heart.beat("evaluate", self.step)
            records = self.validation.run(self.engine, self.step, math.inf if loss is None else loss)
            for listener in self.listeners:
                listener.validation(records)
        if end or self.step % self.settings.checkpoint_every == 0:
            self.save()
        self._tell_uploads()

    def finish_uploads(self, seconds: float = math.inf) -> None:
        """Wait, at most for some seconds, until the store has what was saved; every rank beats
        while bytes move."""
        for moved in self.uploads.wait(seconds):
            self._tell_uploads()
            if moved:
                self.heart.beat("upload", self.step)

    def _tell_uploads(self) -> None:
        """What the thread that sends checkpoints has to say."""
        for values in self.uploads.events():
            self.report.event("upload", **values)

    def _go_back(self) -> bool:
        """After too many spikes: to the last checkpoint before the first, leaving out the samples
        since. False without a checkpoint."""
        first = self.spikes.steps[0] - 1
        good = [p for p in finished_checkpoints(self.checkpoints) if read_manifest(p)["step"] <= first]
        if not good:
            return False
        if len(self.skips.ranges) >= self.policy.budget:
            # Named as a refusal, since a retry would meet the same losses.
            raise CheckpointError(
                f"{self.folder} returned from loss spikes {self.policy.budget} times and meets them again at step {self.step}: "
                "lower the learning rate, or look at the samples of the ranges in skips.json"
            )
        skip = Skip(first, self.step, good[-1].name)
        distributed.barrier()
        self.skips.add(skip, write=distributed.rank() == 0)
        if distributed.rank() == 0:
            retention.rollback(self.checkpoints, good[-1].name)
            self.uploads.abandon(int(read_manifest(good[-1])["step"]))
        self.report.event(
            "returned",
            step=self.step,
            checkpoint=skip.checkpoint,
            skipped_from=skip.first,
            skipped_to=skip.end,
        )
        distributed.barrier()
        self.heart.beat("load", self.step)
        self._load(self.checkpoints, good[-1].name, verify_on_all_ranks(good[-1]))
        self.saved = self.step
        self._listen()
        return True


def train(folder: Path, stage: str, report: Reporter, orders: Orders | None = None) -> str:
    """Train one stage on this rank, inside a process group. Returns DONE or STOPPED."""
    trainer = Trainer(folder, stage, report, orders or Orders(folder))
    report.event("started", stage=stage, world_size=distributed.world_size(), pid=os.getpid())
    report.event("preflight", **preflight.check(folder, trainer.run, trainer.config.num_parameters))
    try:
        trainer.start()
        state = trainer.train()
        return finish(trainer, state)
    finally:
        trainer.uploads.close()


def finish(trainer: Trainer, state: str) -> str:
    """Honour a stop request, or export the trained stage; leave a copy of the last checkpoint in
    the store."""
    from model.checkpoints.export import StageEnd, export_stage

    folder, report = trainer.folder, trainer.report
    if state == STOPPED:
        if distributed.rank() == 0:
            print(f"stopped at step {trainer.step}", flush=True)
            # The request is honoured: a next start goes on.
            (folder / "stop").unlink(missing_ok=True)
        report.event(STOPPED, step=trainer.step)
        trainer.finish_uploads(STOP_UPLOAD_SECONDS)  # the next start sends the rest
    else:
        trainer.heart.beat("export", trainer.step)
        end = StageEnd(
            stage=trainer.stage,
            step=trainer.step,
            tokens=trainer.step * trainer.plan.tokens_per_step,
            skipped_steps=trainer.skipped,
            checkpoint=trainer.checkpoints / str(trainer.parent),
        )
        weights = trainer.engine.weights()  # every rank takes part in gathering them
        record = export_stage(folder, end, weights, trainer.config, trainer.tokenizer)
        trainer.finish_uploads()
        report.materialized({**record, "state": state}, str(record.get("weights_hash", "")))
    trainer.heart.beat("done", trainer.step)
    return state


def main(argv: list[str] | None = None) -> int:
    """The command line; Dagster's two arguments are read by dagster_pipes."""
    parser = argparse.ArgumentParser(prog="python -m model.train", description=__doc__)
    parser.add_argument("--run-dir", type=Path, required=True)
    parser.add_argument("--stage", choices=STAGES, required=True)
    parser.add_argument("--local_rank", type=int, default=-1, help="set by DeepSpeed's launcher")
    parser.add_argument(
        "--epoch", type=int, default=0, help="number of the lease under which this job may write; 0 for none"
    )
    parser.add_argument(
        "--mailbox", default="", help="s3://... of the job, where orders do not come through a shared folder"
    )
    parser.add_argument("--dagster-pipes-context")
    parser.add_argument("--dagster-pipes-messages")
    arguments = parser.parse_args(argv)
    with reporter(distributed.rank()) as report:
        distributed.start()
        try:
            train(
                arguments.run_dir,
                arguments.stage,
                report,
                Orders(arguments.run_dir, arguments.epoch, arguments.mailbox),
            )
        finally:
            distributed.stop()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
