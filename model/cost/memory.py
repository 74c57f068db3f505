"""Memory of a rank under a strategy, in closed formulas with their sources.

Belongs here: bytes of weights, gradients, optimizer, activations and loss. Does not belong here:
time (speed.py), a card's numbers for a person (run_cost.py), checking a configuration
(model/training/strategy.py). No torch.
"""

from __future__ import annotations

from dataclasses import dataclass

from model.network.config import GPU_CHUNK_LOGITS, ModelConfig

OPTIMIZER_BYTES = 12
"""A parameter's fp32 master weight and two moments."""
REDUCE_BUCKET = 500_000_000
"""Gradients that DeepSpeed gathers before it sends them (`reduce_bucket_size`, its default)."""


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A strategy's numbers."""

    zero_stage: int = 1
    pipeline_stages: int = 1
    global_batch: int = 4_096
    micro_batch: int = 1
    checkpoint_activations: bool = False
    bf16: bool = True

    def micro_batches(self, ranks: int) -> int:
        """Micro batches of a data rank in one step."""
        return self.global_batch * self.pipeline_stages // (ranks * self.micro_batch)


def activation_bytes_per_layer(
    config: ModelConfig, length: int, micro_batch: int, fused_norm: bool = True
) -> float:
    """bf16 activations that one block keeps for its backward pass (RMSNorm, SwiGLU, fused
    attention), held by a test on a CPU.

    By width D: both norms' inputs and outputs, turned q and k, v, attention's output. By width F:
    gate, up, silu(gate), their product. Without a fused kernel, as on a CPU, a norm keeps its input
    and its quotient in fp32.
    """
    kv = config.num_kv_heads * config.head_dim / config.hidden
    by_hidden = 6.0 + 2.0 * kv + (0.0 if fused_norm else 6.0)
    return 2.0 * length * micro_batch * (by_hidden * config.hidden + 4.0 * config.ffn)


def loss_bytes(config: ModelConfig, positions: int) -> float:
    """The loss beside the blocks on a GPU: a chunk's logits in bf16, the head's gradient in fp32 and
    of a chunk in bf16."""
    return (
        2.0 * min(positions * config.vocab_size, GPU_CHUNK_LOGITS) + 6.0 * config.vocab_size * config.hidden
    )


def reduction_bytes(zero_stage: int, bf16: bool, parameters: float) -> float:
    """Buffers of the sum over ranks, in fp32 (as DeepSpeed 0.19's sources allocate them).

    ZeRO-1 with bf16 weights sums its fp32 gradients where they lie. The others fill a bucket, and
    copy what is in it: ZeRO-2 flat and then to fp32, ZeRO-3 to fp32 and then in the order of ranks.
    In fp32 one copy is enough.
    """
    if zero_stage == 1 and bf16:
        return 0.0
    copies = {2: 2.0 + 4.0, 3: 4.0 + 4.0}[zero_stage] if bf16 else 4.0
    return (2.0 if bf16 else 4.0) * REDUCE_BUCKET + copies * min(parameters, REDUCE_BUCKET)


def memory_bytes(config: ModelConfig, layout: Layout, ranks: int, length: int) -> dict[str, float]:
    """Bytes on the fullest rank, by part: weights, gradients, optimizer, reduction, activations,
    loss.

    Mixed precision of the ZeRO paper (arXiv 1910.02054, 3.1) with fp32 accumulation: 2 bytes of
    weight, 4 of the gradients' sum, into which each gradient goes as it comes, 12 of master weight
    and moments. ZeRO-1 cuts the last by data ranks, ZeRO-2 the sums too, ZeRO-3 all. In fp32
    weights take 4 and activations twice as much. The first stage of a pipeline holds the embedding
    and the activations of as many micro batches as there are stages (1F1B), the last one the head,
    one micro batch's activations and the loss.
    """
    stages, data_ranks = layout.pipeline_stages, ranks // layout.pipeline_stages
    embedding = config.vocab_size * config.hidden
    layers = -(-config.num_layers // stages)
    n = (config.num_parameters - 2 * embedding) * layers / config.num_layers + embedding * (
        2 if stages == 1 else 1
    )
    weight = 2.0 if layout.bf16 else 4.0
    states = {
        "weights": weight * n / (data_ranks if layout.zero_stage >= 3 else 1),
        "gradients": 4.0 * n / (data_ranks if layout.zero_stage >= 2 else 1),
        "optimizer": OPTIMIZER_BYTES * n / data_ranks,
        "reduction": reduction_bytes(layout.zero_stage, layout.bf16, n),
    }
    one = activation_bytes_per_layer(config, length, layout.micro_batch) * weight / 2.0
    stream = weight * length * layout.micro_batch * config.hidden

    def kept(flying: int) -> float:
        return layers * stream * flying + one if layout.checkpoint_activations else layers * one * flying

    loss = loss_bytes(config, length * layout.micro_batch)
    first = {
        "activations": kept(min(stages, layout.micro_batches(ranks))),
        "loss": loss if stages == 1 else 0.0,
    }
    last = {"activations": kept(1), "loss": loss}
    return states | max(first, last, key=lambda part: sum(part.values()))
