from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from model.training import distributed
from model.training.validation import Validation


class Scores:
    """An engine whose loss on every target is what the test says; counts the samples it was
    given."""

    reports = True
    inner = SimpleNamespace(device="cpu")

    def __init__(self) -> None:
        self.loss, self.samples = 2.0, 0

    def evaluate(self, batches: Any) -> torch.Tensor:
        self.samples += sum(len(ids) for ids, _, _ in batches)
        return torch.cat(
            [torch.full((len(ids),), self.loss * ids.shape[1], dtype=torch.float64) for ids, _, _ in batches]
        )


@pytest.fixture
def validation(shards: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> Validation:
    monkeypatch.setattr(distributed, "total", lambda values: [float(v) for v in values])
    return Validation(shards["validation"], 32, 4, 64, 0, 1)


def test_losses_are_means_over_targets_and_rows_beyond_the_end_do_not_count(validation: Validation) -> None:
    engine = Scores()
    records = {r["domain"]: r for r in validation.run(engine, 1, 3.0)}
    # 699 and 299 targets hold 21 and 9 whole sequences of 32; micro batches of four are filled up.
    assert {d: r["tokens"] for d, r in records.items()} == {"web-en": 21 * 32, "web-zh": 9 * 32}
    assert engine.samples == 24 + 12
    assert all(r["loss"] == pytest.approx(2.0) and not r["overfitting"] for r in records.values())


def test_a_rising_domain_under_a_falling_training_loss_is_a_sign_of_over_fitting(
    validation: Validation,
) -> None:
    engine = Scores()
    seen = []
    for loss, train in ((2.0, 3.0), (2.1, 2.9), (2.2, 3.0), (2.1, 2.8)):
        engine.loss = loss
        seen.append(validation.run(engine, 1, train)[0]["overfitting"])
    assert seen == [False, True, False, False]


def test_documents_are_numbered_where_the_model_keeps_to_them(
    shards: dict[str, Path], validation: Validation
) -> None:
    class Seen(Scores):
        def __init__(self) -> None:
            super().__init__()
            self.documents: list[Any] = []

        def evaluate(self, batches: Any) -> torch.Tensor:
            self.documents += [d for _, _, d in batches]
            return super().evaluate(batches)

    engine = Seen()
    validation.run(engine, 1, 3.0)
    assert engine.documents and all(d is None for d in engine.documents)
    engine.documents.clear()
    validation.boundaries = True
    validation.run(engine, 1, 3.0)
    assert all(d.dtype == torch.int32 and d.shape == (4, 32) for d in engine.documents)
