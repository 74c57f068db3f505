"""What a strategy costs before it is started: memory per rank, bubble, communication, tokens per second.

Belongs here: closed formulas with their sources; docs/scale.md is their table. Does not belong here: measuring (the step log),
checking a configuration (strategy.py). No torch.
"""

from __future__ import annotations

from dataclasses import dataclass

from model.config import ModelConfig


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """Hosts as the formulas need them; the defaults are the paper's (3.5): 64 x 8 A800, 800 Gb/s a host."""

    hosts: int = 64
    ranks_per_host: int = 8
    peak_flops: float = 312e12
    """Dense bf16 of one GPU."""
    kernel_efficiency: float = 0.62
    """Share of the peak that the blocks reach: Table 10's PP2 row, less its bubble and communication."""
    host_bytes_per_second: float = 100e9

    @property
    def ranks(self) -> int:
        """GPUs in all."""
        return self.hosts * self.ranks_per_host


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A strategy's numbers."""

    zero_stage: int = 1
    pipeline_stages: int = 1
    global_batch: int = 4_096
    micro_batch: int = 1
    checkpoint_activations: bool = False

    def micro_batches(self, ranks: int) -> int:
        """Micro batches of a data rank in one step."""
        return self.global_batch * self.pipeline_stages // (ranks * self.micro_batch)


def activation_bytes_per_layer(config: ModelConfig, length: int, micro_batch: int, fused_norm: bool = True) -> float:
    """bf16 activations that one block keeps for its backward pass (RMSNorm, SwiGLU, fused attention), held by a test on a CPU.

    By width D: both norms' inputs and outputs, turned q and k, v, attention's output. By width F: gate, up, silu(gate), their product.
    Without a fused kernel, as on a CPU, a norm keeps its input and its quotient in fp32.
    """
    kv = config.num_kv_heads * config.head_dim / config.hidden
    by_hidden = 6.0 + 2.0 * kv + (0.0 if fused_norm else 6.0)
    return 2.0 * length * micro_batch * (by_hidden * config.hidden + 4.0 * config.ffn)


def memory_bytes(config: ModelConfig, layout: Layout, ranks: int, length: int) -> dict[str, float]:
    """Bytes on the fullest rank, by part: weights, gradients, optimizer, activations.

    Mixed precision of the ZeRO paper (arXiv 1910.02054, 3.1) with fp32 accumulation: 2 bytes of weight, 2 of gradient and 4 of its
    sum, 12 of master weight and moments. ZeRO-1 cuts the last by data ranks, ZeRO-2 the sums too, ZeRO-3 all. The first stage of a
    pipeline keeps the activations of as many micro batches as there are stages (1F1B).
    """
    data_ranks = ranks // layout.pipeline_stages
    n = config.num_parameters / layout.pipeline_stages
    layers = config.num_layers / layout.pipeline_stages
    shared = {"weights": 2.0 * n, "gradients": 6.0 * n}
    if layout.zero_stage >= 2:
        shared["gradients"] = (2.0 + 4.0) * n / data_ranks
    if layout.zero_stage >= 3:
        shared["weights"] = 2.0 * n / data_ranks
    one = activation_bytes_per_layer(config, length, layout.micro_batch)
    stream = 2.0 * length * layout.micro_batch * config.hidden
    flying = min(layout.pipeline_stages, layout.micro_batches(ranks))
    kept = layers * stream * flying + one if layout.checkpoint_activations else layers * one * flying
    return {**shared, "optimizer": 12.0 * n / data_ranks, "activations": kept}


def bubble(layout: Layout, ranks: int) -> float:
    """Idle share of computing time over the useful: (stages - 1) / micro batches (1F1B; GPipe, arXiv 1811.06965)."""
    return (layout.pipeline_stages - 1) / layout.micro_batches(ranks)


def communication_bytes_per_host(config: ModelConfig, layout: Layout, cluster: Cluster) -> float:
    """Bytes through one host's network in a step, rings laid host by host.

    ZeRO-1: fp32 gradient sums all-reduced (twice 4 N) and bf16 weights gathered (2 N), of one stage, as a host's ranks are of one
    stage. ZeRO-2 scatters gradients instead, after each micro batch. ZeRO-3 gathers weights for both passes of each micro batch too.
    """
    n = config.num_parameters / layout.pipeline_stages
    share = (cluster.hosts - 1) / cluster.hosts
    m = layout.micro_batches(cluster.ranks)
    sent = {1: 8.0 * n + 2.0 * n, 2: 4.0 * n * m + 2.0 * n, 3: 4.0 * n * m + 4.0 * n * m}[layout.zero_stage]
    return share * sent


def tokens_per_second(config: ModelConfig, layout: Layout, cluster: Cluster, length: int) -> float:
    """Expected tokens per GPU and second: computing at the kernels' efficiency, the bubble, and communication that nothing hides."""
    tokens = layout.global_batch * length / cluster.ranks
    flops = config.flops_per_token(length) * (4.0 / 3.0 if layout.checkpoint_activations else 1.0)
    computing = tokens * flops / (cluster.peak_flops * cluster.kernel_efficiency)
    seconds = computing * (1.0 + bubble(layout, cluster.ranks)) + (
        communication_bytes_per_host(config, layout, cluster) / cluster.host_bytes_per_second
    )
    return tokens / seconds
