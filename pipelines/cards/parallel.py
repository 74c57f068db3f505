"""From where on two pages are a text and its translation: one card for a lake.

Belongs here: the bounds. Does not belong here: the numbers that they bound
(corpora/paragraph_alignment.py, corpora/parallel.py).
"""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from pipelines.cards.base import Card
from pipelines.lake import Lake

PARALLEL_CARD = "cards/parallel.yaml"


class ParallelBounds(Card):
    """Bounds of `parallel_pairs`. The defaults are ours, from the documentation of PaddlePaddle and
    Dive into Deep Learning in English and Chinese."""

    min_ratio: float = Field(default=0.4, gt=0)
    """Length of the English page by that of the Chinese one, a Chinese character being as long as 3.5
    others."""
    max_ratio: float = Field(default=2.5, gt=0)
    """The same, at most."""
    min_score: float = Field(default=0.5, ge=0, le=1)
    """Share of numbers, names in Latin letters and links that both pages hold, at least."""
    min_aligned: float = Field(default=0.5, ge=0, le=1)
    """Share of the characters of both pages that are in paragraphs with a counterpart, at least."""
    min_paragraph_score: float = Field(default=0.3, ge=0, le=1)
    """As min_score, of a paragraph and its counterpart: others do not enter the text for training. Without
    numbers, names and links it is .5."""
    max_paragraphs: int = Field(default=2000, ge=1, le=10_000)
    """Pages with more paragraphs are left out: time and memory grow with their product."""

    @model_validator(mode="after")
    def _ordered(self) -> ParallelBounds:
        if self.min_ratio > self.max_ratio:
            raise ValueError(f"min_ratio {self.min_ratio} is above max_ratio {self.max_ratio}")
        return self

    @classmethod
    def of(cls, lake: Lake) -> Self:
        """The lake's bounds, `cards/parallel.yaml`, or the defaults."""
        return cls.of_lake(lake, PARALLEL_CARD)
