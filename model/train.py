"""Training: `python -m model.train --run-dir DIR --stage stage1|stage2`, under a launcher or alone.

Belongs here: the loop, top to bottom: start, steps, what follows a step, end. Does not belong here:
the network (network/), what is read when (plan/, data/), saving and going back
(training/saving.py), what is told to whom (run/).

`DIR/run.json` says everything; a second start goes on from the last checkpoint; `DIR/stop` asks all
ranks to save at one step and leave with exit code 0.
"""

from __future__ import annotations

import argparse
import math
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from model.checkpoints.export import StageEnd, export_stage
from model.checkpoints.store import CheckpointStore
from model.checkpoints.uploads import Uploads
from model.data.loader import Loader, MicroBatch
from model.plan.phases import STAGES
from model.plan.run_file import RunFile
from model.run.control import STOP, SUPERSEDED, Control, Superseded
from model.run.heartbeat import Heartbeat
from model.run.logs import JsonLines, RunLog, TensorBoard
from model.run.messages import Reporter, reporter
from model.training import distributed, preflight
from model.training.norms import Norms
from model.training.saving import Saving
from model.training.strategy import Strategy
from model.training.totals import StepTotals, model_speed
from model.training.validation import Validation

STOPPED, DONE = "stopped", "done"
"""How a stage's training ends."""
STOP_UPLOAD_SECONDS = 30.0
"""That a stopping job waits for its last checkpoint's upload: well below any grace period
(deploy/cluster.example.yaml)."""


class Trainer:
    """One stage of one run on this rank. All ranks call all methods, in one order."""

    def __init__(self, folder: Path, stage: str, report: Reporter, control: Control) -> None:
        """Read the run file and open the shards; nothing is computed and nothing moves yet."""
        rank, world_size = distributed.rank(), distributed.world_size()
        self.folder, self.stage, self.report, self.control = folder, stage, report, control
        self.run = run = RunFile.load(folder)
        self.settings, self.plan, self.config = run.settings, run.plan, run.shape
        self.first_step, self.end_step = self.plan.stage_steps(stage)
        self.heartbeat = Heartbeat(folder / "heartbeats", rank, self.settings.limit_seconds)
        self.heartbeat.beat("start", self.first_step)
        micro_batch = self.settings.micro_batch
        self.strategy = Strategy.parse(
            self.settings.deepspeed, self.plan.global_batch, micro_batch, world_size
        )
        data_rank, data_ranks = self.strategy.data_rank(rank), self.strategy.data_ranks
        self.loader = Loader(self.plan, run.shards.by_corpus(), data_rank, data_ranks, micro_batch)
        store = CheckpointStore(run.checkpoint_store) if run.checkpoint_store else None
        self.uploads = Uploads(
            store if rank == 0 else None,
            folder / "checkpoints",
            self.settings.keep_last,
            self.settings.keep_every,
            control.superseded,
        )
        self.saving = Saving(
            folder,
            stage,
            run,
            self.config,
            self.strategy,
            self.loader,
            store,
            self.uploads,
            self.heartbeat,
            report,
        )
        self.at = self.saving.position
        self.sources = [s.name for s in self.plan.sources]
        self.logs: list[RunLog] = []

    def start(self) -> None:
        """Verify this rank's share of the shards, build the engine and load the last checkpoint, if
        there is one."""
        self.heartbeat.beat("load", self.at.step)
        self.loader.verify(distributed.rank(), distributed.world_size())
        found = self.saving.find()
        self.engine = self.strategy.build(
            self.config, self.settings.seed, universal=found is not None and found.converted
        )
        self.norms = Norms(self.engine, self.config.num_layers)
        if found is not None:
            self.saving.load(self.engine, found)
        self.validation = Validation(
            Path(self.run.shards.validation),
            self.plan.sequence_length,
            self.settings.micro_batch,
            self.settings.validation_sequences,
            self.strategy.data_rank(distributed.rank()),
            self.strategy.data_ranks,
            self.config.document_attention,
        )

    def train(self) -> str:
        """From the last checkpoint to the stage's end, or to a stop request. Returns DONE or
        STOPPED."""
        self.open_logs()
        at, first, state = self.at, self.at.step, DONE
        try:
            while at.step < self.end_step:
                if self.stop_requested():
                    state = STOPPED
                    break
                skip_to = min(self.saving.skips.end_of(at.step), self.end_step)
                if skip_to > at.step:
                    at.step = skip_to
                    self.after_step(None)
                    continue
                compiles = self.strategy.compile_blocks and at.step == first
                self.heartbeat.beat("compile" if compiles else "step", at.step)
                record = self.train_step()
                for log in self.logs:
                    log.step(record)
                if at.spikes.too_many and self.saving.go_back(self.engine):
                    self.open_logs()
                else:
                    self.after_step(record["loss"])
            if state == STOPPED and at.saved != at.step and at.step > self.first_step:
                self.saving.save(self.engine)
        finally:
            self.close_logs()
            self.loader.close()
        return state

    def train_step(self) -> dict[str, Any]:
        """Forward, backward and update on the next global batch; the step's record, equal on every
        rank."""
        started, at = time.monotonic(), self.at
        phase, rate = self.plan.phase_at(at.step), self.plan.lr_at(at.step)
        self.engine.set_rate(rate)
        self.norms.reset()
        if self.config.dropout:
            # A pure function of the step, so that a resumed run drops what the first would have.
            torch.manual_seed(
                self.settings.seed * 1_000_003 + at.step * distributed.world_size() + distributed.rank()
            )
        batches = self.loader.batch(at.step)
        data_wait = time.monotonic() - started
        num_targets = self.plan.global_batch * self.plan.sequence_length
        # DeepSpeed averages over data ranks and over micro batches; the loss is a sum over targets
        # divided by the step's count.
        scale = self.strategy.data_ranks * len(batches) / num_targets
        losses = self.engine.train_batch([self.tensors(b) for b in batches], scale)
        totals = StepTotals.gather(
            self.losses_by_source(batches, losses),
            self.norms.sums,
            time.monotonic() - started,
            data_wait,
        )
        loss, norm, skipped = totals.loss, self.engine.gradient_norm(), self.engine.skipped()
        seconds = float(totals.seconds.max())
        at.skipped += skipped
        at.step += 1
        return {
            "step": at.step,
            "phase": phase.name,
            "stage": self.stage,
            "tokens": at.step * self.plan.tokens_per_step,
            "loss": loss if math.isfinite(loss) else None,
            "loss_by_source": totals.loss_by_source(self.sources),
            "learning_rate": rate,
            "gradient_norm": norm,
            **self.norms.record(totals.squares, norm),
            "skipped": skipped,
            "skipped_total": at.skipped,
            "spike": at.spikes.observe(at.step, loss, phase.name),
            "seconds": seconds,
            "data_wait_seconds": float(totals.data_wait_seconds.max()),
            "slowest_rank": int(totals.seconds.argmax()),
            "tokens_per_second": num_targets / seconds,
            **model_speed(
                self.config, self.plan.sequence_length, num_targets / seconds, self.settings.peak_flops
            ),
            "memory_bytes": int(totals.memory_bytes.max()),
        }

    def tensors(self, batch: MicroBatch) -> tuple[Tensor, Tensor, Tensor | None]:
        """A micro batch on the device; document numbers int32 where the model asks for them."""
        device = self.engine.inner.device
        ids, targets = (
            torch.from_numpy(a.astype(np.int64)).to(device) for a in (batch.inputs, batch.targets)
        )
        if not self.config.document_attention:
            return ids, targets, None
        return ids, targets, torch.from_numpy(np.cumsum(batch.starts, axis=1, dtype=np.int32)).to(device)

    def losses_by_source(self, batches: Sequence[MicroBatch], losses: Tensor) -> Tensor:
        """[sources, 2]: this rank's summed losses and their targets; zeros on ranks that know no
        losses."""
        sums = torch.zeros(len(self.sources), 2, dtype=torch.float64)
        if self.engine.reports:
            sources = torch.from_numpy(np.concatenate([b.sources for b in batches]).astype(np.int64))
            sums[:, 0].index_add_(0, sources, losses)
            sums[:, 1].index_add_(0, sources, torch.full_like(losses, self.plan.sequence_length))
        return sums

    def after_step(self, loss: float | None) -> None:
        """Validate and save where the run asks for it, and at the stage's end."""
        step, end = self.at.step, self.at.step == self.end_step
        if end or step % self.settings.validate_every == 0:
            self.heartbeat.beat("evaluate", step)
            records = self.validation.run(self.engine, step, math.inf if loss is None else loss)
            for log in self.logs:
                log.validation(records)
        if end or step % self.settings.checkpoint_every == 0:
            self.saving.save(self.engine)
        self.report_uploads()

    def stop_requested(self) -> bool:
        """Whether rank 0 was told to stop: one answer for all ranks. Superseded if another job
        has the run's lease."""
        mine = self.control.read() if distributed.rank() == 0 else 0
        answer = int(distributed.gather_rows([float(mine)])[0, 0])
        if answer == SUPERSEDED:
            raise Superseded(
                f"another job has taken over {self.folder}: this one (epoch {self.control.epoch})"
                f" leaves without saving"
            )
        return answer == STOP

    def open_logs(self) -> None:
        """Open the logs at the present step: what a lost or abandoned run wrote beyond it goes."""
        self.close_logs()
        if distributed.rank() == 0:
            folder, step = self.folder / "logs", self.at.step
            self.logs = [JsonLines(folder, step), TensorBoard(folder, step), self.report]

    def close_logs(self) -> None:
        """Close what is open."""
        for log in self.logs:
            log.close()
        self.logs = []

    def finish(self, state: str) -> None:
        """Honour a stop request, or export the trained stage; leave a copy of the last checkpoint
        in the store."""
        if state == STOPPED:
            if distributed.rank() == 0:
                print(f"stopped at step {self.at.step}", flush=True)
                # The request is honoured: a next start goes on.
                (self.folder / "stop").unlink(missing_ok=True)
            self.report.event(STOPPED, step=self.at.step)
            self.finish_uploads(STOP_UPLOAD_SECONDS)  # the next start sends the rest
        else:
            self.heartbeat.beat("export", self.at.step)
            end = StageEnd(
                stage=self.stage,
                step=self.at.step,
                tokens=self.at.step * self.plan.tokens_per_step,
                skipped_steps=self.at.skipped,
                checkpoint=self.folder / "checkpoints" / str(self.at.parent),
                sequence_length=self.plan.sequence_length,
            )
            weights = self.engine.weights()  # every rank takes part in gathering them
            record = export_stage(self.folder, end, weights, self.config, self.run.tokenizer_file)
            self.finish_uploads()
            self.report.materialized({**record, "state": state}, str(record.get("weights_hash", "")))
        self.heartbeat.beat("done", self.at.step)

    def finish_uploads(self, seconds: float = math.inf) -> None:
        """Wait, at most for some seconds, until the store has what was saved; every rank beats
        while bytes move."""
        for moved in self.uploads.wait(seconds):
            self.report_uploads()
            if moved:
                self.heartbeat.beat("upload", self.at.step)

    def report_uploads(self) -> None:
        """Report what the thread that sends checkpoints has done since the last call."""
        for values in self.uploads.events():
            self.report.event("upload", **values)


def train(folder: Path, stage: str, report: Reporter, control: Control | None = None) -> str:
    """Train one stage on this rank, inside a process group. Returns DONE or STOPPED."""
    trainer = Trainer(folder, stage, report, control or Control(folder))
    report.event("started", stage=stage, world_size=distributed.world_size(), pid=os.getpid())
    report.event("preflight", **preflight.check(folder, trainer.run, trainer.config.num_parameters))
    try:
        trainer.start()
        state = trainer.train()
        trainer.finish(state)
        return state
    finally:
        trainer.uploads.close()


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
        "--mailbox",
        default="",
        help="s3://... of the job, where requests do not come through a shared folder",
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
                Control(arguments.run_dir, arguments.epoch, arguments.mailbox),
            )
        finally:
            distributed.stop()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
