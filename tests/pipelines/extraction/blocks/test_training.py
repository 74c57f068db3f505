from __future__ import annotations

import numpy as np
import pytest

from pipelines.extraction.blocks.forest import Fit
from pipelines.extraction.blocks.training import GOLD, GoldPage, cross_validate, gold_pages, label, token_f1
from pipelines.extraction.page import extract

TEXT = "Sentence number {} tells what happened, where, and to whom; it is main text."
NOISE = "<ul class=menu><li><a href=/{0}>Section {0}</a><li><a href=/x>Other {0}</a></ul>"


def page(i: int) -> GoldPage:
    lines = [TEXT.format(i * 10 + j) for j in range(5)]
    html = (
        f"<title>T</title>{NOISE.format(i)}<div class=content>"
        + "".join(f"<p>{line}</p>" for line in lines)
        + f"</div>{NOISE.format(i)}"
    )
    return GoldPage("article", f"https://site{i}.example/{i}", html, "\n".join(lines))


def test_labels_are_the_share_of_a_block_that_the_gold_text_covers() -> None:
    labelled = label(page(3))
    assert labelled.labels.tolist() == [0, 0, 1, 1, 1, 1, 1, 0, 0]
    assert np.isclose(labelled.weights[2:7].sum(), 1.0, atol=0.3)


def test_cross_validation_learns_pages_of_one_make() -> None:
    scores = cross_validate([label(page(i)) for i in range(12)], Fit(num_trees=30, depth=2, ridge=0.5), 3)
    assert (
        set(scores) == {"article_en"} and len(scores["article_en"]) == 12 and min(scores["article_en"]) > 0.9
    )


def test_f1_counts_words_or_chinese_characters() -> None:
    assert token_f1("A b, c", "a B d", False) == pytest.approx(2 / 3)
    assert token_f1("中文！", "中。国", True) == pytest.approx(0.5) and token_f1("", "a", False) == 0


@pytest.mark.skipif(not GOLD.exists(), reason="../shared/data/extraction-gold is not on this machine")
def test_shipped_model_on_the_development_half() -> None:
    pages = gold_pages(GOLD, held_back=False)
    assert not {p.url for p in pages} & {p.url for p in gold_pages(GOLD, held_back=True)} and len(pages) > 100
    cells: dict[str, list[float]] = {}
    for p in pages:
        cells.setdefault(p.cell, []).append(token_f1(extract(p.html).text, p.gold, p.chinese))
    assert np.mean([np.mean(v) for v in cells.values()]) > 0.88
