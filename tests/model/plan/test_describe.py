"""A plan for a person: every phase, source and repetition is in it."""

from __future__ import annotations

from model.plan.build import build_plan
from model.plan.describe import describe_plan
from model.plan.phases import STEM_RAMP, Schedule
from tests.support.runs import card, listings, phase


def test_phases_rates_and_repetitions_are_shown() -> None:
    cosine = Schedule(kind="cosine", peak=6e-4, final=6e-5, warmup_tokens=10 * 128)
    request = card(phase(100, "a", schedule=cosine), phase(20, "b", stage="stage2", stem=STEM_RAMP))
    plan = build_plan(request, listings({"en-webpages": 900_000, "zh-webpages": 9_000}, {"en-stem": 900}))
    text = describe_plan(plan)
    assert f"{plan.steps} steps of {plan.tokens_per_step} tokens" in text.replace(",", "")
    assert "stage1 a: steps 0 to 99" in text and "stage2 b: steps 100 to 119" in text
    assert "6.00e-05 begins (step 0)" in text and "6.00e-04 peak (step 9)" in text
    assert "SkyPile-STEM: none" in text and "10.0% to 40.0%, 20.0% on average" in text
    rows = {line.split()[0]: line.split() for line in text.splitlines()[-len(plan.sources) :]}
    assert rows.keys() == {source.name for source in plan.sources}
    for name, often in plan.repetitions().items():
        assert rows[name][3] == f"{often:.2f}"
