"""Make the block model: `python -m pipelines.extraction.blocks.training [--gold FOLDER] [--write]`.

Belongs here: labels from gold text, cross-validation, writing block_model.json. Does not belong
here: gold pages and their measure (gold.py), peers (benchmarks/extraction.py).

A block's label is the share of its tokens that the longest common blocks of page and gold text
cover; its weight is its share of the page's gold tokens, so that every page counts alike, as in the
mean F1. Pages of the smaller sets count more (WEIGHTS), or the largest would decide alone.

The second forest learns from chances of pages that the first did not see: each page is judged by a
first forest of the other folds.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.extraction.blocks.alignment import covered
from pipelines.extraction.blocks.equal_keys import first_equal
from pipelines.extraction.blocks.features import NAMES
from pipelines.extraction.blocks.forest import Fit, Forest, fit
from pipelines.extraction.blocks.gold import FOLDS, GOLD, SOURCES, GoldPage, bag_f1, gold_pages, tokens
from pipelines.extraction.blocks.model import (
    ALL_NAMES,
    MIN_COPY,
    PATH,
    BlockModel,
    Parts,
    read_model,
    taken,
    with_context,
)
from pipelines.extraction.html import columns as col
from pipelines.extraction.markdown.lines import block_text
from pipelines.extraction.page import parse_page

Array = np.ndarray[Any, Any]
FOLD_MODELS = Path(__file__).resolve().parents[3] / ".cache" / "block_models"
FLOOR = 0.05  # see BlockModel.floor
# of a page, by set; of a Chinese page by its type
WEIGHTS = {"wcxb": 1.0, "magic-html": 3.0, "article_zh": 8.0, "forum_zh": 12.0}
FIRST = Fit(num_trees=300, depth=4, rate=0.08, ridge=8.0)
SECOND = Fit(num_trees=600, depth=5, rate=0.04, ridge=8.0, feature_share=0.12, row_share=0.4, seed=2)


@dataclass(frozen=True)
class Labelled:
    """A gold page as rows: its parts, float32 [n, features], labels and weights float64 [n],
    tokens of each block and of the gold text."""

    page: GoldPage
    parts: Parts
    rows: Array
    labels: Array
    weights: Array
    bags: list[Counter[str]]
    gold: Counter[str]


def label(page: GoldPage) -> Labelled:
    """Align a page's blocks with its gold text."""
    parsed = parse_page(page.html)
    blocks, runs = parsed.parts.blocks, parsed.parts.segments.tolist()
    spans = blocks[:, (col.B_FIRST, col.B_LAST)].tolist()
    by_block = [tokens(block_text(parsed.data, runs[first:last]), page.chinese) for first, last in spans]
    flat = [token for block in by_block for token in block]
    owner = np.repeat(np.arange(len(by_block)), [len(block) for block in by_block])
    gold = tokens(page.gold, page.chinese)
    sizes = np.array([len(block) for block in by_block], np.int64)
    hits = np.bincount(owner, covered(flat, gold), len(by_block)) if len(flat) else np.zeros(len(by_block))
    # two tokens more for each block, so that short lines are learned too; a block counts at most as
    # a whole page
    weights = np.minimum(1.0, (sizes + 2.0) / max(20, min(len(gold), len(flat)))) * (sizes > 0)
    weights *= WEIGHTS.get(page.cell, WEIGHTS[page.set])
    bags = [Counter(block) for block in by_block]
    labels = of_all_copies(hits / np.maximum(sizes, 1), blocks)
    return Labelled(page, parsed.parts, parsed.parts.rows(), labels, weights, bags, Counter(gold))


def of_all_copies(labels: Array, blocks: Array) -> Array:
    """Labels (float64 [n]) where all copies of a longer text have that of the best: which of them the
    gold text runs through is chance, and one is taken anyway (model.once)."""
    first = first_equal(blocks[:, col.B_HASH].copy())
    highest = labels.copy()
    np.maximum.at(highest, first, labels)
    return np.where(blocks[:, col.B_TOKENS] >= MIN_COPY, highest[first], labels)


def fold_models(folder: Path = FOLD_MODELS) -> list[BlockModel]:
    """The models of the folds (GoldPage.fold) that `--write` kept; [] where there are none."""
    paths = [folder / f"fold_{k}.json" for k in range(FOLDS)]
    return [read_model(path) for path in paths] if all(path.exists() for path in paths) else []


def train(pages: list[Labelled], rows: list[Array], how: Fit) -> Forest:
    """A forest for the labels of some pages, from their rows."""
    weights = np.concatenate([p.weights for p in pages])
    return fit(np.concatenate(rows), np.concatenate([p.labels for p in pages]), weights / weights.mean(), how)


def train_folds(pages: list[Labelled], rows: list[Array], how: Fit) -> list[Forest]:
    """For each fold the forest of the others."""
    forests = []
    for k in range(FOLDS):
        seen = [i for i, p in enumerate(pages) if p.page.fold != k]
        forests.append(train([pages[i] for i in seen], [rows[i] for i in seen], how))
    return forests


def train_models(pages: list[Labelled], first: Fit, second: Fit) -> tuple[BlockModel, list[BlockModel]]:
    """The model of all pages, and for each fold the model of the others."""
    rows = [p.rows for p in pages]
    firsts = train_folds(pages, rows, first)
    unseen = [firsts[p.page.fold].predict(p.rows) for p in pages]
    wider = [with_context(p.rows, p.parts, chances) for p, chances in zip(pages, unseen, strict=True)]
    seconds = train_folds(pages, wider, second)
    folds = [BlockModel(a, b, FLOOR) for a, b in zip(firsts, seconds, strict=True)]
    return BlockModel(train(pages, rows, first), train(pages, wider, second), FLOOR), folds


def score(page: Labelled, model: BlockModel) -> float:
    """Token F1 of the blocks with the highest expected F1."""
    found: Counter[str] = Counter()
    chosen = taken(model.chances(page.parts), page.parts, model.floor)
    for bag, here in zip(page.bags, chosen, strict=True):
        if here:
            found.update(bag)
    return bag_f1(found, page.gold)


def means(pages: list[Labelled], folds: list[BlockModel]) -> dict[str, float]:
    """Mean F1 by cell of pages judged by the model of their fold, and over all pages of WCXB."""
    scores: dict[str, list[float]] = {}
    for p in pages:
        value = score(p, folds[p.page.fold])
        for cell in (p.page.cell, p.page.set):
            scores.setdefault(cell, []).append(value)
    return {cell: round(float(np.mean(found)), 4) for cell, found in sorted(scores.items())}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gold", type=Path, default=GOLD)
    parser.add_argument(
        "--write", action="store_true", help=f"write {PATH.name}, and the models of the folds to .cache"
    )
    options = parser.parse_args(arguments)
    pages = [label(page) for page in gold_pages(options.gold)]
    model, folds = train_models(pages, FIRST, SECOND)
    validation = means(pages, folds)
    print("cross-validated over sites:", validation)
    if options.write:
        sets = Counter(p.page.set for p in pages)
        about = {
            "command": "python -m pipelines.extraction.blocks.training --write",
            "sources": [f"{SOURCES[name]}; {count} pages" for name, count in sets.items()],
            "cross_validation": validation,
            "weights": WEIGHTS,
            "first": asdict(FIRST),
            "second": asdict(SECOND),
        }
        FOLD_MODELS.mkdir(parents=True, exist_ok=True)
        for k, fold in enumerate(folds):
            (FOLD_MODELS / f"fold_{k}.json").write_text(readable(fold, {"fold": k}), encoding="utf-8")
        PATH.write_text(readable(model, about), encoding="utf-8")
        print(f"wrote {PATH} ({PATH.stat().st_size} bytes)")
    return 0


def readable(model: BlockModel, about: dict[str, Any]) -> str:
    """JSON with one tree a line."""
    parts = [json.dumps({"about": about, "floor": model.floor}, indent=1).removesuffix("\n}")]
    for name, forest, names in (("first", model.first, NAMES), ("second", model.second, ALL_NAMES)):
        data = forest.to_json(names)
        trees = ",\n  ".join(json.dumps(tree) for tree in data["trees"])
        parts.append(f' "{name}": {{"bias": {data["bias"]}, "trees": [\n  {trees}\n ]}}')
    return ",\n".join(parts) + "\n}\n"


if __name__ == "__main__":
    raise SystemExit(main())
