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

WARM = phase(2).model_dump(mode="json") | {"schedule": {"peak": 1e-3, "warmup_tokens": 300}}


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
        ({"model": {"document_attention": "no"}}, r"document_attention: .*valid boolean"),
        ({"model": {"norm_eps": "small"}}, "norm_eps"),
        ({"model": {"norm_eps": -1}}, "norm_eps"),
        ({"model": {"norm": "layer"}}, "could not be exported"),
        ({"preset": "13B"}, "unknown preset '13B'"),
        ({"preset": "gpt-7b", "sequence_length": 8192}, "beyond the 4096 learned positions"),
        ({"deepspeed": {"zero_optimisation": {"stage": 2}}}, "zero_optimisation: unknown key"),
        ({"deepspeed": {"zero_optimization": {"stge": 2}}}, r"zero_optimization\.stge: unknown key"),
        ({"deepspeed": {"zero_optimization": {"offload_optimizer": {"devise": "cpu"}}}}, "devise: unknown"),
        ({"deepspeed": {"compile_blocks": "no"}}, r"compile_blocks: .*valid boolean"),
        ({"deepspeed": {"bf16": {"enabled": "no"}}}, r"bf16\.enabled: .*valid boolean"),
        ({"deepspeed": {"train_batch_size": 8}}, "train_batch_size comes from the plan"),
        ({"deepspeed": {"data_types": {"grad_accum_dtype": "bf16"}}}, "sums of gradients in fp32"),
        ({"phases": [WARM]}, r"phases\.0: .*warmup_tokens 300 are more than the phase's 256"),
        ({"release": "../x"}, "release: .*plain name"),
        ({"spikes": {"limit": 30}}, "never among the last 20 steps"),
        ({"spikes": {"minimum": 0}}, r"spikes\.minimum"),
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


def test_numbers_are_read_as_people_write_them(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    text = yaml.safe_dump(card(phase(2)).model_dump(mode="json"))
    more = "model: {norm_eps: 1e-5, rope_theta: 5e5}\n"
    more += "deepspeed: {zero_optimization: {reduce_bucket_size: 5e8}}\n"
    path.write_text(text.replace("model: {}\n", "").replace("deepspeed: {}\n", "") + more)
    value = RunCard.load(path)
    assert value.model == {"norm_eps": 1e-5, "rope_theta": 5e5}
    assert value.config(512).norm_eps == 1e-5
    assert value.deepspeed == {"zero_optimization": {"reduce_bucket_size": 500_000_000}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seed: 1\nseed: 2\n", "seed stands more than once"),
        ("- a\n", "is no run card"),
        ("", "is no run card"),
    ],
)
def test_what_is_no_card_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(text)
    with pytest.raises(PlanError, match=message):
        RunCard.load(path)


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
