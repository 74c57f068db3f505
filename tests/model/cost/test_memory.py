from __future__ import annotations

from typing import Any

import pytest
import torch

from model.cost.memory import Layout, activation_bytes_per_layer, loss_bytes, memory_bytes
from model.network.config import PRESETS, ModelConfig

PP2, PP4 = Layout(pipeline_stages=2), Layout(pipeline_stages=4)


def test_states_fit_as_table_10_says() -> None:
    """DP512 without a pipeline is out of memory on 80 GB, as in Table 10; cutting by stages halves
    what ZeRO-1 cannot cut."""
    model = PRESETS["13b"]
    assert sum(memory_bytes(model, Layout(), 512, 4096).values()) > 80e9
    one, two = memory_bytes(model, Layout(), 512, 4096), memory_bytes(model, PP2, 512, 4096)
    assert two["weights"] == pytest.approx(one["weights"] / 2, rel=1e-4) and two[
        "activations"
    ] == pytest.approx(one["activations"])
    for layout, printed in ((PP2, 77.1e9), (PP4, 58.7e9)):
        parts = memory_bytes(model, layout, 512, 4096)
        assert sum(parts.values()) == pytest.approx(printed, rel=0.02)


def test_the_sum_over_ranks_takes_buffers_but_where_the_sums_lie_whole() -> None:
    model = PRESETS["13b"]
    parts = {z: memory_bytes(model, Layout(zero_stage=z), 512, 4096)["reduction"] for z in (1, 2, 3)}
    assert parts == {1: 0.0, 2: 8 * 5e8, 3: 10 * 5e8}
    small = memory_bytes(PRESETS["debug"], Layout(zero_stage=2), 8, 512)["reduction"]
    # The bucket is allocated whole.
    assert small == pytest.approx(2 * 5e8, rel=0.02)


@pytest.mark.parametrize("kv", [0, 2])
def test_activation_bytes_are_what_autograd_keeps_on_a_cpu(kv: int) -> None:
    from model.network.architecture import Block
    from model.network.attention import Rotary

    config = ModelConfig(
        num_layers=1, hidden=512, num_heads=8, num_kv_heads=kv, ffn=1376, vocab_size=64, context=256
    )
    block = Block(config, Rotary(config)).bfloat16()
    weights = {p.untyped_storage().data_ptr() for p in block.parameters()}
    kept: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> Any:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    x = torch.randn(2, 256, 512, dtype=torch.bfloat16, requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda t: t):
        out = block(x)
    assert out.requires_grad
    assert activation_bytes_per_layer(config, 256, 2, fused_norm=False) == pytest.approx(
        sum(kept.values()), rel=0.02
    )


def test_the_last_stage_is_the_fullest_where_the_loss_outweighs_what_flies() -> None:
    model = PRESETS["13b"]
    deep = Layout(pipeline_stages=4, checkpoint_activations=True)
    assert memory_bytes(model, deep, 512, 4096)["loss"] == loss_bytes(model, 4096)
    assert memory_bytes(model, PP4, 512, 4096)["loss"] == 0


def test_fp32_takes_twice_the_weights_and_activations() -> None:
    half, full = (memory_bytes(PRESETS["tiny"], Layout(bf16=b), 8, 512) for b in (True, False))
    assert full["weights"] == 2 * half["weights"] and full["activations"] == 2 * half["activations"]
