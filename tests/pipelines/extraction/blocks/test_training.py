from __future__ import annotations

from pathlib import Path

import numpy as np

from pipelines.extraction.blocks.forest import Fit
from pipelines.extraction.blocks.gold import GoldPage
from pipelines.extraction.blocks.model import read_model
from pipelines.extraction.blocks.training import WEIGHTS, label, means, of_all_copies, readable, train_models
from pipelines.extraction.html import columns as col

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
    assert np.isclose(labelled.weights[2:7].sum(), WEIGHTS["magic-html"], rtol=0.3)


def test_folds_learn_pages_of_one_make(tmp_path: Path) -> None:
    pages, how = [label(page(i)) for i in range(12)], Fit(num_trees=30, depth=2, ridge=0.5)
    model, folds = train_models(pages, how, how)
    found = means(pages, folds)
    assert set(found) == {"article_en", "magic-html"} and found["article_en"] > 0.9
    path = tmp_path / "model.json"
    path.write_text(readable(model, {"command": "a test"}), encoding="utf-8")
    again = read_model(path)
    assert np.abs(again.chances(pages[0].parts) - model.chances(pages[0].parts)).max() < 0.02


def test_copies_of_a_longer_text_have_one_label() -> None:
    blocks = np.zeros((5, col.NUM_BLOCK_COLUMNS), np.int64)
    blocks[:, col.B_HASH], blocks[:, col.B_TOKENS] = [7, 8, 7, 9, 9], [6, 6, 6, 5, 5]
    assert of_all_copies(np.array([0.1, 0.2, 0.9, 0, 1]), blocks).tolist() == [0.9, 0.2, 0.9, 0, 1]
