"""The models of page kinds are fitted as they are applied."""

from __future__ import annotations

import pyarrow as pa
import pytest

from pipelines.signals import page_kinds
from pipelines.signals.page_kinds import KINDS
from pipelines.signals.page_words import vocabulary
from tools.train_page_kinds import FOLDS, Example, example, fitted, held_out_scores, scores_of

pytest.importorskip("sklearn")


def examples() -> list[Example]:
    """Thirty texts of each kind, of different lengths."""
    out = []
    for i in range(30):
        more = " word" * i
        out.append(example("buy your shoes now" + more, f"shop{i}", "product"))
        out.append(example("one title\n\nanother\n\n12-21\n\nthe third" + more, f"news{i}", "listing"))
        out.append(
            example("the moon goes round, and nobody knows why it does." + more, f"blog{i}", "article")
        )
    return out


def test_training_scores_as_the_applied_model_does(monkeypatch: pytest.MonkeyPatch) -> None:
    models = {kind: fitted(examples(), kind) for kind in KINDS}
    assert models["commerce"].words["shoes"] > 0 > models["commerce"].words["moon"]
    assert not models["listing"].words
    monkeypatch.setattr(page_kinds, "models", lambda: models)
    monkeypatch.setattr(page_kinds, "_vocabulary", lambda: vocabulary([m.words for m in models.values()]))
    text = "buy your shoes " * 10
    given = [example(text, "shop", "product")]
    applied = page_kinds.measure_kinds(pa.array([text]), ["en"])
    assert applied == {kind: scores_of(model, given) for kind, model in models.items()}


def test_folds_keep_a_host_together() -> None:
    a, b = (example(text, "shop.example", "product") for text in ("one", "two"))
    assert a.fold == b.fold < FOLDS


def test_a_reader_stands_above_the_type_of_a_page() -> None:
    def of(type_: str, verdict: str = "") -> tuple[bool | None, bool | None]:
        given = example("text", "host", type_, verdict)
        return given.is_of("commerce"), given.is_of("listing")

    assert of("product") == (True, None) and of("listing") == (True, True) and of("article") == (False, False)
    assert of("product", "keep") == (False, False) and of("listing", "border") == (None, None)
    assert of("article", "drop") == (None, None) and of("collection", "drop") == (True, None)


def test_scores_held_out_tell_the_kinds_apart() -> None:
    found = examples()
    scores = held_out_scores(found, "listing")
    listed = [s for s, e in zip(scores, found, strict=True) if e.type == "listing"]
    others = [s for s, e in zip(scores, found, strict=True) if e.type == "article"]
    assert min(listed) > max(others)
