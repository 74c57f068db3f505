"""Make the block model: `python -m pipelines.extraction.blocks.training [--gold FOLDER]
[--no-folds] [--write]`.

Belongs here: labels from gold text, cross-validation, writing block_model.json. Does not belong
here: gold pages and their measure (gold.py), the last measurement (benchmarks/extraction.py), which
alone reads the other half.

A block's label is the share of its tokens that the longest common blocks of page and gold text
cover; its weight is its share of the page's gold tokens, so that every page counts alike, as in the
macro F1.
"""

from __future__ import annotations

import argparse
import difflib
import json
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.extraction.blocks.features import NAMES, features
from pipelines.extraction.blocks.forest import Fit, Forest, fit
from pipelines.extraction.blocks.gold import FOLDS, GOLD, SOURCES, GoldPage, bag_f1, gold_pages, tokens
from pipelines.extraction.blocks.model import PATH, BlockModel, read_model, select, with_siblings
from pipelines.extraction.html import columns as col
from pipelines.extraction.html import tree
from pipelines.extraction.html.runs import text_words
from pipelines.extraction.markdown.lines import block_text
from pipelines.extraction.page_metadata import title_of

Array = np.ndarray[Any, Any]
FOLD_MODELS = Path(__file__).resolve().parents[3] / ".cache" / "block_models"
FLOOR = 0.15  # see BlockModel.floor; cross-validation gives the same F1 for .02 to .15
SIBLINGS = (
    0.5  # see BlockModel.siblings; cross-validated macro F1 for 0, .2, .35, .5, .7: .861 .867 .869 .870 .870
)


@dataclass(frozen=True)
class Labelled:
    """A gold page as rows: float32 [n, features], labels and weights float64 [n], token counts and
    parents of blocks int64 [n]."""

    page: GoldPage
    rows: Array
    labels: Array
    weights: Array
    sizes: Array
    parents: Array
    bags: list[Counter[str]]
    gold: Counter[str]


def label(page: GoldPage) -> Labelled:
    """Align a page's blocks with its gold text."""
    data = page.html.encode("utf-8", "replace")
    elements, blocks, segments, _, _ = tree.parse(
        np.frombuffer(data, np.uint8), text_words(title_of(page.html)), False
    )
    runs = segments.tolist()
    spans = blocks[:, (col.B_FIRST, col.B_LAST)].tolist()
    by_block = [tokens(block_text(data, runs[first:last]), page.chinese) for first, last in spans]
    flat = [token for block in by_block for token in block]
    owner = np.repeat(np.arange(len(by_block)), [len(block) for block in by_block])
    gold = tokens(page.gold, page.chinese)
    covered = np.zeros(len(flat))
    for start, _, size in difflib.SequenceMatcher(None, flat, gold, autojunk=False).get_matching_blocks():
        covered[start : start + size] = 1
    sizes = np.array([len(block) for block in by_block], np.int64)
    hits = np.bincount(owner, covered, len(by_block)) if len(flat) else np.zeros(len(by_block))
    # two tokens more for each block, so that short lines are learned too; a block counts at most as
    # a whole page
    weights = np.minimum(1.0, (sizes + 2.0) / max(20, min(len(gold), len(flat)))) * (sizes > 0)
    bags = [Counter(block) for block in by_block]
    parents = elements[blocks[:, col.B_ELEMENT], col.E_PARENT]
    labels = hits / np.maximum(sizes, 1)
    return Labelled(
        page,
        features(elements, blocks),
        labels,
        weights,
        blocks[:, col.B_TOKENS],
        parents,
        bags,
        Counter(gold),
    )


def fold_models(folder: Path = FOLD_MODELS) -> list[BlockModel]:
    """The models of the folds (GoldPage.fold) that `--write` kept; [] where there are none."""
    paths = [folder / f"fold_{k}.json" for k in range(FOLDS)]
    return [read_model(path) for path in paths] if all(path.exists() for path in paths) else []


def train(pages: list[Labelled], how: Fit) -> Forest:
    rows = np.concatenate([p.rows for p in pages])
    weights = np.concatenate([p.weights for p in pages])
    return fit(rows, np.concatenate([p.labels for p in pages]), weights / weights.mean(), how)


def score(page: Labelled, forest: Forest) -> float:
    """Token F1 of the chosen blocks."""
    found: Counter[str] = Counter()
    chances = with_siblings(forest.predict(page.rows), page.sizes, page.parents, SIBLINGS)
    for bag, chosen in zip(page.bags, select(chances, page.sizes, FLOOR), strict=True):
        if chosen:
            found.update(bag)
    return bag_f1(found, page.gold)


def cross_validate(pages: list[Labelled], how: Fit) -> dict[str, list[float]]:
    """F1 of every page by a model that saw no page of its site, by cell."""
    scores: dict[str, list[float]] = {}
    for k in range(FOLDS):
        forest = train([p for p in pages if p.page.fold != k], how)
        for p in pages:
            if p.page.fold == k:
                scores.setdefault(p.page.cell, []).append(score(p, forest))
    return scores


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gold", type=Path, default=GOLD)
    parser.add_argument("--no-folds", action="store_true", help="no cross-validation")
    parser.add_argument("--write", action="store_true", help=f"write {PATH.name}")
    options = parser.parse_args(arguments)
    how = Fit()
    pages = [label(page) for page in gold_pages(options.gold, held_back=False)]
    validation: dict[str, float] = {}
    if not options.no_folds:
        cells = {cell: float(np.mean(found)) for cell, found in sorted(cross_validate(pages, how).items())}
        validation = {cell: round(value, 3) for cell, value in cells.items()} | {
            "macro": round(float(np.mean(list(cells.values()))), 4)
        }
        print("cross-validated over sites:", validation)
    if options.write:
        forest = train(pages, how)
        about = {
            "command": "python -m pipelines.extraction.blocks.training --write",
            "sources": [
                *SOURCES.values(),
                f"{len(pages)} pages of the development half (even first byte of SHA-256 of the address)",
            ],
            "cross_validation": validation,
            "fit": asdict(how),
        }
        model = {"about": about, "siblings": SIBLINGS, "floor": FLOOR, **forest.to_json(NAMES)}
        PATH.write_text(_readable(model), encoding="utf-8")
        print(f"wrote {PATH} ({PATH.stat().st_size} bytes)")
    return 0


def _readable(model: dict[str, Any]) -> str:
    """JSON with one tree a line."""
    head = json.dumps({k: v for k, v in model.items() if k != "trees"}, indent=1)
    return (
        head.removesuffix("\n}")
        + ',\n "trees": [\n  '
        + ",\n  ".join(json.dumps(tree) for tree in model["trees"])
        + "\n ]\n}\n"
    )


if __name__ == "__main__":
    raise SystemExit(main())
