"""Cards are refused by key, and the default card fits any release."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from model.plan.base import PlanError
from model.plan.build import build_plan
from model.plan.card import RunCard, default_run_card
from model.plan.describe import describe_plan
from model.plan.limits import EvaluationLimits
from tests.support.runs import card, listings, phase


def test_a_cards_settings_reach_the_loop() -> None:
    value = card(phase(2), keep_every=7, limit_seconds={"save": 9.0}, model={"document_attention": True})
    assert value.settings.keep_every == 7 and value.settings.limit_seconds == {"save": 9.0}
    assert value.config(512).document_attention and value.config(512).vocab_size == 512


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"globl_batch": 3}, "globl_batch: unknown key"),
        ({"micro_batch": 3}, "micro_batch 3"),
        ({"phases": []}, "phases"),
        ({"seed": "x"}, "seed"),
        ({"spikes": {"widht": 3}}, "spikes.widht: unknown key"),
        ({"limit_seconds": {"stp": 3}}, "unknown phases stp"),
        ({"limit_seconds": {"step": "x"}}, "limit_seconds.step"),
        ({"preflight": {"clock": 3}}, "preflight.clock: unknown key"),
        ({"model": {"layers": 3}}, "unknown model keys layers"),
        ({"model": {"vocab_size": 3}}, "comes from the tokenizer"),
        ({"fork": "../x/step-00000001"}, "fork"),
        ({"fork": "x"}, "fork"),
        ({"model": {"norm_eps": float("nan")}}, r"model\.norm_eps: nan is no finite number"),
        ({"name": "a\nb"}, "name: .*one line"),
        ({"validation_sequences": 0}, "validation_sequences"),
        ({"evaluation": {"questions": -1}}, "questions"),
        ({"evaluation": {"question": 5}}, "question"),
    ],
)
def test_bad_cards_are_refused_by_key(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    good = card(phase(2)).model_dump(mode="json")
    path = tmp_path / "r.yaml"
    path.write_text(yaml.safe_dump(good))
    assert RunCard.load(path) == card(phase(2))
    path.write_text(yaml.safe_dump(good | change))
    with pytest.raises(PlanError, match=message):
        RunCard.load(path)
    with pytest.raises(PlanError, match="no such file"):
        RunCard.load(tmp_path / "none.yaml")


def test_a_copied_card_keeps_no_other_name(tmp_path: Path) -> None:
    path = tmp_path / "copy.yaml"
    path.write_text(yaml.safe_dump(card(phase(2)).model_dump(mode="json")))
    with pytest.raises(PlanError, match=r"copy\.yaml says `name: r`.*write `name: copy` into it"):
        RunCard.load(path)


@pytest.mark.parametrize(
    ("main", "stem"),
    [
        ({"en-webpages": 2_000_000, "en-code": 9000}, {"en-stem": 30_000}),
        ({"en-webpages": 8000}, {"en-stem": 600}),
        ({"en-webpages": 60_000}, {}),
        ({"en-webpages": 60_000}, {"en-stem": 300}),
    ],
)
def test_the_default_card_fits_any_release(main: dict[str, int], stem: dict[str, int]) -> None:
    plan = build_plan(default_run_card("demo", "x", listings(main, stem)), listings(main, stem))
    assert [p.stage for p in plan.phases] == ["stage1", "stage1", "stage2"]
    assert "repetitions" in describe_plan(plan) and plan.stage_steps("stage2")[1] == plan.steps
    assert plan.total_steps("stage1") + plan.total_steps("stage2") == plan.steps


def test_the_reports_ask_what_the_card_says() -> None:
    asked = EvaluationLimits(questions=0, documents=7)
    tasks = ("benchmarks", "overfit", "perplexity", "leakage", "validation")
    assert [asked.of(t) for t in tasks] == [0, 0, 7, 7, 0]
    assert [EvaluationLimits().of(t) for t in tasks] == [50, 50, None, None, 0]
