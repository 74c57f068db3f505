"""Strategies: how one model is spread over ranks, by configuration only.

Belongs here: reading the run's `deepspeed` entry, building the engine, refusing combinations that
cannot work. Does not belong here: the loop (train.py).

The `deepspeed` entry is a DeepSpeed configuration laid over our defaults, plus four keys of ours:
`checkpoint_activations` (recompute blocks in the backward pass), `compile_blocks` (torch.compile of
each block), `pipeline_stages`, and `deterministic` (on a GPU: only kernels that give equal bits in
every run, on unless it is false).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from model.network.config import ModelConfig
from model.plan.deepspeed_entry import FROM_PLAN

if TYPE_CHECKING:
    from model.training.engine import TrainingEngine

BETAS, EPSILON, WEIGHT_DECAY, CLIP = (0.9, 0.95), 1e-8, 0.1, 1.0
"""AdamW and clipping of paper 3.6; epsilon of its ablation (Table 9)."""
DEFAULTS: dict[str, Any] = {
    "zero_optimization": {"stage": 1},
    "bf16": {"enabled": True},
    # Sixteen or more micro batches are added up: bf16 would lose the small ones.
    "data_types": {"grad_accum_dtype": "fp32"},
    # So would a sum over ranks: DeepSpeed's default is the weights' type, and loses 2e-3.
    "communication_data_type": "fp32",
    "zero_allow_untested_optimizer": True,
    "steps_per_print": 1_000_000_000,
    "wall_clock_breakdown": False,
}
OURS = ("checkpoint_activations", "compile_blocks", "pipeline_stages", "deterministic")


class StrategyError(ValueError):
    """A combination that cannot work: the message says why."""


@dataclass(frozen=True)
class Strategy:
    """A checked configuration."""

    config: dict[str, Any]
    checkpoint_activations: bool
    compile_blocks: bool
    pipeline_stages: int
    world_size: int
    deterministic: bool = True

    @classmethod
    def parse(cls, given: dict[str, Any], global_batch: int, micro_batch: int, world_size: int) -> Strategy:
        """Lay `given` over the defaults and check it. Raises StrategyError."""
        stages = int(given.get("pipeline_stages", 1))
        if fixed := [f"{k} comes from {FROM_PLAN[k]}" for k in sorted(set(given) & set(FROM_PLAN))]:
            raise StrategyError(f"the deepspeed entry may not set {'; '.join(fixed)}")
        config = DEFAULTS | {
            k: DEFAULTS[k] | v if isinstance(DEFAULTS.get(k), dict) else v
            for k, v in given.items()
            if k not in OURS
        }
        stage = config["zero_optimization"].get("stage", 0)
        if stage not in (1, 2, 3):
            raise StrategyError(
                f"ZeRO stage {stage}: use 1, 2 or 3; stage 0 takes another bf16 optimizer with other losses"
            )
        if stages > 1 and stage != 1:
            raise StrategyError(
                f"pipeline stages and ZeRO-{stage} exclude each other: ZeRO-{stage} gives gradients"
                f" away after every micro batch,"
                " a stage adds them up until the last; use ZeRO-1"
            )
        if stages > 1 and config["zero_optimization"].get("offload_optimizer"):
            raise StrategyError(
                "a pipeline's ZeRO-1 keeps its optimizer on the device: leave offload_optimizer out, or"
                " use ZeRO-2 or 3"
            )
        if given.get("fp16", {}).get("enabled"):
            raise StrategyError(
                "fp16 needs loss scaling, whose skipped steps would break the plan: use bf16 or fp32"
            )
        if world_size % stages:
            raise StrategyError(f"{world_size} ranks do not divide into {stages} pipeline stages")
        ranks = world_size // stages
        if global_batch % (ranks * micro_batch):
            raise StrategyError(
                f"global batch {global_batch} is not a multiple of {ranks} data ranks x micro batch"
                f" {micro_batch}: change one of them"
            )
        config |= {
            "train_micro_batch_size_per_gpu": micro_batch,
            "gradient_accumulation_steps": global_batch // (ranks * micro_batch),
        }
        if config["bf16"].get("enabled"):
            # Gradients are added up as they come: left to DeepSpeed's default, a pipeline forgets
            # the head's, which come before the hook that clears those of the micro batch before.
            config["bf16"] = {"check_grad_overflow": True, "immediate_grad_update": True} | config["bf16"]
        return cls(
            config,
            bool(given.get("checkpoint_activations")),
            bool(given.get("compile_blocks")),
            stages,
            world_size,
            bool(given.get("deterministic", True)),
        )

    @property
    def data_ranks(self) -> int:
        """How many ranks read different data."""
        return self.world_size // self.pipeline_stages

    def data_rank(self, rank: int) -> int:
        """Which of them this rank is."""
        return rank % self.data_ranks

    @property
    def identity(self) -> dict[str, Any]:
        """What a checkpoint's states depend on; the number of ranks may change through a
        conversion."""
        return {
            "zero_stage": self.config["zero_optimization"]["stage"],
            "bf16": bool(self.config["bf16"].get("enabled")),
            "pipeline_stages": self.pipeline_stages,
        }

    def build(self, config: ModelConfig, seed: int, universal: bool = False) -> TrainingEngine:
        """An engine around the model; `universal` makes it load converted checkpoints.
        StrategyError for too many stages."""
        import deepspeed
        import torch

        from model.network.architecture import Block, Skywork, decay_groups
        from model.training.engine import PipelinedEngine, TrainingEngine

        if torch.cuda.is_available() and config.document_attention and config.dropout:
            raise StrategyError(
                "attention within documents has no dropout on a GPU: set model.dropout to 0, or leave"
                " document_attention out"
            )
        if torch.cuda.is_available():
            torch.use_deterministic_algorithms(self.deterministic)
            torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
        model: Any
        if self.pipeline_stages > 1:
            from model.network.pipeline import Pipeline

            if self.pipeline_stages > config.num_layers:
                raise StrategyError(
                    f"{self.pipeline_stages} pipeline stages for {config.num_layers} blocks: a stage"
                    f" would be empty"
                )
            model = Pipeline(config, seed, self.pipeline_stages)
        else:
            model = Skywork(config, seed=seed)
        for block in (m for m in model.modules() if isinstance(m, Block)):
            block.checkpointing = self.checkpoint_activations
            if self.compile_blocks:
                block.compile()
        settings = self.config | {"gradient_clipping": CLIP}
        if universal:
            settings["checkpoint"] = {"load_universal": True}
        # torch's AdamW, passed in: DeepSpeed's own would be compiled at start, and waits for ever
        # on a stale lock.
        # On a GPU one kernel updates all; on a CPU its sums would differ from the other kernels'.
        optimizer = torch.optim.AdamW(
            decay_groups(model, WEIGHT_DECAY),
            lr=0.0,
            betas=BETAS,
            eps=EPSILON,
            fused=torch.cuda.is_available() or None,
        )
        inner, wrapped, _, _ = deepspeed.initialize(model=model, optimizer=optimizer, config=settings)
        if hasattr(wrapped, "check_grad_overflow"):
            # Also in fp32: a step with NaN is skipped on every rank alike.
            wrapped.check_grad_overflow = True
        inner.train()
        return PipelinedEngine(inner, config) if self.pipeline_stages > 1 else TrainingEngine(inner, config)
