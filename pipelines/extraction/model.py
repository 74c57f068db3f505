"""Which blocks of a page are main text.

Belongs here: the shipped model and the choice it leads to. Does not belong here: what is measured (features.py), how the
model is made (train.py).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.extraction.features import NAMES
from pipelines.extraction.forest import Forest

Array = np.ndarray[Any, Any]
PATH = Path(__file__).with_name("block_model.json")  # made by `python -m pipelines.extraction.train`
MAX_WEIGHT = 30  # tokens


@dataclass(frozen=True)
class BlockModel:
    """`siblings` is what a block's siblings count in its probability. `floor` is the probability below which a block is never taken, so
    that a page without main text gives none."""

    forest: Forest
    siblings: float
    floor: float

    def choose(self, rows: Array, tokens: Array, parents: Array) -> Array:
        """Which blocks to take (bool [n]) of float32 [n, features].

        tokens: int64 [n] words and Han characters of each; parents: int64 [n] parent of each block's element (-1: none).
        """
        return select(with_siblings(self.forest.predict(rows), tokens, parents, self.siblings), tokens, self.floor)


def with_siblings(chances: Array, tokens: Array, parents: Array, share: float) -> Array:
    """The probabilities with a share of the mean over each block's siblings, itself included (float64 [n]).

    A short line (heading, item, cell) says little by itself, but what stands under one parent is mostly text or noise as a whole. The
    mean weighs blocks by their tokens up to MAX_WEIGHT, so that a long paragraph does not decide alone.
    """
    if not len(chances):
        return chances
    groups = parents + 1
    weights = np.minimum(tokens, MAX_WEIGHT) + 1.0
    means = np.bincount(groups, chances * weights) / np.maximum(np.bincount(groups, weights), 1.0)
    return (1 - share) * chances + share * means[groups]


def select(chances: Array, tokens: Array, floor: float) -> Array:
    """The blocks that give the highest expected token F1 (bool [n]).

    A set that holds s tokens, of which c are expected to be main text, where the page is expected to hold m, has
    F1 = 2 c / (s + m); the best set is a prefix of the blocks in descending order of their probability.
    """
    if not len(chances):
        return np.zeros(0, bool)
    order = np.argsort(-chances, kind="stable")
    expected = chances[order] * tokens[order]
    measure = np.cumsum(expected) / (np.cumsum(tokens[order]) + expected.sum() + 1e-9)
    return chances >= max(floor, chances[order[int(np.argmax(measure))]])


@cache
def block_model(path: Path = PATH) -> BlockModel:
    """The shipped model. Raises FileNotFoundError, or ValueError where the file fits another feature set."""
    data = json.loads(path.read_text(encoding="utf-8"))
    return BlockModel(Forest.from_json(data, NAMES), float(data["siblings"]), float(data["floor"]))
