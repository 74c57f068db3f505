"""Features are the tokens of a text's beginning, and the kinds of its lines."""

from __future__ import annotations

import pytest

from pipelines.quality.features import CHARS, features
from tests.support.plain_features import plain_features


def test_features_are_one_line_and_fold_width() -> None:
    assert features("今天 Ｂuy\n12个!!") == "今 天 buy 0 个 ! <short> <formula>"
    assert (
        features(f"\\frac 3.14 {'x' * 30} {'aB9/' * 20}\n7") == "\\frac 0.0 <long> \u2318 0 <prose> <answer>"
    )


@pytest.mark.parametrize("unit", ["Ｗord 1.5\n", "中文。\n", "a" * 45 + " é\n", "\\frac__x\n"])
def test_features_are_those_of_the_plain_definition(unit: str) -> None:
    text = unit * CHARS
    assert features(text) == plain_features(text) and len(features("")) == 0
