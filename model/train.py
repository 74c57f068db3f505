"""Training: `python -m model.train --run-dir DIR --stage stage1|stage2`, under a launcher or alone.

Belongs here: the loop, readable end to end. Does not belong here: the network (architecture.py), what is
read when (plan.py, data/), how states are kept (checkpoint.py), what is told to whom (callbacks/).

`DIR/run.json` says everything; a second start goes on from the last checkpoint; `DIR/stop` asks all ranks
to save at the same step and leave with exit code 0.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import os
import time
from pathlib import Path
from typing import Any

import numpy as np

from model import checkpoint, distributed, preflight
from model.callbacks.heartbeat import Heartbeat
from model.callbacks.logs import JsonLines, TensorBoard
from model.callbacks.orders import STOP, SUPERSEDED, Orders, Superseded
from model.callbacks.pipes import Reporter, reporter
from model.callbacks.spikes import Spikes
from model.callbacks.validation import Validation
from model.config import model_config
from model.data.loader import Loader
from model.plan import Plan
from model.strategy import Strategy
from pipelines.lake import canonical_json, digest

BETAS, EPSILON, WEIGHT_DECAY, CLIP = (0.9, 0.95), 1e-8, 0.1, 1.0
"""AdamW and clipping of paper 3.6; epsilon of its ablation (Table 9)."""
STOPPED, DONE = "stopped", "done"


class Trainer:
    """One stage of one run on this rank."""

    def __init__(self, folder: Path, stage: str, report: Reporter, orders: Orders) -> None:
        self.folder, self.stage, self.report, self.orders = folder, stage, report, orders
        self.run = json.loads((folder / "run.json").read_text())
        self.plan = Plan.from_json(self.run["plan"])
        self.first_step, self.end_step = self.plan.stage_steps(stage)
        self.heart = Heartbeat(folder / "heartbeats", distributed.rank())
        self.heart.beat("start", self.first_step)
        tokenizer = Path(self.run["tokenizer"]) if self.run.get("tokenizer") else None
        self.tokenizer = tokenizer if tokenizer is None or tokenizer.is_file() else tokenizer / "tokenizer.json"
        self.config = model_config(self.run["model"], vocabulary(self.tokenizer))
        self.micro_batch = int(self.run.get("micro_batch", 1))
        self.strategy = Strategy.parse(self.run.get("deepspeed", {}), self.plan.global_batch, self.micro_batch, distributed.world_size())
        shards = {n: Path(self.run[f"{n}_shards"]) for n in ("main", "stem")}
        self.loader = Loader(self.plan, shards, self.strategy.data_rank(distributed.rank()), self.strategy.data_ranks, self.micro_batch)
        self.sources = [s.name for s in self.plan.sources]
        self.identity = {
            "plan": digest("plan", canonical_json(self.run["plan"])),
            "model": self.config.to_json(),
            "tokenizer": checkpoint.sha256(self.tokenizer) if self.tokenizer else "",
            "strategy": self.strategy.identity,
        }
        self.checkpoints = folder / "checkpoints"
        self.spikes = Spikes()
        self.step = self.first_step
        self.skipped = 0

    def start(self) -> None:
        """Build the engine and load the last checkpoint, if there is one."""
        found = checkpoint.latest(self.checkpoints)
        if found is None and self.stage == "stage2" and self.first_step > 0:
            raise checkpoint.CheckpointError(
                f"{self.checkpoints} is empty: stage2 goes on from stage1's last checkpoint, train stage1 first"
            )
        tag, record = None, None
        if found is not None:
            self.heart.beat("load", self.step)
            record = checkpoint.verify(found)
            checkpoint.refuse_differences(found, record, self.identity)
            tag = found.name
            if record["world_size"] != distributed.world_size():
                if distributed.rank() == 0:
                    checkpoint.to_universal(found)
                distributed.barrier()
                tag = f"{found.name}_universal"
        self.engine = self.strategy.build(
            self.config, int(self.run["seed"]), BETAS, EPSILON, WEIGHT_DECAY, CLIP, universal=bool(tag and tag.endswith("_universal"))
        )
        self.parent: str | None = None
        if record is not None and tag is not None:
            self._load(tag, record)

    def _load(self, tag: str, record: dict[str, Any]) -> None:
        """Load all states and compare them with what the manifest says was saved."""
        self.engine.load_checkpoint(str(self.checkpoints), tag=tag)
        self.step, self.skipped, self.parent = int(record["step"]), int(record["skipped"]), record["tag"]
        if self.step < self.first_step or (self.step > self.end_step):
            raise checkpoint.CheckpointError(
                f"{tag} is at step {self.step}, {self.stage} covers {self.first_step} to {self.end_step}: "
                "train the other stage, or roll back"
            )
        same = record["world_size"] == distributed.world_size() and record["environment"] == checkpoint.environment()
        probe, moments = self.probe_loss(), checkpoint.moment_sums(self.engine)
        wrong = []
        if (probe != record["probe_loss"]) if same else not math.isclose(probe, record["probe_loss"], rel_tol=1e-3):
            wrong.append(f"probe loss {record['probe_loss']} there, {probe} here")
        if not np.allclose(moments, record["moments"], rtol=0 if same else 1e-3, atol=0 if same else 1e-3):
            wrong.append(f"moment sums and optimizer step {record['moments']} there, {moments} here")
        if self.step < self.plan.steps and record["next_samples"] != self.next_samples():
            wrong.append("the next batch holds other samples")
        if wrong:
            raise checkpoint.CheckpointError(f"{self.checkpoints / tag} did not load as it was saved: {'; '.join(wrong)}")

    def probe_loss(self) -> float:
        """Mean loss of a fixed sequence of tokens: equal before a save and after the load."""
        import torch

        ids = torch.arange(65, device=distributed.device())[None] * 2_654_435_761 % self.config.vocab_size
        self.engine.module.eval()
        with torch.no_grad():
            total, losses = self.engine.module(ids[:, :-1], ids[:, 1:])
        self.engine.module.train()
        return float(total) / losses.numel()

    def next_samples(self) -> str:
        """Hash of the sample ids of the next step's whole batch; empty after the run's last step."""
        if self.step >= self.plan.steps:
            return ""
        return hashlib.sha256(repr(list(self.loader.sample_ids(self.step))).encode()).hexdigest()

    def save(self) -> None:
        """Save at the current step."""
        self.heart.beat("save", self.step)
        started = time.monotonic()
        record = {
            **self.identity,
            "step": self.step,
            "stage": self.stage,
            "phase": self.plan.phase_at(self.step - 1).name,
            "stage_end": self.step == self.end_step,
            "tokens": self.step * self.plan.tokens_per_step,
            "reads": self.plan.source_counts(self.step),
            "skipped": self.skipped,
            "parent": self.parent,
            "world_size": distributed.world_size(),
            "probe_loss": self.probe_loss(),
            "moments": checkpoint.moment_sums(self.engine),
            "next_samples": self.next_samples(),
        }
        path = checkpoint.save(self.engine, self.checkpoints, f"step-{self.step:08d}", record)
        self.parent = path.name
        if distributed.rank() == 0:
            checkpoint.retain(self.checkpoints, int(self.run.get("keep_last", 3)), int(self.run.get("keep_every", 0)))
            self.report.event("checkpoint", step=self.step, path=str(path), seconds=time.monotonic() - started)
        distributed.barrier()

    def train_step(self) -> dict[str, Any]:
        """Forward, backward and update on the next global batch; the step's record, equal on every rank but for nothing."""
        import torch

        started = time.monotonic()
        phase, rate = self.plan.phase_at(self.step), self.plan.lr_at(self.step)
        for group in self.engine.optimizer.param_groups:
            group["lr"] = rate
        batches = self.loader.batch(self.step)
        data_wait = time.monotonic() - started
        num_targets = self.plan.global_batch * self.plan.sequence_length
        # DeepSpeed averages over ranks and over micro batches; the loss is a sum over targets divided by the step's count.
        scale = self.strategy.data_ranks * len(batches) / num_targets
        sums = torch.zeros(len(self.sources) + 1, 2, dtype=torch.float64)
        for inputs, targets, sources, starts in batches:
            ids = torch.from_numpy(inputs.astype(np.int64)).to(self.engine.device)
            wanted = torch.from_numpy(targets.astype(np.int64)).to(self.engine.device)
            documents = (
                torch.from_numpy(np.cumsum(starts, axis=1, dtype=np.int32)).to(ids.device) if self.config.document_attention else None
            )
            total, losses = self.engine(ids, wanted, documents)
            self.engine.backward(total * scale)
            self.engine.step()
            rows = losses.double().sum(dim=1).cpu()
            sums[:, 0].index_add_(0, torch.from_numpy(np.asarray(sources, dtype=np.int64)), rows)
            sums[:, 1].index_add_(0, torch.from_numpy(np.asarray(sources, dtype=np.int64)), torch.full_like(rows, losses.shape[1]))
        seconds = time.monotonic() - started
        table = distributed.gather_rows([*sums.flatten().tolist(), seconds, data_wait])
        sums = table[:, :-2].sum(dim=0).view(-1, 2)
        seconds, slowest = float(table[:, -2].max()), int(table[:, -2].argmax())
        loss = float(sums[:, 0].sum() / sums[:, 1].sum())
        norm = self.engine.get_global_grad_norm()
        skipped = bool(getattr(self.engine.optimizer, "overflow", False))
        self.skipped += skipped
        self.step += 1
        tokens_per_second = num_targets / seconds
        return {
            "step": self.step,
            "phase": phase.name,
            "stage": self.stage,
            "tokens": self.step * self.plan.tokens_per_step,
            "loss": loss if math.isfinite(loss) else None,
            "loss_by_source": {n: float(s / c) for n, (s, c) in zip(self.sources, sums.tolist(), strict=False) if c and math.isfinite(s)},
            "learning_rate": rate,
            "gradient_norm": float(norm) if norm is not None and math.isfinite(float(norm)) else None,
            "skipped": skipped,
            "skipped_total": self.skipped,
            "spike": self.spikes.is_spike(loss) if math.isfinite(loss) else False,
            "seconds": seconds,
            "data_wait_seconds": float(table[:, -1].max()),
            "slowest_rank": slowest,
            "tokens_per_second": tokens_per_second,
            "model_flops_per_second": tokens_per_second * self.config.flops_per_token(self.plan.sequence_length),
            "memory_bytes": memory_bytes(),
        }

    def stop_requested(self) -> bool:
        """Whether rank 0 was told to stop: the same answer on every rank. Superseded if another job has the run's lease."""
        order = int(distributed.gather_rows([float(self.orders.read() if distributed.rank() == 0 else 0)])[0, 0])
        if order == SUPERSEDED:
            raise Superseded(f"another job has taken over {self.folder}: this one (epoch {self.orders.epoch}) leaves without saving")
        return order == STOP

    def train(self) -> str:
        """From the last checkpoint to the stage's end, or to a stop request. Returns DONE or STOPPED."""
        listeners: list[Any] = []
        if distributed.rank() == 0:
            listeners = [JsonLines(self.folder / "logs", self.step), TensorBoard(self.folder / "logs", self.step), self.report]
        validation = Validation(Path(self.run["validation_shards"]), self.plan.sequence_length, self.micro_batch)
        checkpoint_every, validate_every = int(self.run["checkpoint_every"]), int(self.run["validate_every"])
        saved = self.step if self.parent else -1
        state = DONE
        try:
            while self.step < self.end_step:
                if self.stop_requested():
                    state = STOPPED
                    break
                self.heart.beat("step", self.step)
                record = self.train_step()
                for listener in listeners:
                    listener.step(record)
                if self.step % validate_every == 0 or self.step == self.end_step:
                    self.heart.beat("evaluate", self.step)
                    records = validation.run(self.engine, self.step, record["loss"] if record["loss"] is not None else math.inf)
                    for listener in listeners:
                        listener.validation(records)
                if self.step % checkpoint_every == 0 or self.step == self.end_step:
                    self.save()
                    saved = self.step
            if state == STOPPED and saved != self.step and self.step > self.first_step:
                self.save()
        finally:
            for listener in listeners:
                listener.close()
        return state

    def export(self) -> dict[str, Any]:
        """Write `export/<stage>` and its `stage.json`, last; the record on rank 0."""
        from model.export import export

        self.heart.beat("export", self.step)
        state = self.strategy.weights(self.engine)
        record: dict[str, Any] = {}
        if distributed.rank() == 0:
            folder = self.folder / "export" / self.stage
            lines = (self.folder / "logs" / "validation.jsonl").read_text().splitlines()
            last = {r["domain"]: r for r in map(json.loads, lines) if r["step"] == self.step}
            steps = (self.folder / "logs" / "steps.jsonl").read_text().splitlines()
            record = {
                "stage": self.stage,
                "step": self.step,
                "tokens": self.step * self.plan.tokens_per_step,
                "parameters": self.config.num_parameters,
                "loss": json.loads(steps[-1])["loss"],
                "validation_loss": {d: r["loss"] for d, r in last.items()},
                "checkpoint": str(self.checkpoints / str(self.parent)),
                "export": str(folder),
                "world_size": distributed.world_size(),
                "skipped_steps": self.skipped,
            }
            record["weights_hash"] = export(state, self.config, self.tokenizer, folder)
            checkpoint.write_json(folder / "stage.json", record)
        distributed.barrier()
        return record


def vocabulary(tokenizer: Path | None) -> int | None:
    """Number of tokens of a tokenizer.json, added ones included; None without a file."""
    if tokenizer is None:
        return None
    data = json.loads(tokenizer.read_text())
    ids = [*data["model"]["vocab"].values()] + [t["id"] for t in data.get("added_tokens", [])]
    return max(ids) + 1


def memory_bytes() -> int:
    """Peak memory of this rank: of the GPU where there is one, else resident."""
    import resource

    import torch

    if torch.cuda.is_available():
        return int(torch.cuda.max_memory_allocated())
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def train(folder: Path, stage: str, report: Reporter, orders: Orders | None = None) -> str:
    """Train one stage on this rank, inside a process group. Returns DONE or STOPPED."""
    trainer = Trainer(folder, stage, report, orders or Orders(folder))
    report.event("started", stage=stage, world_size=distributed.world_size(), pid=os.getpid())
    report.event("preflight", **preflight.check(folder, trainer.run, trainer.config.num_parameters))
    trainer.start()
    state = trainer.train()
    if state == STOPPED:
        if distributed.rank() == 0:
            print(f"stopped at step {trainer.step}", flush=True)
            # The request is honoured: a next start goes on.
            (folder / "stop").unlink(missing_ok=True)
        report.event(STOPPED, step=trainer.step)
    else:
        record = trainer.export()
        report.materialized({**record, "state": state}, str(record.get("weights_hash", "")))
    trainer.heart.beat("done", trainer.step)
    return state


def main(argv: list[str] | None = None) -> int:
    """The command line; Dagster's two arguments are read by dagster_pipes."""
    parser = argparse.ArgumentParser(prog="python -m model.train", description=__doc__)
    parser.add_argument("--run-dir", type=Path, required=True)
    parser.add_argument("--stage", choices=("stage1", "stage2"), required=True)
    parser.add_argument("--local_rank", type=int, default=-1, help="set by DeepSpeed's launcher")
    parser.add_argument("--epoch", type=int, default=0, help="number of the lease under which this job may write; 0 for none")
    parser.add_argument("--mailbox", default="", help="s3://... of the job, where orders do not come through a shared folder")
    parser.add_argument("--dagster-pipes-context")
    parser.add_argument("--dagster-pipes-messages")
    arguments = parser.parse_args(argv)
    with reporter(distributed.rank()) as report:
        distributed.start()
        try:
            train(arguments.run_dir, arguments.stage, report, Orders(arguments.run_dir, arguments.epoch, arguments.mailbox))
        finally:
            distributed.stop()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
