"""Laws of a plan: learning rates, counts over phases, identity."""

from __future__ import annotations

import json
import math

import pytest

from model.plan.base import PlanError
from model.plan.build import build_plan
from model.plan.phases import STEM_RAMP, Schedule
from model.plan.plan import Plan
from tests.support.runs import card, listings, phase


def test_learning_rates_of_the_paper() -> None:
    """Paper 3.6: cosine from 6e-4 to 6e-5, then constant, at every border by tokens consumed."""
    a = phase(100, "a", schedule=Schedule(kind="cosine", peak=6e-4, final=6e-5, warmup_tokens=10 * 128))
    b = phase(20, "b", schedule=Schedule(peak=6e-5))
    plan = build_plan(card(a, b), listings({"en-webpages": 900000}))
    assert plan.lr_at(0) == pytest.approx(6e-5) and plan.lr_at(9) == pytest.approx(6e-4)
    assert plan.lr_at(54) == pytest.approx(6e-5 + 5.4e-4 * 0.5 * (1 + math.cos(math.pi * 45 / 90)))
    assert plan.lr_at(99) == pytest.approx(6e-5) == plan.lr_at(100) == plan.lr_at(119)
    assert plan.phase_at(99).name == "a" and plan.phase_at(100).name == "b"
    with pytest.raises(PlanError, match="steps 0 to 119, not 120"):
        plan.lr_at(120)


def test_read_counts_carry_over_phases() -> None:
    plan = build_plan(card(phase(10), phase(5, "b")), listings({"en-webpages": 9000, "zh-webpages": 9000}))
    counts = [sum(plan.source_counts(step).values()) for step in range(16)]
    assert counts == [8 * step for step in range(16)]
    assert plan.source_counts(15)["main/en-webpages"] == pytest.approx(120 * 39.8 / 70.2, abs=2)


def test_json_round_trip_and_identity() -> None:
    sources = listings({"en-webpages": 9000, "zh-webpages": 9000}, {"en-stem": 900})
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


def test_no_torch() -> None:
    import subprocess
    import sys

    code = "import sys, model.plan.plan, model.data.loader; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
