"""The `deepspeed` entry of a run card, key by key: DeepSpeed itself ignores a key that it does not
know, and takes the word 'no' for true.

Belongs here: which keys a run may set, and their types. Does not belong here: our defaults, and
which combinations work (model/training/strategy.py). No torch.

Names are DeepSpeed's (its documentation, "DeepSpeed Configuration JSON"); tests hold them against
the installed version.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, StrictBool, model_validator

from model.plan.base import Config

FROM_PLAN = {
    "train_batch_size": "the plan's global_batch",
    "train_micro_batch_size_per_gpu": "the run's micro_batch",
    "gradient_accumulation_steps": "global_batch, micro_batch and the ranks",
    "optimizer": "AdamW of paper 3.6",
    "scheduler": "the plan's phases",
    "gradient_clipping": "paper 3.6",
    "data_types": "sums of gradients in fp32",
    "activation_checkpointing": "checkpoint_activations",
}
"""Keys of DeepSpeed that a run may not set, and what does."""


class OffloadOptimizer(Config):
    """Where ZeRO-2 and 3 keep the optimizer's states."""

    device: Literal["none", "cpu", "nvme"] = "none"
    nvme_path: str | None = None
    buffer_count: int = Field(default=4, gt=0)
    pin_memory: StrictBool = False
    pipeline_read: StrictBool = False
    pipeline_write: StrictBool = False
    fast_init: StrictBool = False
    ratio: float = Field(default=1.0, ge=0, le=1)


class OffloadParam(Config):
    """Where ZeRO-3 keeps the weights."""

    device: Literal["none", "cpu", "nvme"] = "none"
    nvme_path: str | None = None
    buffer_count: int = Field(default=5, gt=0)
    buffer_size: int = Field(default=100_000_000, gt=0)
    max_in_cpu: int = Field(default=1_000_000_000, ge=0)
    pin_memory: StrictBool = False


class ZeroOptimization(Config):
    """How states are cut among ranks, and how they travel."""

    stage: int = 1
    overlap_comm: StrictBool | None = None
    contiguous_gradients: StrictBool = True
    reduce_scatter: StrictBool = True
    reduce_bucket_size: int = Field(default=500_000_000, gt=0)
    use_multi_rank_bucket_allreduce: StrictBool = True
    allgather_partitions: StrictBool = True
    allgather_bucket_size: int = Field(default=500_000_000, gt=0)
    round_robin_gradients: StrictBool = False
    sub_group_size: int = Field(default=1_000_000_000, gt=0)
    offload_optimizer: OffloadOptimizer | None = None
    offload_param: OffloadParam | None = None
    stage3_prefetch_bucket_size: int = Field(default=50_000_000, ge=0)
    stage3_param_persistence_threshold: int = Field(default=100_000, ge=0)
    stage3_model_persistence_threshold: int = Field(default=2**63 - 1, ge=0)
    stage3_max_live_parameters: int = Field(default=1_000_000_000, ge=0)
    stage3_max_reuse_distance: int = Field(default=1_000_000_000, ge=0)
    stage3_module_granularity_threshold: int = Field(default=0, ge=0)
    stage3_use_all_reduce_for_fetch_params: StrictBool = False
    stage3_allgather_sequential: StrictBool = False
    zero_hpz_partition_size: int = Field(default=1, gt=0)
    zero_quantized_weights: StrictBool = False
    zero_quantized_gradients: StrictBool = False
    memory_efficient_linear: StrictBool = True
    log_trace_cache_warnings: StrictBool = False
    enable_sanity_checks: StrictBool = False


class Precision(Config):
    """Whether weights are of that type in the forward and backward pass."""

    enabled: StrictBool


class FlopsProfiler(Config):
    """DeepSpeed's profiler of one step."""

    enabled: StrictBool = False
    profile_step: int = Field(default=1, ge=1)
    module_depth: int = -1
    top_modules: int = Field(default=1, ge=1)
    detailed: StrictBool = True
    output_file: str | None = None


class CommsLogger(Config):
    """DeepSpeed's log of collectives."""

    enabled: StrictBool = False
    verbose: StrictBool = False
    prof_all: StrictBool = True
    debug: StrictBool = False
    prof_ops: tuple[str, ...] = ()


class DeepSpeedEntry(Config):
    """What a run may set; what it leaves out keeps our default or DeepSpeed's."""

    checkpoint_activations: StrictBool = False
    """Ours: blocks are computed again in the backward pass."""
    compile_blocks: StrictBool = False
    """Ours: torch.compile of each block."""
    pipeline_stages: int = Field(default=1, gt=0)
    """Ours: stages of the pipeline."""
    deterministic: StrictBool = True
    """Ours: on a GPU, only kernels that give equal bits in every run."""
    zero_optimization: ZeroOptimization = ZeroOptimization()
    bf16: Precision = Precision(enabled=True)
    fp16: Precision = Precision(enabled=False)
    communication_data_type: Literal["fp32", "bf16"] = "fp32"
    """Of the sum of gradients over ranks; bf16 halves what travels and is off by 2e-3."""
    gradient_predivide_factor: float = Field(default=1.0, gt=0)
    prescale_gradients: StrictBool = False
    steps_per_print: int = Field(default=1_000_000_000, gt=0)
    wall_clock_breakdown: StrictBool = False
    memory_breakdown: StrictBool = False
    dump_state: StrictBool = False
    flops_profiler: FlopsProfiler = FlopsProfiler()
    comms_logger: CommsLogger = CommsLogger()

    @model_validator(mode="before")
    @classmethod
    def _from_plan(cls, value: Any) -> Any:
        if isinstance(value, dict):
            fixed = [f"{k} comes from {FROM_PLAN[k]}" for k in sorted(map(str, value)) if k in FROM_PLAN]
            if fixed:
                raise ValueError(f"the deepspeed entry may not set {'; '.join(fixed)}")
        return value


def checked_entry(value: dict[str, Any]) -> dict[str, Any]:
    """The keys that were set, each of its type. ValidationError names every wrong one."""
    return DeepSpeedEntry.model_validate(value).model_dump(mode="json", exclude_unset=True)
