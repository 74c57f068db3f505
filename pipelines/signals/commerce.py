"""How much an English text reads like a page that sells: products, services, listings.

Belongs here: the model's form and its score. Does not belong here: how it is made
(tools/train_commerce.py), what is done with it (filtering/policies/). Such pages are grammatical and
pass every rule of form; what gives them away is their words.

The model is logistic regression over words: the logarithm of each count plus one, by the length of
the vector of all words of the text. `commerce_model.json` has the weight of every word.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path

MODEL = Path(__file__).with_name("commerce_model.json")
LANGUAGE = "en"
CHARS = 8_000  # read of a text, from its beginning
LEAST_WORDS = 20  # in all: fewer say nothing
_NUMBER, _PRICE = re.compile(r"\d[\d.,]*"), re.compile(r"([$£€]) ?0")
_WORD = re.compile(r"[a-z]+(?:'[a-z]+)?|[$£€]0|0%")


@cache
def model() -> tuple[float, dict[str, float]]:
    """Intercept, and weight by word."""
    read = json.loads(MODEL.read_text(encoding="utf-8"))
    return float(read["intercept"]), dict(read["weights"])


def counts_of(text: str) -> Counter[str]:
    """Words of a text; prices and percentages are words too, whatever their number."""
    lower = _NUMBER.sub("0", text[:CHARS].lower().replace("\u2019", "'"))
    return Counter(_WORD.findall(_PRICE.sub(r"\g<1>0", lower)))


def length_of(counts: Counter[str]) -> float:
    """Length of the vector of logarithms."""
    return math.sqrt(sum(math.log1p(n) ** 2 for n in counts.values()))


def commerce_of(text: str) -> float | None:
    """Probability that the page sells, rounded to 1e-4; None for fewer than LEAST_WORDS words."""
    counts = counts_of(text)
    if counts.total() < LEAST_WORDS:
        return None
    intercept, weights = model()
    known = sum(math.log1p(n) * weights[w] for w, n in counts.items() if w in weights)
    return round(1.0 / (1.0 + math.exp(-(intercept + known / length_of(counts)))), 4)


def measure_commerce(texts: Sequence[str], languages: Sequence[str]) -> list[float | None]:
    """The score of each text; None in other languages."""
    return [
        commerce_of(text) if language == LANGUAGE else None
        for text, language in zip(texts, languages, strict=True)
    ]
