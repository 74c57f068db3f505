from __future__ import annotations

from typing import Any

import pytest
import torch

from model.config import PRESETS, ModelConfig
from model.estimate import Cluster, Layout, activation_bytes_per_layer, bubble, memory_bytes, tokens_per_second

PP2, PP4 = Layout(pipeline_stages=2), Layout(pipeline_stages=4)


def test_expected_speed_reproduces_both_pipeline_rows_of_table_10() -> None:
    """1,873 tokens per GPU and second with PP2, to which the efficiency is fitted; 1,828 with PP4, which is not."""
    assert tokens_per_second(PRESETS["13b"], PP2, Cluster(), 4096) == pytest.approx(1873, rel=0.02)
    assert tokens_per_second(PRESETS["13b"], PP4, Cluster(), 4096) == pytest.approx(1828, rel=0.02)


def test_bubbles_of_table_10() -> None:
    assert bubble(PP2, 512) == 1 / 16
    assert bubble(PP4, 512) == 3 / 32


def test_states_fit_as_table_10_says() -> None:
    """DP512 without a pipeline is out of memory on 80 GB, as in Table 10; cutting by stages halves what ZeRO-1 cannot cut."""
    model = PRESETS["13b"]
    assert sum(memory_bytes(model, Layout(), 512, 4096).values()) > 80e9
    one, two = memory_bytes(model, Layout(), 512, 4096), memory_bytes(model, PP2, 512, 4096)
    assert two["weights"] == one["weights"] / 2 and two["activations"] == pytest.approx(one["activations"])
    assert sum(memory_bytes(model, Layout(pipeline_stages=2, checkpoint_activations=True), 512, 4096).values()) < 80e9


@pytest.mark.parametrize("kv", [0, 2])
def test_activation_bytes_are_what_autograd_keeps_on_a_cpu(kv: int) -> None:
    from model.architecture import Block, Rotary

    config = ModelConfig(num_layers=1, hidden=512, num_heads=8, num_kv_heads=kv, ffn=1376, vocab_size=64, context=256)
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
    assert activation_bytes_per_layer(config, 256, 2, fused_norm=False) == pytest.approx(sum(kept.values()), rel=0.02)
