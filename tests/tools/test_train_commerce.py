"""The model that selling is told by is fitted as it is applied."""

from __future__ import annotations

import pytest

from pipelines.signals import commerce
from tools.train_commerce import FOLDS, Example, fitted, score

pytest.importorskip("sklearn")


def examples() -> list[Example]:
    """Thirty texts of each kind, of different lengths."""
    out = []
    for i in range(30):
        more = " word" * i
        out.append(Example(commerce.counts_of("buy your shoes now" + more), True, f"shop{i}", "product"))
        out.append(Example(commerce.counts_of("the moon goes round" + more), False, f"blog{i}", "article"))
    return out


def test_training_scores_as_the_applied_model_does(monkeypatch: pytest.MonkeyPatch) -> None:
    model = fitted(examples())
    assert model[1]["shoes"] > 0 > model[1]["moon"]
    monkeypatch.setattr(commerce, "model", lambda: model)
    text = "buy your shoes " * 10
    example = Example(commerce.counts_of(text), True, "shop", "product")
    assert commerce.commerce_of(text) == pytest.approx(score(model, example), abs=1e-4)


def test_folds_keep_a_host_together() -> None:
    a, b = (Example(commerce.counts_of(t), True, "shop.example", "product") for t in ("one", "two"))
    assert a.fold == b.fold < FOLDS
