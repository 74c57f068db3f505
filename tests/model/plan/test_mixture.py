"""Shares of sources are those of the paper."""

from __future__ import annotations

import numpy as np
import pytest

from model.plan.base import PlanError
from model.plan.mixture import TABLE_1, StemShare, redistribute, table_1_weights, weights_by_name
from model.plan.phases import STEM_RAMP


def test_excess_goes_to_the_others_in_proportion() -> None:
    [got] = redistribute(
        "main", [("a", 100.0)], [{"a": 0.5, "b": 0.3, "c": 0.2}], [{"a": 5, "b": 1000, "c": 1000}], {}
    )
    assert got == pytest.approx({"a": 0.24, "b": 0.76 * 0.6, "c": 0.76 * 0.4})


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


BUCKETS = {
    "en-webpages/q0/law": 10,
    "en-webpages/q1/law": 30,
    "en-webpages/q1/science": 10,
    "zh-webpages/q0/law": 50,
}


def test_a_bucket_is_in_the_row_of_table_1_of_its_source() -> None:
    assert table_1_weights({"en-webpages/q0": 10, "en-webpages/q1": 30}) == pytest.approx(
        {"en-webpages/q0": 0.25, "en-webpages/q1": 0.75}
    )


def test_a_name_of_a_mixture_covers_its_buckets_that_no_longer_name_covers() -> None:
    assert weights_by_name({"en-webpages/q1/science": 0.1, "zh-webpages": 0.3}, BUCKETS) == pytest.approx(
        {"en-webpages/q1/science": 0.25, "zh-webpages/q0/law": 0.75}
    )
    assert weights_by_name({"en-webpages": 0.5, "en-webpages/q1": 0.5}, BUCKETS) == pytest.approx(
        {"en-webpages/q0/law": 0.5, "en-webpages/q1/law": 0.375, "en-webpages/q1/science": 0.125}
    )


@pytest.mark.parametrize(
    ("mixture", "sentence"),
    [
        ({"en-webpages/q9": 1.0}, "unknown sources en-webpages/q9"),
        ({"en-web": 1.0}, "unknown sources en-web"),
        ({"zh-webpages": -1.0}, "must not be negative"),
        ({"zh-webpages": 1.0, "zh-webpages/q0": 1.0}, "other names of the mixture cover all of zh-webpages"),
    ],
)
def test_a_mixture_that_reads_nothing_is_refused(mixture: dict[str, float], sentence: str) -> None:
    with pytest.raises(PlanError, match=sentence):
        weights_by_name(mixture, BUCKETS)
