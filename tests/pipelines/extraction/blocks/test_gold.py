from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from pipelines.extraction.blocks.gold import FOLDS, GOLD, SETS, TYPES, GoldPage, gold_pages, token_f1
from pipelines.extraction.page import extract

needs_gold = pytest.mark.skipif(
    not GOLD.exists(), reason="../shared/data/extraction-gold is not on this machine"
)


def test_f1_counts_words_or_chinese_characters() -> None:
    assert token_f1("A b, c", "a B d", False) == pytest.approx(2 / 3)
    assert token_f1("中文！", "中。国", True) == pytest.approx(0.5) and token_f1("", "a", False) == 0


def test_pages_of_one_site_are_in_one_fold_and_all_folds_are_used() -> None:
    folds = [GoldPage("article", f"https://{w}.site{i}.org/{w}", "", "") for w in "ab" for i in range(50)]
    assert [p.fold for p in folds[:50]] == [p.fold for p in folds[50:]]
    assert {p.fold for p in folds} == set(range(FOLDS))


def test_a_cell_is_the_set_and_type_or_language() -> None:
    assert GoldPage("forum", "u", "", "中文的正文").cell == "forum_zh"
    assert GoldPage("product", "u", "", "text", "wcxb").cell == "wcxb_product"


@needs_gold
def test_both_sets_are_read_with_every_page_type() -> None:
    pages = gold_pages(GOLD)
    kinds = Counter(p.kind for p in pages if p.set == "wcxb")
    assert set(kinds) == set(TYPES) and min(kinds.values()) > 50
    assert {p.set for p in pages} == set(SETS)


@needs_gold
def test_shipped_model_on_the_pages_that_it_learned_from() -> None:
    scores: dict[str, list[float]] = {}
    for p in gold_pages(GOLD):
        if p.set == "magic-html":
            scores.setdefault(p.cell, []).append(token_f1(extract(p.html).text, p.gold, p.chinese))
    assert np.mean([np.mean(v) for v in scores.values()]) > 0.88
