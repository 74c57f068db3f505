"""What benchmarks.decisions counts apart."""

from __future__ import annotations

import pytest

from benchmarks.decisions import LEAST_CHARS, UNSEEN_CHARS, cannot_be_met, is_long_enough


@pytest.mark.parametrize(
    ("kind", "chars", "unmet"), [("empty", UNSEEN_CHARS, True), ("empty", 40, False), ("teasers", 900, False)]
)
def test_a_label_of_an_empty_page_cannot_be_met_where_text_is_read(
    kind: str, chars: int, unmet: bool
) -> None:
    assert cannot_be_met({"kind": kind}, "x" * chars) is unmet


def test_length_is_characters_in_chinese_and_words_in_english() -> None:
    assert is_long_enough("山" * LEAST_CHARS, "zh") and not is_long_enough("山 " * (LEAST_CHARS - 1), "zh")
    assert is_long_enough("word " * 30, "en") and not is_long_enough("word" * 200, "en")
