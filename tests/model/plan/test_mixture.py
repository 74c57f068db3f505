"""Shares of sources are those of the paper."""

from __future__ import annotations

import numpy as np
import pytest

from model.plan.mixture import TABLE_1, StemShare, redistribute, table_1_weights
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
