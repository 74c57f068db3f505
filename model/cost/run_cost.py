"""What a planned run costs before it starts: memory and disk of a rank, checkpoints, hours.

Belongs here: a card's numbers for a person. Does not belong here: the formulas (memory.py), what is
read (model/plan), what a run has measured (model/run/logs.py). No torch.
"""

from __future__ import annotations

import json
import statistics
from dataclasses import dataclass
from pathlib import Path

from model.cost.memory import OPTIMIZER_BYTES, Layout, memory_bytes
from model.network.config import ModelConfig
from model.plan.card import RunCard
from model.plan.plan import Plan
from model.training.strategy import Strategy

# Sustained FLOP/s of a rank unless another is named: the paper's 56.5 % of an A800's 312e12
# (Skywork-13B report, 3.5).
FLOPS_PER_RANK = 0.565 * 312e12
GIB = 1 << 30


@dataclass(frozen=True)
class RunCost:
    """Bytes of the fullest rank by part, of one checkpoint and of a rank's share of it, FLOP of the
    whole run."""

    parameters: int
    memory: dict[str, float]
    checkpoint_bytes: int
    total_flops: float
    ranks: int

    @property
    def memory_bytes(self) -> float:
        """Of the fullest rank; without the framework's own and fragmentation."""
        return sum(self.memory.values())

    @property
    def checkpoint_rank_bytes(self) -> int:
        """A rank's share of a checkpoint."""
        return self.checkpoint_bytes // self.ranks

    def hours(self, flops_per_rank: float) -> float:
        """Hours of the whole run where each rank sustains so many FLOP/s."""
        return self.total_flops / (self.ranks * flops_per_rank) / 3600


def run_cost(card: RunCard, plan: Plan, config: ModelConfig) -> RunCost:
    """The cost of a card's plan. StrategyError where ranks, micro batch and global batch do not fit
    together."""
    strategy = Strategy.parse(card.deepspeed, card.global_batch, card.micro_batch, card.world_size)
    layout = Layout(
        zero_stage=strategy.identity["zero_stage"],
        pipeline_stages=strategy.pipeline_stages,
        global_batch=card.global_batch,
        micro_batch=card.micro_batch,
        checkpoint_activations=strategy.checkpoint_activations,
        bf16=strategy.identity["bf16"],
    )
    return RunCost(
        parameters=config.num_parameters,
        memory=memory_bytes(config, layout, card.world_size, plan.sequence_length),
        checkpoint_bytes=config.num_parameters * ((2 if layout.bf16 else 4) + OPTIMIZER_BYTES),
        total_flops=config.flops_per_token(plan.sequence_length) * plan.steps * plan.tokens_per_step,
        ranks=card.world_size,
    )


def measured(folder: Path) -> tuple[int, float] | None:
    """Last step of a run, and the median tokens a second of its last twenty steps, if it has
    any."""
    log = folder / "logs" / "steps.jsonl"
    if not log.exists():
        return None
    lines = [json.loads(line) for line in log.read_text().splitlines()[-20:]]
    return (
        (int(lines[-1]["step"]), statistics.median(r["tokens_per_second"] for r in lines)) if lines else None
    )


def describe(card: RunCard, plan: Plan, config: ModelConfig, flops_per_rank: float, folder: Path) -> str:
    """The cost for a person."""
    c = run_cost(card, plan, config)
    kept = (card.keep_last + 1) * c.checkpoint_bytes
    parts = ", ".join(f"{name} {_size(n)}" for name, n in c.memory.items())
    strategy = Strategy.parse(card.deepspeed, card.global_batch, card.micro_batch, card.world_size)
    micro_batches = card.global_batch // (card.micro_batch * strategy.data_ranks)
    lines = [
        f"model {card.preset}: {c.parameters:,} parameters; {c.ranks} ranks,"
        f" {micro_batches} micro batches of {card.micro_batch} a step",
        f"  memory of a rank    {_size(c.memory_bytes)} ({parts}), estimated without the framework's own",
        f"  checkpoint          {_size(c.checkpoint_bytes)}, {_size(c.checkpoint_rank_bytes)} of it a rank's;"
        f" every {card.checkpoint_every} steps,"
        f" {_size(kept)} for {card.keep_last} kept and one being written",
        f"  time                {c.hours(flops_per_rank):,.1f} hours at {flops_per_rank / 1e12:.4g} TFLOP/s"
        f" sustained by each rank ({c.total_flops:.3g} FLOP in all)",
    ]
    if found := measured(folder):
        step, speed = found
        hours = (plan.steps - step) * plan.tokens_per_step / speed / 3600
        lines.append(f"  measured            {speed:,.0f} tokens/s at step {step}: {hours:,.1f} hours to go")
    return "\n".join(lines)


def _size(count: float) -> str:
    return f"{count / GIB:,.2f} GiB" if count >= GIB / 10 else f"{count / (1 << 20):,.1f} MiB"
