"""What a plan costs before it starts: memory and disk of a rank, checkpoints, hours.

Belongs here: estimates from shapes, as pure functions. Does not belong here: what is read (plan.py), what a run
has measured (callbacks/logs.py). No torch.
"""

from __future__ import annotations

import json
import statistics
from dataclasses import dataclass
from pathlib import Path

from model.card import RunCard
from model.config import ModelConfig
from model.plan import Plan
from model.strategy import Strategy

# Sustained FLOP/s of a rank unless another is named: the paper's 56.5 % of an A800's 312e12 (Skywork-13B report, 3.5).
FLOPS_PER_RANK = 0.565 * 312e12
GIB = 1 << 30


@dataclass(frozen=True)
class Cost:
    """Bytes of the fullest rank, bytes of one checkpoint and of a rank's share of it, FLOP of the whole run."""

    parameters: int
    weights_bytes: int
    gradients_bytes: int
    optimizer_bytes: int
    activations_bytes: int
    checkpoint_bytes: int
    checkpoint_rank_bytes: int
    total_flops: float
    ranks: int

    @property
    def memory_bytes(self) -> int:
        """Of the fullest rank; without the framework's own and fragmentation."""
        return self.weights_bytes + self.gradients_bytes + self.optimizer_bytes + self.activations_bytes

    def hours(self, flops_per_rank: float) -> float:
        """Hours of the whole run where each rank sustains so many FLOP/s."""
        return self.total_flops / (self.ranks * flops_per_rank) / 3600


def activation_bytes(config: ModelConfig, length: int, micro_batch: int, layers: int, recompute: bool, in_flight: int) -> int:
    """Activations of `in_flight` micro batches over `layers` layers, and the logits.

    34 bytes per position, hidden unit and layer where attention scores are not kept, 2 where layers are computed
    again, plus one layer at work (Korthikanti et al. 2022, 4.1); ten bytes a logit: bf16, its float32 copy and gradient.
    """
    unit = length * micro_batch * config.hidden
    kept = (2 * layers * in_flight + 34) * unit if recompute else 34 * layers * in_flight * unit
    return kept + 10 * length * micro_batch * config.vocab_size


def cost(card: RunCard, plan: Plan, config: ModelConfig) -> Cost:
    """The cost of a card's plan. StrategyError where ranks, micro batch and global batch do not fit together.

    Mixed precision (Rajbhandari et al. 2020, 3.1): bf16 weights (2 bytes a parameter), float32 gradients (4: sixteen or
    more micro batches are added up) and float32 weights and both moments (12), of which ZeRO-1 spreads the last over
    the data ranks, ZeRO-2 also the gradients, ZeRO-3 all.
    """
    strategy = Strategy.parse(card.deepspeed, card.global_batch, card.micro_batch, card.world_size)
    stages, ranks = strategy.pipeline_stages, strategy.data_ranks
    zero = int(strategy.config["zero_optimization"]["stage"])
    bf16 = bool(strategy.config["bf16"].get("enabled"))
    layers = -(-config.num_layers // stages)
    embedding = config.vocab_size * config.hidden
    in_layers = config.num_parameters - 2 * embedding
    held = in_layers * layers // config.num_layers + (2 * embedding if stages == 1 else embedding)
    weight = 2 if bf16 else 4
    states = 12 if bf16 else 8
    saved = config.num_parameters * (weight + states)
    return Cost(
        parameters=config.num_parameters,
        weights_bytes=weight * held // (ranks if zero == 3 else 1),
        gradients_bytes=4 * held // (ranks if zero >= 2 else 1),
        optimizer_bytes=states * held // ranks,
        activations_bytes=activation_bytes(
            config, plan.sequence_length, card.micro_batch, layers, strategy.checkpoint_activations, min(stages, plan.global_batch)
        ),
        checkpoint_bytes=saved,
        checkpoint_rank_bytes=saved // card.world_size,
        total_flops=config.flops_per_token(plan.sequence_length) * plan.steps * plan.tokens_per_step,
        ranks=card.world_size,
    )


def measured(folder: Path) -> tuple[int, float] | None:
    """Last step of a run, and the median tokens a second of its last twenty steps, if it has any."""
    log = folder / "logs" / "steps.jsonl"
    if not log.exists():
        return None
    lines = [json.loads(line) for line in log.read_text().splitlines()[-20:]]
    return (int(lines[-1]["step"]), statistics.median(r["tokens_per_second"] for r in lines)) if lines else None


def describe(card: RunCard, plan: Plan, config: ModelConfig, flops_per_rank: float, folder: Path) -> str:
    """The cost for a person."""
    c = cost(card, plan, config)
    kept = (card.keep_last + 1) * c.checkpoint_bytes
    sizes = [("weights", c.weights_bytes), ("gradients", c.gradients_bytes), ("optimizer", c.optimizer_bytes)]
    parts = ", ".join(f"{name} {_size(n)}" for name, n in [*sizes, ("activations", c.activations_bytes)])
    strategy = Strategy.parse(card.deepspeed, card.global_batch, card.micro_batch, card.world_size)
    micro_batches = card.global_batch // (card.micro_batch * strategy.data_ranks)
    lines = [
        f"model {card.preset}: {c.parameters:,} parameters; {c.ranks} ranks, {micro_batches} micro batches of {card.micro_batch} a step",
        f"  memory of a rank    {_size(c.memory_bytes)} ({parts}), estimated without the framework's own",
        f"  checkpoint          {_size(c.checkpoint_bytes)}, {_size(c.checkpoint_rank_bytes)} of it a rank's;"
        f" every {card.checkpoint_every} steps, {_size(kept)} for {card.keep_last} kept and one being written",
        f"  time                {c.hours(flops_per_rank):,.1f} hours at {flops_per_rank / 1e12:.4g} TFLOP/s sustained by each rank"
        f" ({c.total_flops:.3g} FLOP in all)",
    ]
    if found := measured(folder):
        step, speed = found
        hours = (plan.steps - step) * plan.tokens_per_step / speed / 3600
        lines.append(f"  measured            {speed:,.0f} tokens/s at step {step}: {hours:,.1f} hours to go")
    return "\n".join(lines)


def _size(count: float) -> str:
    return f"{count / GIB:,.2f} GiB" if count >= GIB / 10 else f"{count / (1 << 20):,.1f} MiB"
