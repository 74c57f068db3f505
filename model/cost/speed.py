"""Expected speed of a strategy on a cluster, in closed formulas with their sources.

Belongs here: the pipeline's bubble, communication, tokens per second. Does not belong here: memory
(memory.py), what a run has measured (model/run/logs.py). No torch.
"""

from __future__ import annotations

from dataclasses import dataclass

from model.cost.memory import Layout
from model.network.config import ModelConfig


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


def bubble(layout: Layout, ranks: int) -> float:
    """Idle share of computing time over the useful: (stages - 1) / micro batches (1F1B; GPipe,
    arXiv 1811.06965)."""
    return (layout.pipeline_stages - 1) / layout.micro_batches(ranks)


def communication_bytes_per_host(config: ModelConfig, layout: Layout, cluster: Cluster) -> float:
    """Bytes through one host's network in a step, rings laid host by host.

    ZeRO-1: fp32 gradient sums all-reduced (twice 4 N) and bf16 weights gathered (2 N), of one
    stage, as a host's ranks are of one stage. ZeRO-2 does so after each micro batch (DeepSpeed's
    `use_multi_rank_bucket_allreduce`). ZeRO-3 scatters fp32 gradients (4 N) and gathers weights for
    both passes of each micro batch.
    """
    n = config.num_parameters / layout.pipeline_stages
    share = (cluster.hosts - 1) / cluster.hosts
    m = layout.micro_batches(cluster.ranks)
    sent = {1: 8.0 * n + 2.0 * n, 2: 8.0 * n * m + 2.0 * n, 3: 4.0 * n * m + 4.0 * n * m}[layout.zero_stage]
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
