"""`python -m model.cost.strategies`: the strategies side by side, as docs/scale.md has them.

Belongs here: the table of Skywork-13B on the paper's cluster. Does not belong here: the formulas
(memory.py, speed.py).
"""

from __future__ import annotations

from model.cost.memory import Layout, memory_bytes
from model.cost.speed import Cluster, bubble, communication_bytes_per_host, tokens_per_second
from model.network.config import PRESETS, ModelConfig


def table(config: ModelConfig, cluster: Cluster, length: int) -> str:
    """The strategies side by side, as docs/scale.md has them: GB (1e9 bytes) of the fullest rank,
    GB through a host's network in a step."""
    columns = ["strategy", "weights", "gradients", "optimizer", "reduction", "activations", "loss", "memory"]
    columns += ["bubble", "network", "tokens/GPU/s"]
    lines = ["| " + " | ".join(columns) + " |", "|---" * len(columns) + "|"]
    for stages, zero in ((1, 1), (1, 2), (1, 3), (2, 1), (4, 1)):
        for recompute in (False, True):
            layout = Layout(zero_stage=zero, pipeline_stages=stages, checkpoint_activations=recompute)
            parts = memory_bytes(config, layout, cluster.ranks, length)
            pipeline, again = f"PP{stages} x " if stages > 1 else "", ", recomputing" if recompute else ""
            name = f"{pipeline}DP{cluster.ranks // stages}, ZeRO-{zero}{again}"
            sizes = [f"{n / 1e9:.1f}" for n in (*parts.values(), sum(parts.values()))]
            network = communication_bytes_per_host(config, layout, cluster) / 1e9
            speed = tokens_per_second(config, layout, cluster, length)
            cells = [name, *sizes, f"{bubble(layout, cluster.ranks):.3f}", f"{network:,.0f}", f"{speed:,.0f}"]
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table(PRESETS["13b"], Cluster(), 4_096))
