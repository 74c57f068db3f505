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

from pipelines.extraction.blocks.asides import without_asides
from pipelines.extraction.blocks.context import NAMES as CONTEXT_NAMES
from pipelines.extraction.blocks.context import context
from pipelines.extraction.blocks.cues import cues
from pipelines.extraction.blocks.equal_keys import first_equal
from pipelines.extraction.blocks.features import NAMES, features
from pipelines.extraction.blocks.forest import Forest
from pipelines.extraction.html import columns as col
from pipelines.extraction.html import tags
from pipelines.extraction.html.displayed import BEGINS, formulas_in
from pipelines.extraction.html.names import DIALOG
from pipelines.kernels.compiled import kernel

Array = np.ndarray[Any, Any]
PATH = Path(__file__).with_name(
    "block_model.json"
)  # made by `python -m pipelines.extraction.blocks.training`
ALL_NAMES = NAMES + CONTEXT_NAMES  # of what the second forest reads
# Times the sum of probabilities that a page is expected to hold: blocks of a page are main text or
# not together, so that the longer of its two forms is to be met. F1 of WCXB over folds for 1, 1.2,
# 1.5: .8438, .8446, .8451; of magic-html for 1 and 1.4: .8595, .8570.
HELD = 1.3
MIN_COPY = 6  # words and Han characters from which a copy is left out
# Expected words of main text elsewhere, from which nothing is taken in dialogs and the page's footer: of
# their words in the gold pages .008 and .005 are main text. F1 over folds, dialogs with this bound: WCXB
# +.0011 [-.0001, +.0023], magic-html +.0047 [-.0005, +.0099]; footers then: WCXB +.0028 [+.0011, +.0045],
# magic-html +.0001 [-.0001, +.0003]. 60 gives as much, 100 less.
MIN_ELSEWHERE = 30.0
MAX_GAP = (
    8  # blocks from one chosen block to the next, up to which code between them belongs to the same text
)


@dataclass(frozen=True, slots=True)
class Parts:
    """What is known of a page: its UTF-8 bytes (uint8 [n]); elements, blocks and segments as
    tree.parse gives them; what it says that it is (hints.py)."""

    data: Array
    elements: Array
    blocks: Array
    segments: Array
    hints: Array

    def rows(self) -> Array:
        """One row of numbers a block: float32 [blocks, features.NUM_FEATURES]."""
        given = cues(self.data, self.blocks, self.segments)
        return features(self.elements, self.blocks, given, self.hints)


@dataclass(frozen=True)
class BlockModel:
    """`first` judges each block by itself, `second` by what `first` thinks of its surroundings too.
    `floor` is the probability below which a block is never taken, so that a page without main text
    gives none."""

    first: Forest
    second: Forest
    floor: float

    def chances(self, parts: Parts) -> Array:
        """The probability of each block to be main text (float64 [n])."""
        rows = parts.rows()
        return self.second.predict(with_context(rows, parts, self.first.predict(rows)))

    def choose(self, parts: Parts) -> Array:
        """Which blocks to take (bool [n])."""
        return with_code(taken(self.chances(parts), parts, self.floor), parts.elements, parts.blocks)


def with_context(rows: Array, parts: Parts, chances: Array) -> Array:
    """The rows that the second forest reads: float32 [n, len(ALL_NAMES)]."""
    return np.concatenate([rows, context(parts.elements, parts.blocks, chances)], axis=1)


def taken(chances: Array, parts: Parts, floor: float) -> Array:
    """The blocks that their chances (float64 [n]) lead to (bool [n])."""
    chances = elsewhere_only(chances, parts.elements, parts.blocks)
    chosen = select(chances, parts.blocks[:, col.B_TOKENS], floor)
    formulas = formulas_in(parts.data, parts.blocks, parts.segments, False) == BEGINS
    chosen = once(chosen, chances, parts.elements, parts.blocks, formulas)
    return without_asides(chosen, parts.data, parts.elements, parts.blocks, parts.segments)


@kernel
def elsewhere_only(chances: Array, elements: Array, blocks: Array) -> Array:
    """The chances (float64 [n]) with 0 for what stands in a dialog (consent, terms, sign-in, size charts)
    or in the page's footer: one out of articles, of main and of quotes. Unchanged where less than
    MIN_ELSEWHERE words of main text are expected elsewhere: some pages are one dialog."""
    inside, own_text = np.zeros(elements.shape[0], np.bool_), np.zeros(elements.shape[0], np.bool_)
    for e in range(elements.shape[0]):
        up, kind = elements[e, col.E_PARENT], elements[e, col.E_KIND]
        if up >= 0:
            inside[e], own_text[e] = inside[up], own_text[up]
        own_text[e] |= kind == tags.ARTICLE or kind == tags.MAIN or kind == tags.QUOTE
        inside[e] |= kind == tags.FOOTER and not own_text[e]
        inside[e] |= (elements[e, col.E_OWN] & DIALOG) != 0
    left, elsewhere = chances.copy(), 0.0
    for i in range(chances.size):
        if inside[blocks[i, col.B_ELEMENT]]:
            left[i] = 0.0
        else:
            elsewhere += chances[i] * blocks[i, col.B_TOKENS]
    return left if elsewhere >= MIN_ELSEWHERE else chances


@kernel
def once(chosen: Array, chances: Array, elements: Array, blocks: Array, formulas: Array) -> Array:
    """The chosen blocks without copies (bool [n]): a text of MIN_COPY words or more is taken where it is
    likeliest, and in places of that path: the rows of a table and the cards of a list may repeat it, but
    not its form for another width of the screen, a tab, or the quote of a post that is there. `formulas`
    (bool [n]) are taken as often as they stand: a derivation repeats them."""
    left = chosen.copy()
    first = first_equal(blocks[:, col.B_HASH].copy())
    paths = np.zeros(chosen.size, np.int64)  # of the likeliest copy; by the first
    known = np.zeros(chosen.size, np.bool_)
    for i in np.argsort(-chances, kind="mergesort"):
        if not chosen[i] or formulas[i] or blocks[i, col.B_TOKENS] < MIN_COPY:
            continue
        path, text = elements[blocks[i, col.B_ELEMENT], col.E_PATH], first[i]
        if not known[text]:
            known[text], paths[text] = True, path
        elif paths[text] != path:
            left[i] = False
    return left


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


def select(chances: Array, tokens: Array, floor: float) -> Array:
    """The blocks that give the highest expected token F1 (bool [n]).

    A set that holds s tokens, of which c are expected to be main text, where the page is expected
    to hold m, has F1 = 2 c / (s + m); the best set is a prefix of the blocks in descending order of
    their probability. m is HELD times what the probabilities say.
    """
    if not len(chances):
        return np.zeros(0, bool)
    order = np.argsort(-chances, kind="stable")
    expected = chances[order] * tokens[order]
    measure = np.cumsum(expected) / (np.cumsum(tokens[order]) + HELD * expected.sum() + 1e-9)
    return chances >= max(floor, chances[order[int(np.argmax(measure))]])


def read_model(path: Path) -> BlockModel:
    """The model in a file. Raises FileNotFoundError, or ValueError where the file fits another
    feature set."""
    data = json.loads(path.read_text(encoding="utf-8"))
    first, second = Forest.from_json(data["first"], NAMES), Forest.from_json(data["second"], ALL_NAMES)
    return BlockModel(first, second, float(data["floor"]))


@cache
def block_model() -> BlockModel:
    """The shipped model, read once a process."""
    return read_model(PATH)
