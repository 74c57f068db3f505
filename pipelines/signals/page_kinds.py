"""How much an English text reads like a page that sells, and like a page that lists other pages.

Belongs here: the form of the two models and their scores. Does not belong here: how they are made
(tools/train_page_kinds.py), numbers of form (forms.py), words (page_words.py), what is done with the
scores (filtering/policies/). Such pages are grammatical and pass every rule of form; what gives them
away is their words, and many small signs of form together.

Both are logistic regression. `listing` reads the numbers of forms.py alone: what is listed may be about
anything. `commerce` reads them and words: the logarithm of each count plus one, by the length of the
vector of all words of the text. `page_kinds_model.json` has the weight of every number and word.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipelines.kernels.utf8 import text_buffers
from pipelines.signals.forms import Forms, counts_of, forms_of
from pipelines.signals.page_words import Vocabulary, count_words, vocabulary

MODEL = Path(__file__).with_name("page_kinds_model.json")
KINDS = ("commerce", "listing")
LANGUAGE = "en"
LEAST_WORDS = 20  # in all: fewer say nothing


@dataclass(frozen=True)
class KindModel:
    """Logistic regression of one kind: intercept, a weight for each number of Forms, in their order,
    and a weight by word."""

    intercept: float
    forms: tuple[float, ...]
    words: dict[str, float] = field(default_factory=dict)

    def probabilities(
        self, known: NDArray[np.float64], squares: NDArray[np.float64], forms: Forms
    ) -> list[float]:
        """Of some texts, rounded to 1e-4. float64 [texts] each: `known`, the sum of their words'
        weights times logarithms; `squares`, the square of the length of their vector; their numbers."""
        shape = np.zeros(len(known))
        for weight, number in zip(self.forms, forms, strict=True):
            shape = shape + weight * number
        logits = self.intercept + known / np.maximum(np.sqrt(squares), 1.0) + shape
        return [round(1.0 / (1.0 + math.exp(-x)), 4) for x in np.clip(logits, -50.0, 50.0).tolist()]


@cache
def models() -> dict[str, KindModel]:
    """The model of each of KINDS."""
    read: dict[str, Any] = json.loads(MODEL.read_text(encoding="utf-8"))
    out = {}
    for kind in KINDS:
        given = read[kind]
        forms = tuple(float(given["forms"].get(name, 0.0)) for name in Forms._fields)
        out[kind] = KindModel(float(given["intercept"]), forms, dict(given.get("words", {})))
    return out


@cache
def _vocabulary() -> Vocabulary:
    return vocabulary([model.words for model in models().values()])


def measure_kinds(texts: pa.Array, languages: Sequence[str]) -> dict[str, list[float | None]]:
    """The score of each text, by kind; None in other languages, and for fewer than LEAST_WORDS
    words."""
    out: dict[str, list[float | None]] = {kind: [None] * len(texts) for kind in KINDS}
    rows = [k for k, language in enumerate(languages) if language == LANGUAGE]
    if not rows:
        return out
    chosen = texts.take(pa.array(rows))
    words = count_words(*text_buffers(chosen), _vocabulary())
    forms = forms_of(*counts_of(chosen), words)
    for column, (kind, model) in enumerate(models().items()):
        scores = model.probabilities(words.known[:, column], words.squares, forms)
        for row, total, score in zip(rows, words.total.tolist(), scores, strict=True):
            if total >= LEAST_WORDS:
                out[kind][row] = score
    return out
