"""Learning rates and phases as a card asks for them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from model.plan.phases import STEM_RAMP, Phase, Schedule


@given(st.integers(0, 1_000), st.integers(1, 999))
def test_a_rate_rises_to_its_peak_and_falls_to_its_end(tokens: int, warmup: int) -> None:
    schedule = Schedule(kind="cosine", peak=6e-4, final=6e-5, warmup_tokens=warmup)
    rates = [schedule.at(t, 1_000) for t in (tokens, tokens + 1)]
    assert (rates[0] <= rates[1]) if tokens < warmup else (rates[0] >= rates[1])
    assert schedule.at(0, 1_000) == 0.0 and schedule.at(warmup, 1_000) == pytest.approx(6e-4)
    assert schedule.at(1_000, 1_000) == pytest.approx(6e-5) == pytest.approx(schedule.at(5_000, 1_000))


def test_a_constant_rate_is_its_peak_after_the_warm_up() -> None:
    schedule = Schedule(peak=3e-4, warmup_tokens=10)
    assert [schedule.at(t, 100) for t in (0, 5, 10, 99)] == [0.0, 1.5e-4, 3e-4, 3e-4]


def test_the_ramp_of_stem_is_the_papers() -> None:
    assert (STEM_RAMP.share(0.0), STEM_RAMP.share(1.0)) == (0.10, pytest.approx(0.40))


@pytest.mark.parametrize(
    "wrong", [{"name": "Stage A"}, {"stage": "stage3"}, {"tokens": 0}, {"schedule": {"peak": 0}}]
)
def test_a_phase_that_cannot_be_is_refused(wrong: dict[str, object]) -> None:
    given = {"name": "a", "stage": "stage1", "tokens": 10, "schedule": {"peak": 1e-3}}
    assert Phase.model_validate(given).mixture == "table1"
    with pytest.raises(ValidationError):
        Phase.model_validate(given | wrong)
