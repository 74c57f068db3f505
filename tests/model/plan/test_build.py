"""Laws of a plan as it is made: repetitions, and what is refused by name."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.plan.base import PlanError
from model.plan.build import build_plan
from model.plan.mixture import TABLE_1
from model.plan.phases import STEM_RAMP
from tests.support.runs import card, listings, phase


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
        plan = build_plan(request, listings(main))
    except PlanError as error:
        assert "repetitions" in str(error) and sum(steps) * 8 > 5 * sum(sizes) - len(steps) * len(sizes) - 1
        return
    for source, reads in zip(plan.sources, plan.counts(plan.steps), strict=True):
        assert reads <= 5 * source.sequences("x")
    assert plan.counts(plan.steps).sum() == sum(steps) * 8


def test_too_little_data_is_refused_by_name() -> None:
    with pytest.raises(
        PlanError, match=r"phase a reads 800 sequences of main.*main/en-webpages has 100 sequences"
    ):
        build_plan(card(phase(100)), listings({"en-webpages": 1601}))
    with pytest.raises(PlanError, match=r"phase b reads .* of stem.*stem/en-stem has 2 sequences"):
        build_plan(
            card(phase(10), phase(50, "b", stage="stage2", stem=STEM_RAMP)),
            listings({"en-webpages": 90000}, {"en-stem": 40}),
        )
    with pytest.raises(PlanError, match="phase a reads SkyPile-STEM"):
        build_plan(card(phase(10, stem=STEM_RAMP)), listings({"en-webpages": 90000}))
    with pytest.raises(PlanError, match="phase a: unknown sources zh-books"):
        build_plan(card(phase(10, mixture={"zh-books": 1.0})), listings({"en-webpages": 90000}))


def test_shards_of_two_tokenizers_are_refused() -> None:
    sources = listings({"en-webpages": 9000}, {"en-stem": 900})
    sources["stem"]["tokenizer_hash"] = "u"
    with pytest.raises(PlanError, match="2 tokenizers"):
        build_plan(card(phase(2)), sources)
