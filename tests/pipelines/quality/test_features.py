from __future__ import annotations

from pipelines.quality.features import features


def test_features_are_one_line_and_fold_width() -> None:
    assert features("今天 Ｂuy\n12个!!") == "今 天 buy 0 个 ! <short> <formula>"
    assert (
        features(f"\\frac 3.14 {'x' * 30} {'aB9/' * 20}\n7") == "\\frac 0.0 <long> \u2318 0 <prose> <answer>"
    )
