"""What a strategy costs before it is started: memory per rank, bubble, communication, tokens per
second.

Belongs here: closed formulas with their sources; docs/scale.md is their table. Does not belong
here: measuring (the step log), checking a configuration (strategy.py). No torch.
"""

from __future__ import annotations

from dataclasses import dataclass

from model.network.config import CHUNK_LOGITS, PRESETS, ModelConfig

OPTIMIZER_BYTES = 12
"""A parameter's fp32 master weight and two moments."""


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """Hosts as the formulas need them; the defaults are the paper's (3.5): 64 x 8 A800, 800 Gb/s a
    host."""

    hosts: int = 64
    ranks_per_host: int = 8
    peak_flops: float = 312e12
    """Dense bf16 of one GPU."""
    kernel_efficiency: float = 0.62
    """Share of the peak that the blocks reach: Table 10's PP2 row, less its bubble and
    communication."""
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
    """The loss beside the blocks: a chunk's logits in bf16 and twice in fp32, the head's gradient
    in fp32 and of a chunk in bf16."""
    return 10.0 * min(positions * config.vocab_size, CHUNK_LOGITS) + 6.0 * config.vocab_size * config.hidden


def memory_bytes(config: ModelConfig, layout: Layout, ranks: int, length: int) -> dict[str, float]:
    """Bytes on the fullest rank, by part: weights, gradients, optimizer, activations, loss.

    Mixed precision of the ZeRO paper (arXiv 1910.02054, 3.1) with fp32 accumulation: 2 bytes of
    weight, 2 of gradient and 4 of its sum, 12 of master weight and moments. ZeRO-1 cuts the last by
    data ranks, ZeRO-2 the sums too, ZeRO-3 all. In fp32 weights and gradients take 4 and
    activations twice as much. The first stage of a pipeline holds the embedding and the activations
    of as many micro batches as there are stages (1F1B), the last one the head, one micro batch's
    activations and the loss.
    """
    stages, data_ranks = layout.pipeline_stages, ranks // layout.pipeline_stages
    embedding = config.vocab_size * config.hidden
    layers = -(-config.num_layers // stages)
    n = (config.num_parameters - 2 * embedding) * layers / config.num_layers + embedding * (
        2 if stages == 1 else 1
    )
    weight, gradient = (2.0, 2.0 + 4.0) if layout.bf16 else (4.0, 4.0)
    states = {
        "weights": weight * n / (data_ranks if layout.zero_stage >= 3 else 1),
        "gradients": gradient * n / (data_ranks if layout.zero_stage >= 2 else 1),
        "optimizer": OPTIMIZER_BYTES * n / data_ranks,
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


def bubble(layout: Layout, ranks: int) -> float:
    """Idle share of computing time over the useful: (stages - 1) / micro batches (1F1B; GPipe,
    arXiv 1811.06965)."""
    return (layout.pipeline_stages - 1) / layout.micro_batches(ranks)


def communication_bytes_per_host(config: ModelConfig, layout: Layout, cluster: Cluster) -> float:
    """Bytes through one host's network in a step, rings laid host by host.

    ZeRO-1: fp32 gradient sums all-reduced (twice 4 N) and bf16 weights gathered (2 N), of one
    stage, as a host's ranks are of one stage. ZeRO-2 scatters gradients instead, after each micro
    batch. ZeRO-3 gathers weights for both passes of each micro batch too.
    """
    n = config.num_parameters / layout.pipeline_stages
    share = (cluster.hosts - 1) / cluster.hosts
    m = layout.micro_batches(cluster.ranks)
    sent = {1: 8.0 * n + 2.0 * n, 2: 4.0 * n * m + 2.0 * n, 3: 4.0 * n * m + 4.0 * n * m}[layout.zero_stage]
    return share * sent


def tokens_per_second(config: ModelConfig, layout: Layout, cluster: Cluster, length: int) -> float:
    """Expected tokens per GPU and second: computing at the kernels' efficiency, the bubble, and
    communication that nothing hides."""
    tokens = layout.global_batch * length / cluster.ranks
    flops = config.flops_per_token(length) * (4.0 / 3.0 if layout.checkpoint_activations else 1.0)
    computing = tokens * flops / (cluster.peak_flops * cluster.kernel_efficiency)
    seconds = computing * (1.0 + bubble(layout, cluster.ranks)) + (
        communication_bytes_per_host(config, layout, cluster) / cluster.host_bytes_per_second
    )
    return tokens / seconds


def table(config: ModelConfig, cluster: Cluster, length: int) -> str:
    """The strategies side by side, as docs/scale.md has them: GB (1e9 bytes) of the fullest rank,
    GB through a host's network in a step."""
    head = "| strategy | weights | gradients | optimizer | activations | loss | memory | bubble | network | tokens/GPU/s |"
    lines = [head, "|---" * head.count(" | ") + "|---|"]
    for stages, zero in ((1, 1), (1, 2), (1, 3), (2, 1), (4, 1)):
        for recompute in (False, True):
            layout = Layout(zero_stage=zero, pipeline_stages=stages, checkpoint_activations=recompute)
            parts = memory_bytes(config, layout, cluster.ranks, length)
            name = f"{f'PP{stages} x ' if stages > 1 else ''}DP{cluster.ranks // stages}, ZeRO-{zero}{', recomputing' if recompute else ''}"
            sizes = [f"{n / 1e9:.1f}" for n in (*parts.values(), sum(parts.values()))]
            network = communication_bytes_per_host(config, layout, cluster) / 1e9
            speed = tokens_per_second(config, layout, cluster, length)
            cells = [name, *sizes, f"{bubble(layout, cluster.ranks):.3f}", f"{network:,.0f}", f"{speed:,.0f}"]
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table(PRESETS["13b"], Cluster(), 4_096))
