"""Strategies: how one model is spread over ranks, by configuration only.

Belongs here: reading the run's `deepspeed` entry, building the engine, refusing combinations that cannot
work. Does not belong here: the loop (train.py).

The `deepspeed` entry is a DeepSpeed configuration laid over our defaults, plus three keys of ours:
`checkpoint_activations` (recompute blocks in the backward pass), `compile_blocks` (torch.compile of each
block), `pipeline_stages`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from model import distributed
from model.config import ModelConfig

DEFAULTS: dict[str, Any] = {
    "zero_optimization": {"stage": 1},
    "bf16": {"enabled": True},
    # Sixteen or more micro batches are added up: bf16 would lose the small ones.
    "data_types": {"grad_accum_dtype": "fp32"},
    "zero_allow_untested_optimizer": True,
    "steps_per_print": 1_000_000_000,
    "wall_clock_breakdown": False,
}
OURS = ("checkpoint_activations", "compile_blocks", "pipeline_stages")


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

    @classmethod
    def parse(cls, given: dict[str, Any], global_batch: int, micro_batch: int, world_size: int) -> Strategy:
        """Lay `given` over the defaults and check it. Raises StrategyError."""
        stages = int(given.get("pipeline_stages", 1))
        config = DEFAULTS | {k: v for k, v in given.items() if k not in OURS}
        stage = config["zero_optimization"].get("stage", 0)
        if stage not in (1, 2, 3):
            raise StrategyError(f"ZeRO stage {stage}: use 1, 2 or 3; stage 0 takes another bf16 optimizer with other losses")
        if stages > 1:
            raise StrategyError(
                "pipeline_stages > 1 is not supported: use ZeRO-1, 2 or 3"
                if stage == 1
                else f"pipeline stages and ZeRO-{stage} exclude each other: gradients stay on their stage until the last micro batch"
            )
        if given.get("fp16", {}).get("enabled"):
            raise StrategyError("fp16 needs loss scaling, whose skipped steps would break the plan: use bf16 or fp32")
        if world_size % stages:
            raise StrategyError(f"{world_size} ranks do not divide into {stages} pipeline stages")
        ranks = world_size // stages
        if global_batch % (ranks * micro_batch):
            raise StrategyError(
                f"global batch {global_batch} is not a multiple of {ranks} data ranks x micro batch {micro_batch}: change one of them"
            )
        config |= {"train_micro_batch_size_per_gpu": micro_batch, "gradient_accumulation_steps": global_batch // (ranks * micro_batch)}
        if config["bf16"].get("enabled"):
            config["bf16"] = {"check_grad_overflow": True} | config["bf16"]
        return cls(config, bool(given.get("checkpoint_activations")), bool(given.get("compile_blocks")), stages, world_size)

    @property
    def data_ranks(self) -> int:
        """How many ranks read different data."""
        return self.world_size // self.pipeline_stages

    def data_rank(self, rank: int) -> int:
        """Which of them this rank is."""
        return rank % self.data_ranks

    @property
    def identity(self) -> dict[str, Any]:
        """What a checkpoint's states depend on; the number of ranks may change through a conversion."""
        return {
            "zero_stage": self.config["zero_optimization"]["stage"],
            "bf16": bool(self.config["bf16"].get("enabled")),
            "pipeline_stages": self.pipeline_stages,
        }

    def build(
        self,
        config: ModelConfig,
        seed: int,
        betas: tuple[float, float],
        epsilon: float,
        weight_decay: float,
        clip: float,
        universal: bool = False,
    ) -> Any:
        """A DeepSpeed engine around the model; `universal` makes it load converted checkpoints."""
        import deepspeed
        import torch

        from model.architecture import Skywork, decay_groups

        model = Skywork(config, seed=seed)
        model.model.checkpointing = self.checkpoint_activations
        if self.compile_blocks:
            for layer in model.model.layers:
                layer.compile()
        settings = self.config | {"gradient_clipping": clip}
        if universal:
            settings["checkpoint"] = {"load_universal": True}
        # torch's AdamW, passed in: DeepSpeed's own would be compiled at start, and waits for ever on a stale lock.
        optimizer = torch.optim.AdamW(decay_groups(model, weight_decay), lr=0.0, betas=betas, eps=epsilon)
        engine, wrapped, _, _ = deepspeed.initialize(model=model, optimizer=optimizer, config=settings)
        if hasattr(wrapped, "check_grad_overflow"):
            # Also in fp32: a step with NaN is skipped on every rank alike.
            wrapped.check_grad_overflow = True
        engine.train()
        return engine

    def weights(self, engine: Any) -> dict[str, Any]:
        """All weights under Hugging Face names; complete on rank 0, called on every rank."""
        if self.config["zero_optimization"]["stage"] == 3:
            return dict(engine._zero3_consolidated_16bit_state_dict() or {}) if distributed.world_size() else {}
        return dict(engine.module.state_dict())
