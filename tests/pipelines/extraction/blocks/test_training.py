from __future__ import annotations

import numpy as np

from pipelines.extraction.blocks.forest import Fit
from pipelines.extraction.blocks.gold import GoldPage
from pipelines.extraction.blocks.training import cross_validate, label

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
    scores = cross_validate([label(page(i)) for i in range(12)], Fit(num_trees=30, depth=2, ridge=0.5))
    assert (
        set(scores) == {"article_en"} and len(scores["article_en"]) == 12 and min(scores["article_en"]) > 0.9
    )
