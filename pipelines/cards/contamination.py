"""When benchmark text stands in training text, and what is done about it: a section of release cards.

Belongs here: the bounds and the actions. Does not belong here: finding items in a text
(contamination/).
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pipelines.cards.base import Card

Action = Literal["drop", "cut", "mark"]


class ContaminationPolicy(Card):
    """When a text holds a benchmark item, and what is done about it. The numbers are ours: with every
    tenth token edited, 5-grams keep at least half."""

    ngram: int = Field(default=5, ge=2)
    """Tokens of an n-gram."""
    containment: float = Field(default=0.35, gt=0, le=1)
    """Share of an item's n-grams found within one window of the text."""
    min_hits: int = Field(default=5, ge=1)
    """N-grams found: nine words or characters in a row."""
    min_words: int = Field(default=14, ge=2)
    """Words of an item; shorter items are looked for whole, with at most a tenth of their tokens
    edited."""
    min_han: int = Field(default=18, ge=2)
    """The like bound in Chinese characters."""
    short_words: int = Field(default=8, ge=8)
    """Words; still shorter items are not looked for and are counted."""
    short_han: int = Field(default=10, ge=8)
    """The like bound in Chinese characters."""
    common: int = Field(default=5, ge=1)
    """An n-gram in more items than this is left out."""
    inside: float = Field(default=0.8, gt=0, le=1)
    """A document of which this share lies in one item is found too."""
    skeleton_ngram: int = Field(default=4, ge=2)
    """Tokens of an n-gram of skeletons: an item without numbers, capitalised words, single letters and
    commands of TeX, which finds it with other numbers and names. Items without a number, and validation
    documents, have none."""
    skeleton_containment: float = Field(default=0.2, gt=0, le=1)
    """Share of the n-grams of an item's skeleton found within one window of the text's."""
    skeleton_containment_han: float = Field(default=0.5, gt=0, le=1)
    """The like bound of Chinese items: four characters are less than four words."""
    skeleton_score: int = Field(default=8, ge=4)
    """N-grams found, and one for each further place of the text in which they stand: a run of seven is a
    phrase, and five in four places of one paragraph are an item with other words. A skeleton of fewer
    n-grams tells nothing."""
    skeleton_score_han: int = Field(default=9, ge=4)
    """The like bound of Chinese items: four characters are two words."""
    skeleton_common: int = Field(default=40, ge=1)
    """An n-gram in more skeletons than this is left out."""
    shape_tokens: int = Field(default=8, ge=4)
    """Tokens of an item's shape: its tokens with `0` for every number, and one `0` for numbers in a
    row. It is looked for whole, with at most a tenth of its tokens edited, and finds formulas, of
    which a skeleton has nothing. Items that have a skeleton may have a shape."""
    shape_distinct: int = Field(default=5, ge=2)
    """Different tokens of the shape, but for `0` and the letters a to e, which name options: `a 0 b 0
    c 0 d 0` is any list."""
    common_groups: int = Field(default=10, ge=2)
    """Groups (hosts, books, repositories) in whose documents an n-gram of an item is found, for it to be
    common text: a famous quotation, a clause of a law. A match must have `min_hits` others."""
    common_whole: float = Field(default=0.8, gt=0, le=1)
    """Share of an item's n-grams that makes a match a leak, however common they are."""
    long_bytes: int = Field(default=20_000, ge=1)
    """A text of so many bytes is long: a chapter or more. Where what is found covers little of it, the
    action drop cuts what was found instead; validation text always drops."""
    long_share: float = Field(default=0.05, ge=0, le=1)
    """Share of a long text's bytes that what is found in it may cover."""
    cut_categories: tuple[str, ...] = ("books",)
    """Categories whose documents lose what was found, however long they are: a chapter that a benchmark
    quotes is older than the benchmark."""
    benchmark: Action = "drop"
    """What is done about text of benchmark items: drop the document, cut the text, or mark it."""
    leakage: Action = "drop"
    """What is done about text of the leakage sets."""
    validation: Action = "drop"
    """What is done about text of the validation sets."""
