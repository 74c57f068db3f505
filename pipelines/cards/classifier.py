"""Classifier cards: a model of a person's own, trained on labelled text, that scores every document.

Belongs here: the fields of a card and their checks. Does not belong here: reading examples and
training (quality/labelled.py, quality/classifier_models.py), tables of scores.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator, model_validator

from pipelines.cards.base import Card, CardName
from pipelines.lake import LakeError, plain_name

CARDS = "cards/classifiers"
FOLDER = "classifiers"
"""Group of the columns that a card gives: `classifiers/NAME/COLUMN`."""
Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")
RESERVED = ("doc_id", "score", "label")
"""Columns of a classifier's table, which no class may be called."""


class ExampleFields(Card):
    """Names of the fields of a row of the examples; `a.b` is the field `b` inside of `a`."""

    text: str = "text"
    """The text; not read where the card names a `dump`."""
    label: str = "label"
    """The number or the class."""
    source: str = ""
    """What the text is from (a host, a book): whole sources are left out when the model is judged.
    Empty: texts are left out one by one."""
    language: str = ""
    """en or zh; empty: it is measured."""
    doc_id: str = "doc_id"
    """The document's id in hexadecimal, where the card names a `dump`."""


class ClassifierCard(Card):
    """A model trained on labelled text. Every document gets its score, in a table of its own,
    `classifiers/NAME`."""

    named_by_file = True
    name: CardName
    """The classifier's name, and the card's file name."""
    examples: str = Field(min_length=1)
    """File of labelled rows, one JSON object a line (.jsonl, .jsonl.gz or .jsonl.zst): a path in the
    lake, or an absolute one."""
    gives: Literal["number", "classes"]
    """What a label is: a number, or one of some classes."""
    fields: ExampleFields = ExampleFields()
    """Which fields of a row hold what."""
    dump: str = ""
    """The dump whose documents the rows label by `doc_id`; their text is read there."""
    classes: tuple[str, ...] = ()
    """The classes that are learned; rows of others are left out. Empty: all classes of the file."""
    languages: tuple[Language, ...] = LANGUAGES
    """Languages of the documents that are scored; others have no score."""
    one_model: bool = False
    """One model for all languages; else one for each."""
    method: Literal["linear", "fasttext"] = "linear"
    """A linear model over hashed n-grams, or fastText, which gives classes alone."""
    ngrams: int = Field(default=2, ge=1, le=5)
    """Tokens of the longest n-gram. Ours: pairs tell more than words; triples no more, at twice the time."""
    hash_bits: int = Field(default=18, ge=10, le=22)
    """2 to this power buckets of n-grams, of the linear model. Ours: 262,144."""
    max_weights: int = Field(default=60_000, ge=1)
    """Buckets that keep their weight, of the linear model. Ours: a file below 1 MB."""
    epochs: int = Field(default=12, ge=1, le=1_000)
    """Passes over the examples. Ours."""
    learning_rate: float = Field(default=0.3, gt=0)
    """Of the first step. Ours."""
    decay: float = Field(default=1e-5, ge=0)
    """Penalty on the squares of weights, of the linear model. Ours."""
    per_source: int = Field(default=1_000, ge=1)
    """Examples of one source, label and language at most, so that no source is the label. Ours."""
    folds: int = Field(default=5, ge=2, le=20)
    """Parts of the examples, each of which is judged by a model without it."""
    seed: int = Field(default=1, ge=0)
    """Of the order of examples."""

    @field_validator("classes")
    @classmethod
    def _names(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if value and len(set(value)) < 2:
            raise ValueError("name at least two classes, or none")
        for name in value:
            check_class(name)
        return value

    @model_validator(mode="after")
    def _fits(self) -> ClassifierCard:
        if self.gives == "number" and self.classes:
            raise ValueError("a number has no classes: leave out `classes`, or write `gives: classes`")
        if self.gives == "number" and self.method == "fasttext":
            raise ValueError("fastText gives classes alone: write `method: linear`")
        if not self.languages:
            raise ValueError("name at least one language")
        return self

    def parts(self) -> dict[str, tuple[str, ...]]:
        """Languages by the model that scores them: `all`, or one of each language."""
        return {"all": self.languages} if self.one_model else {code: (code,) for code in self.languages}


def check_class(name: str) -> None:
    """ValueError where a class may not be called so: its name is a column, and a part of the names of
    sources."""
    try:
        plain_name(name)
    except LakeError as error:
        raise ValueError(f"class {error}; a class is a column, and a part of the names of sources") from None
    if name in RESERVED:
        raise ValueError(f"class {name!r}: a classifier has a column of that name; use another")
