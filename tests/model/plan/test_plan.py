"""Laws of the plan: counts, repetitions, schedules, identity."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from model.plan.base import PlanError
from model.plan.build import build_plan
from model.plan.card import RunCard, default_run_card
from model.plan.describe import describe_plan
from model.plan.mixture import TABLE_1, StemShare, redistribute, table_1_weights
from model.plan.phases import STEM_RAMP, Phase, Schedule
from model.plan.plan import Plan


def shards(main: dict[str, int], stem: dict[str, int] | None = None) -> dict[str, Any]:
    return {
        "main": {"sources": {n: {"tokens": t} for n, t in main.items()}, "tokenizer_hash": "t"},
        "stem": {"sources": {n: {"tokens": t} for n, t in (stem or {}).items()}, "tokenizer_hash": "t"},
    }


def card(*phases: Phase, **values: Any) -> RunCard:
    return RunCard(
        **{"name": "r", "release": "x", "sequence_length": 16, "global_batch": 8, "phases": phases} | values
    )


def phase(steps: int, name: str = "a", **values: Any) -> Phase:
    return Phase(
        **{"name": name, "stage": "stage1", "tokens": steps * 128, "schedule": Schedule(peak=1e-3)} | values
    )


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(1, 400), min_size=1, max_size=8),
    st.lists(st.integers(1, 300), min_size=1, max_size=3),
)
def test_no_source_more_than_five_times_or_refused_by_name(sizes: list[int], steps: list[int]) -> None:
    main = {
        f"{language}-{category}": n * 16 + 1
        for (language, category), n in zip(list(TABLE_1), sizes, strict=False)
    }
    request = card(*(phase(n, f"p{i}") for i, n in enumerate(steps)))
    try:
        plan = build_plan(request, shards(main))
    except PlanError as error:
        assert "repetitions" in str(error) and sum(steps) * 8 > 5 * sum(sizes) - len(steps) * len(sizes) - 1
        return
    for source, reads in zip(plan.sources, plan.counts(plan.steps), strict=True):
        assert reads <= 5 * source.sequences("x")
    assert plan.counts(plan.steps).sum() == sum(steps) * 8


def test_excess_goes_to_the_others_in_proportion() -> None:
    [got] = redistribute(
        "main", [("a", 100.0)], [{"a": 0.5, "b": 0.3, "c": 0.2}], [{"a": 5, "b": 1000, "c": 1000}], {}
    )
    assert got == pytest.approx({"a": 0.24, "b": 0.76 * 0.6, "c": 0.76 * 0.4})


def test_too_little_data_is_refused_by_name() -> None:
    with pytest.raises(
        PlanError, match=r"phase a reads 800 sequences of main.*main/en-webpages has 100 sequences"
    ):
        build_plan(card(phase(100)), shards({"en-webpages": 1601}))
    with pytest.raises(PlanError, match=r"phase b reads .* of stem.*stem/en-stem has 2 sequences"):
        build_plan(
            card(phase(10), phase(50, "b", stage="stage2", stem=STEM_RAMP)),
            shards({"en-webpages": 90000}, {"en-stem": 40}),
        )
    with pytest.raises(PlanError, match="phase a reads SkyPile-STEM"):
        build_plan(card(phase(10, stem=STEM_RAMP)), shards({"en-webpages": 90000}))
    with pytest.raises(PlanError, match="phase a: unknown sources zh-books"):
        build_plan(card(phase(10, mixture={"zh-books": 1.0})), shards({"en-webpages": 90000}))


def test_table_1_is_the_papers() -> None:
    assert sum(TABLE_1.values()) == pytest.approx(100.0)
    weights = table_1_weights(
        {
            "en-webpages": 10,
            "zh-webpages": 10,
            "en-code": 30,
            "zh-code": 10,
            "de-encyclopedia": 1,
            "zh-parallel": 5,
        }
    )
    total = 39.8 + 30.4 + 8.0 + 2.4 + 3.1
    want = {
        "en-webpages": 39.8,
        "zh-webpages": 30.4,
        "en-code": 6.0,
        "zh-code": 2.0,
        "de-encyclopedia": 2.4,
        "zh-parallel": 3.1,
    }
    assert weights == pytest.approx({k: v / total for k, v in want.items()})


def test_the_stem_ramp_is_the_papers() -> None:
    t = np.linspace(0, 1, 10001)
    assert STEM_RAMP.share(0) == 0.10 and STEM_RAMP.share(1) == pytest.approx(0.40)
    assert STEM_RAMP.integral(np.ones(1))[0] == pytest.approx(0.20)
    for ramp in (
        STEM_RAMP,
        StemShare(kind="linear", start=0.1, end=0.4),
        StemShare(kind="steps", steps=((0.0, 0.1), (0.25, 0.5))),
    ):
        shares = np.array([ramp.share(float(x)) for x in t])
        assert ramp.integral(t)[-1] == pytest.approx(shares.mean(), abs=1e-3)


def test_learning_rates_of_the_paper() -> None:
    """Paper 3.6: cosine from 6e-4 to 6e-5, then constant, at every border by tokens consumed."""
    a = phase(100, "a", schedule=Schedule(kind="cosine", peak=6e-4, final=6e-5, warmup_tokens=10 * 128))
    b = phase(20, "b", schedule=Schedule(peak=6e-5))
    plan = build_plan(card(a, b), shards({"en-webpages": 900000}))
    assert plan.lr_at(0) == pytest.approx(6e-5) and plan.lr_at(9) == pytest.approx(6e-4)
    assert plan.lr_at(54) == pytest.approx(6e-5 + 5.4e-4 * 0.5 * (1 + math.cos(math.pi * 45 / 90)))
    assert plan.lr_at(99) == pytest.approx(6e-5) == plan.lr_at(100) == plan.lr_at(119)
    assert plan.phase_at(99).name == "a" and plan.phase_at(100).name == "b"
    with pytest.raises(PlanError, match="steps 0 to 119, not 120"):
        plan.lr_at(120)


def test_read_counts_carry_over_phases() -> None:
    plan = build_plan(card(phase(10), phase(5, "b")), shards({"en-webpages": 9000, "zh-webpages": 9000}))
    counts = [sum(plan.source_counts(step).values()) for step in range(16)]
    assert counts == [8 * step for step in range(16)]
    assert plan.source_counts(15)["main/en-webpages"] == pytest.approx(120 * 39.8 / 70.2, abs=2)


def test_json_round_trip_and_identity() -> None:
    sources = shards({"en-webpages": 9000, "zh-webpages": 9000}, {"en-stem": 900})
    request = card(phase(10), phase(5, "b", stage="stage2", stem=STEM_RAMP))
    plan = build_plan(request, sources)
    again = Plan.from_json(json.loads(json.dumps(plan.to_json())))
    assert again == plan and again.hash == plan.hash and again.source_counts(13) == plan.source_counts(13)
    assert build_plan(request.model_copy(update={"seed": 2}), sources).hash != plan.hash
    sources["stem"]["sources"]["en-stem"]["tokens"] += 1
    assert build_plan(request, sources).hash != plan.hash
    damaged = plan.to_json()
    damaged["phases"][0]["weights"]["main/en-webpages"] += 0.1
    with pytest.raises((PlanError, AssertionError)):
        Plan.from_json(damaged).counts(1)
    with pytest.raises(PlanError, match="format 9"):
        Plan.from_json({**plan.to_json(), "format": 9})


def test_shards_of_two_tokenizers_are_refused() -> None:
    sources = shards({"en-webpages": 9000}, {"en-stem": 900})
    sources["stem"]["tokenizer_hash"] = "u"
    with pytest.raises(PlanError, match="2 tokenizers"):
        build_plan(card(phase(2)), sources)


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
        ({"validation_sequences": 0}, "validation_sequences"),
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
    plan = build_plan(default_run_card("demo", "x", shards(main, stem)), shards(main, stem))
    assert [p.stage for p in plan.phases] == ["stage1", "stage1", "stage2"]
    assert "repetitions" in describe_plan(plan) and plan.stage_steps("stage2")[1] == plan.steps
    assert plan.total_steps("stage1") + plan.total_steps("stage2") == plan.steps


def test_no_torch() -> None:
    import subprocess
    import sys

    code = "import sys, model.plan.plan, model.data.loader; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
