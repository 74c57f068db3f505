"""Parameters of MinHash signatures: one card for a lake, because a release compares all its dumps.

Belongs here: sizes and seed. Does not belong here: signing a text (dedup/signatures.py), from which
similarity a document is a duplicate (the release's card).
"""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from pipelines.cards.base import Card
from pipelines.lake import Lake

MINHASH_CARD = "cards/minhash.yaml"


class MinHashParameters(Card):
    """28 bands of 8 over 16-bit values. Two documents of Jaccard similarity .7 share a band with
    probability .81, of .8 with .994; over pairs spread evenly from .7 to 1 that is .977, where the same
    bytes as 14 bands over 32-bit values give .914."""

    num_perm: int = 224
    """Minima of a signature."""
    bands: int = 28
    """Bands whose keys are compared: documents that share one are candidates."""
    rows: int = 8
    """Minima of a band."""
    ngram: Literal[5] = 5
    """Tokens of a shingle; the compiled code knows one value."""
    seed: int = 1
    """Of the permutations."""

    @model_validator(mode="after")
    def _fits(self) -> MinHashParameters:
        if self.bands < 1 or self.rows < 1 or self.bands * self.rows > self.num_perm:
            raise ValueError(
                f"bands x rows = {self.bands * self.rows} needs 1 to num_perm = {self.num_perm} values"
            )
        return self

    def collision(self, similarity: float) -> float:
        """Probability that two documents of this Jaccard similarity share a band."""
        return float(1 - (1 - similarity**self.rows) ** self.bands)

    @classmethod
    def of(cls, lake: Lake) -> Self:
        """The lake's parameters, `cards/minhash.yaml`, or the defaults."""
        return cls.of_lake(lake, MINHASH_CARD)
