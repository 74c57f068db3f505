"""What benchmarks.decisions counts apart."""

from __future__ import annotations

import pytest

from benchmarks.decision_good import kept_and_alone, wcxb_rows
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


def test_good_pages_are_counted_by_group_and_language_and_reasons_where_they_stand_alone() -> None:
    kept, dropped = {"keep": True, "reasons": []}, {"keep": False, "reasons": ["rules/commerce"]}
    both = {"keep": False, "reasons": ["rules/commerce", "rules/listing"]}
    wcxb = [("a", "en", kept), ("b", "en", dropped), ("c", "en", both), ("d", "en", kept), ("e", "en", kept)]
    types = {"a": "article", "b": "article", "c": "article", "d": "product", "e": "forum"}
    rows = list(wcxb_rows(wcxb, types, judged={"e"}))
    assert kept_and_alone([*rows, ("threads", "zh", kept), ("threads", "de", kept)]) == {
        ("threads", "zh"): (1, 1, {}),
        ("wcxb-article", "en"): (1, 3, {"rules/commerce": 1}),
    }
