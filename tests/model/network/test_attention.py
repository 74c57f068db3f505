from __future__ import annotations

from typing import Any

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from model.network import attention
from model.network.architecture import Skywork
from model.network.config import ModelConfig

SHAPE = ModelConfig(num_layers=2, hidden=64, num_heads=4, num_kv_heads=2, ffn=96, vocab_size=300, context=64)


@pytest.fixture
def ids() -> torch.Tensor:
    return torch.randint(0, 300, (3, 34), generator=torch.Generator().manual_seed(1))


def test_with_document_attention_a_document_does_not_see_the_one_before(ids: torch.Tensor) -> None:
    model = Skywork(ModelConfig.from_json(SHAPE.to_json() | {"document_attention": True}), seed=1).eval()
    documents = torch.zeros(3, 34, dtype=torch.int32)
    documents[:, 20:] = 1
    other = ids.clone()
    other[:, :20] = (ids[:, :20] + 1) % 300
    with torch.no_grad():
        a, b = model(ids, None, documents), model(other, None, documents)
    torch.testing.assert_close(a[:, 20:], b[:, 20:])
    assert (a[:, :20] - b[:, :20]).abs().max() > 1e-3


def test_flex_attention_equals_the_dense_mask() -> None:
    """The kernel that a GPU compiles, uncompiled: the boundaries are the same. (It has no backward
    pass on a CPU.)"""
    generator = torch.Generator().manual_seed(1)
    q, k, v = (torch.randn(2, n, 32, 16, generator=generator) for n in (4, 2, 2))
    documents = (torch.arange(32)[None] // torch.tensor([[7], [12]])).int()
    dense = attention.attend(q, k, v, attention.document_mask(documents), False, 0.0)
    flexible = attention.attend(q, k, v, attention.document_blocks(documents), False, 0.0)
    torch.testing.assert_close(flexible, dense, atol=1e-5, rtol=0)
    with pytest.raises(ValueError, match="no dropout"):
        attention.attend(q, k, v, attention.document_blocks(documents), False, 0.1)


@pytest.mark.parametrize(
    ("where", "changed", "deterministic", "wanted"),
    [
        ("cuda", {}, True, "causal"),
        ("cuda", {}, False, None),
        ("cpu", {}, True, None),
        ("cuda", {"dropout": 0.1}, True, None),
        ("cuda", {"num_heads": 8, "num_kv_heads": 8}, True, None),  # heads of 8: too narrow
        ("cuda", {"document_attention": True}, False, "documents"),
        ("cuda", {"document_attention": True, "num_heads": 8, "num_kv_heads": 8}, False, "dense"),
        ("cpu", {"document_attention": True}, True, "dense"),
    ],
)
def test_flex_attention_is_taken_on_a_gpu_where_bits_repeat_or_documents_end(
    where: str,
    changed: dict[str, Any],
    deterministic: bool,
    wanted: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, answer in {"causal_blocks": "causal", "document_blocks": "documents"}.items():
        monkeypatch.setattr(attention, name, lambda *_, answer=answer: answer)
    monkeypatch.setattr(attention, "document_mask", lambda _: "dense")
    monkeypatch.setattr(torch, "are_deterministic_algorithms_enabled", lambda: deterministic)
    config = ModelConfig.from_json(SHAPE.to_json() | changed)
    with FakeTensorMode(allow_non_fake_inputs=True):
        x, documents = torch.empty(1, 8, 64, device=where), torch.empty(1, 8, device=where)
    assert attention.attention_mask(config, x, documents) == wanted
    with torch.no_grad():
        assert attention.attention_mask(config, x, None) is None
