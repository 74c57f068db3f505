from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from model.network import loss
from model.network.architecture import Skywork
from model.network.config import ModelConfig

SHAPE = ModelConfig(num_layers=2, hidden=64, num_heads=4, num_kv_heads=2, ffn=96, vocab_size=300, context=64)


@pytest.fixture
def ids() -> torch.Tensor:
    return torch.randint(0, 300, (3, 34), generator=torch.Generator().manual_seed(1))


def test_chunks_and_ignored_targets_change_nothing(
    ids: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = Skywork(SHAPE, seed=1)
    x, y = ids[:, :-1], ids[:, 1:].clone()
    y[0, :5] = loss.IGNORE
    whole = F.cross_entropy(model(x).flatten(0, 1), y.flatten(), reduction="sum", ignore_index=loss.IGNORE)
    wanted = torch.autograd.grad(whole, list(model.parameters()))
    monkeypatch.setattr(loss, "CHUNK_LOGITS", 300 * 7)
    monkeypatch.setattr(loss, "CACHED_LOGITS", 300 * 3)
    total, losses = model(x, y)
    found = torch.autograd.grad(total, list(model.parameters()))
    torch.testing.assert_close(total, whole)
    assert losses[0, :5].abs().sum() == 0 and losses.sum() == pytest.approx(float(total.detach()), rel=1e-6)
    for a, b in zip(found, wanted, strict=True):
        torch.testing.assert_close(a, b, atol=2e-5, rtol=1e-4)
