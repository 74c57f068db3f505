"""Which blocks of a page are main text.

Belongs here: the shipped model and the choice it leads to. Does not belong here: what is measured
(features.py), how the model is made (train.py).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.extraction.blocks.features import NAMES, features
from pipelines.extraction.blocks.forest import Forest
from pipelines.extraction.html import columns as col
from pipelines.extraction.html import tags

Array = np.ndarray[Any, Any]
PATH = Path(__file__).with_name(
    "block_model.json"
)  # made by `python -m pipelines.extraction.blocks.training`
MAX_WEIGHT = 30  # tokens
MAX_GAP = (
    8  # blocks from one chosen block to the next, up to which code between them belongs to the same text
)


@dataclass(frozen=True)
class BlockModel:
    """`siblings` is what a block's siblings count in its probability. `floor` is the probability
    below which a block is never taken, so that a page without main text gives none."""

    forest: Forest
    siblings: float
    floor: float

    def choose(self, elements: Array, blocks: Array) -> Array:
        """Which blocks to take (bool [n]); arguments as tree.parse gives them."""
        tokens, parents = blocks[:, col.B_TOKENS], elements[blocks[:, col.B_ELEMENT], col.E_PARENT]
        chances = with_siblings(
            self.forest.predict(features(elements, blocks)), tokens, parents, self.siblings
        )
        return with_code(select(chances, tokens, self.floor), elements, blocks)


def with_code(chosen: Array, elements: Array, blocks: Array) -> Array:
    """The chosen blocks and the code that stands among them (bool [n]).

    The gold pages hold next to no code, so that the forest has not learned it; but a text that says
    "as follows" goes on with what follows. Line numbers are no code.
    """
    code = elements[blocks[:, col.B_ELEMENT], col.E_KIND] == tags.PRE
    code &= (blocks[:, col.B_DIGITS] < blocks[:, col.B_CHARS]) & ~chosen
    taken, missing = np.flatnonzero(chosen), np.flatnonzero(code)
    if not len(taken) or not len(missing):
        return chosen
    after = np.searchsorted(taken, missing)
    among = (after > 0) & (after < len(taken))
    after = after[among]
    near = taken[after] - taken[after - 1] <= MAX_GAP
    whole = chosen.copy()
    whole[missing[among][near]] = True
    return whole


def with_siblings(chances: Array, tokens: Array, parents: Array, share: float) -> Array:
    """The probabilities with a share of the mean over each block's siblings, itself included
    (float64 [n]).

    A short line (heading, item, cell) says little by itself, but what stands under one parent is
    mostly text or noise as a whole. The mean weighs blocks by their tokens up to MAX_WEIGHT, so
    that a long paragraph does not decide alone.
    """
    if not len(chances):
        return chances
    groups = parents + 1
    weights = np.minimum(tokens, MAX_WEIGHT) + 1.0
    means = np.bincount(groups, chances * weights) / np.maximum(np.bincount(groups, weights), 1.0)
    return (1 - share) * chances + share * means[groups]


def select(chances: Array, tokens: Array, floor: float) -> Array:
    """The blocks that give the highest expected token F1 (bool [n]).

    A set that holds s tokens, of which c are expected to be main text, where the page is expected
    to hold m, has F1 = 2 c / (s + m); the best set is a prefix of the blocks in descending order of
    their probability.
    """
    if not len(chances):
        return np.zeros(0, bool)
    order = np.argsort(-chances, kind="stable")
    expected = chances[order] * tokens[order]
    measure = np.cumsum(expected) / (np.cumsum(tokens[order]) + expected.sum() + 1e-9)
    return chances >= max(floor, chances[order[int(np.argmax(measure))]])


def read_model(path: Path) -> BlockModel:
    """The model in a file. Raises FileNotFoundError, or ValueError where the file fits another
    feature set."""
    data = json.loads(path.read_text(encoding="utf-8"))
    return BlockModel(Forest.from_json(data, NAMES), float(data["siblings"]), float(data["floor"]))


@cache
def block_model() -> BlockModel:
    """The shipped model, read once a process."""
    return read_model(PATH)
