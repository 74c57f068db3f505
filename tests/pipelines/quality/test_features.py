from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.quality.features import features
from tests.support.plain_features import plain_features


def test_features_are_one_line_and_fold_width() -> None:
    assert features("今天 Ｂuy\n12个!!") == "今 天 buy 0 个 ! <short> <formula>"
    assert (
        features(f"\\frac 3.14 {'x' * 30} {'aB9/' * 20}\n7") == "\\frac 0.0 <long> \u2318 0 <prose> <answer>"
    )


@settings(max_examples=400, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.text(max_size=8),
            st.sampled_from(
                [
                    "\\alpha",
                    "\\\\beta",
                    "\\",
                    "1.5",
                    "3,,4",
                    "___",
                    "_a",
                    "中文",
                    "𠀀",
                    "a𠀀b",
                    "---",
                    "²",
                    "½",
                    "Ⅳ",
                    "x" * 30,
                ]
            ),
        ),
        max_size=12,
    )
)
def test_features_are_those_of_the_plain_definition(pieces: list[str]) -> None:
    text = "".join(pieces)
    assert features(text) == plain_features(text)
