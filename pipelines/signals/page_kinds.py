"""How much an English text reads like a page that sells, and like a page that lists other pages.

Belongs here: the form of the two models and their scores. Does not belong here: how they are made
(tools/train_page_kinds.py), numbers of form (forms.py), what is done with the scores
(filtering/policies/). Such pages are grammatical and pass every rule of form; what gives them away is
their words, and many small signs of form together.

Both are logistic regression. `listing` reads the numbers of forms.py alone: what is listed may be about
anything. `commerce` reads them and words: the logarithm of each count plus one, by the length of the
vector of all words of the text. `page_kinds_model.json` has the weight of every number and word.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from pipelines.signals.forms import CHARS, Forms, forms_of

MODEL = Path(__file__).with_name("page_kinds_model.json")
KINDS = ("commerce", "listing")
LANGUAGE = "en"
LEAST_WORDS = 20  # in all: fewer say nothing
_NUMBER, _PRICE = re.compile(r"\d[\d.,]*"), re.compile(r"([$£€]) ?0")
_WORD = re.compile(r"[a-z]+(?:'[a-z]+)?|[$£€]0|0%")


@dataclass(frozen=True)
class KindModel:
    """Logistic regression of one kind: intercept, a weight for each number of Forms, in their order,
    and a weight by word."""

    intercept: float
    forms: tuple[float, ...]
    words: dict[str, float] = field(default_factory=dict)

    def probability(self, counts: Counter[str], length: float, forms: Forms) -> float:
        """Of a text with these words, `length` of their vector, and numbers; rounded to 1e-4."""
        known = sum(math.log1p(n) * self.words[w] for w, n in counts.items() if w in self.words)
        shape = sum(weight * number for weight, number in zip(self.forms, forms, strict=True))
        logit = self.intercept + known / max(length, 1.0) + shape
        return round(1.0 / (1.0 + math.exp(-max(-50.0, min(50.0, logit)))), 4)


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


def counts_of(text: str) -> Counter[str]:
    """Words of a text; prices and percentages are words too, whatever their number."""
    lower = _NUMBER.sub("0", text[:CHARS].lower().replace("\u2019", "'"))
    return Counter(_WORD.findall(_PRICE.sub(r"\g<1>0", lower)))


def length_of(counts: Counter[str]) -> float:
    """Length of the vector of logarithms."""
    return math.sqrt(sum(math.log1p(n) ** 2 for n in counts.values()))


def kinds_of(text: str) -> dict[str, float | None]:
    """Probability of each of KINDS; None for fewer than LEAST_WORDS words."""
    counts = counts_of(text)
    if counts.total() < LEAST_WORDS:
        return dict.fromkeys(KINDS)
    forms, length = forms_of(text, counts), length_of(counts)
    return {kind: model.probability(counts, length, forms) for kind, model in models().items()}


def measure_kinds(texts: Sequence[str], languages: Sequence[str]) -> dict[str, list[float | None]]:
    """The score of each text, by kind; None in other languages."""
    nothing: dict[str, float | None] = dict.fromkeys(KINDS)
    rows = [
        kinds_of(text) if language == LANGUAGE else nothing
        for text, language in zip(texts, languages, strict=True)
    ]
    return {kind: [row[kind] for row in rows] for kind in KINDS}
