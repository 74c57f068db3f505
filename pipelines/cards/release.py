"""Release cards: what a release is made of.

Belongs here: the fields of a release and their checks. Does not belong here: the tables of its
dumps (tables/inputs.py), which documents it takes out (tables/card_exclusions.py).
"""

from __future__ import annotations

import re

from pydantic import Field, field_validator

from pipelines.cards.base import Card, CardName
from pipelines.cards.contamination import ContaminationPolicy
from pipelines.cards.dates import CardDate
from pipelines.cards.recurrence import RecurrencePolicy


class CorpusBucket(Card):
    """One way to divide a release: by the edges of a number, or by a label."""

    column: str
    """`classifiers/NAME/COLUMN` of a classifier card, or `scores/COLUMN`."""
    edges: tuple[float, ...] = ()
    """Numbers at which the next bucket begins, ascending: NAME0 below the first, NAME1 from it on. Without
    edges the column is a label, and each label a bucket."""

    @field_validator("column")
    @classmethod
    def _table_and_column(cls, value: str) -> str:
        table, _, column = value.rpartition("/")
        group, _, name = table.partition("/")
        if not column or not (table == "scores" or (group == "classifiers" and name)):
            raise ValueError(f"{value!r}: use classifiers/NAME/COLUMN or scores/COLUMN")
        return value

    @field_validator("edges")
    @classmethod
    def _ascending(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if sorted(set(value)) != list(value):
            raise ValueError(f"{list(value)}: give edges in ascending order, each once")
        return value

    @property
    def table(self) -> str:
        """The table of the column."""
        return self.column.rpartition("/")[0]


class ReleaseCard(Card):
    """What a release is made of. A dump that is not named neither blocks nor enters.

    With `validation` and `blocks` both frozen, a new dump leaves the documents of the old ones as
    they are, but for duplicates of its own.
    """

    named_by_file = True
    written_by = "skypile card release"
    name: CardName
    """The release's partition key, and the card's file name."""
    dumps: tuple[str, ...] = Field(min_length=1)
    """The dumps that are published together, in this order."""
    policy: str = ""
    """The name of the policy that its dumps must have been decided under, or the release is refused;
    empty: whatever the lake's policy was."""
    tokenizer: str = "full"
    """The vocabulary that its token shards are written with: `full` (65,536 pieces, paper Table 2), `demo`
    (8,192), or one that has a card in cards/tokenizers."""
    cutoff_date: CardDate = ""
    """A year, month, day or moment (ISO 8601, UTC): documents that were published, or where that
    is unknown crawled, after its end are excluded; those without a readable date stay."""
    tombstones: tuple[str, ...] = ()
    """URLs that must not be published again."""
    validation: str = Field(default="", pattern=r"^([^@]+(@[0-9a-f]{32})?)?$")
    """Keep the validation sets of an earlier release: `RELEASE` as its pointer says now, or
    `RELEASE@CONTENT_HASH` for good."""
    validation_documents: int = Field(default=2_000, ge=1)
    """Documents of each domain in validation sets that are not frozen, at most; training text is
    searched for all of them. Ours: some two million tokens a domain."""
    blocks: str = Field(default="", pattern=r"^([^@]+(@[0-9a-f]{32})?)?$")
    """Keep the list of recurring blocks of an earlier release; written like `validation`."""
    jaccard: float = Field(default=0.7, gt=0.0, le=1.0)
    """Verified Jaccard similarity of shingles from which a document is removed as a duplicate."""
    containment: float = Field(default=0.95, gt=0.0, le=1.0)
    """Verified share of a document's shingles in another from which it is removed."""
    max_cluster: int = Field(default=1_000_000, gt=1)
    """Documents of the largest cluster; beyond it the release is refused (template collapse)."""
    max_source_share: float = Field(default=1.0, gt=0.0, le=1.0)
    """Share of one dump removed as duplicates; beyond it the release is refused."""
    buckets: dict[str, CorpusBucket] = Field(default_factory=dict)
    """Ways to divide the corpora, by name: each is a column of SkyPile-Main and SkyPile-STEM, and a part of
    the names of the sources of their token shards, in this order (`en-webpages/q3/science`)."""
    recurrence: RecurrencePolicy = RecurrencePolicy()
    """Which blocks of text recur exceedingly and are cut."""
    contamination: ContaminationPolicy = ContaminationPolicy()
    """When text of benchmarks and validation sets stands in training text, and what is done about it."""

    @field_validator("buckets")
    @classmethod
    def _plain_names(cls, value: dict[str, CorpusBucket]) -> dict[str, CorpusBucket]:
        for name in value:
            if not re.fullmatch("[a-z][a-z_]*", name):
                raise ValueError(f"{name!r}: a bucket's name is of small letters and _, as q or topic")
        return value

    @property
    def classifiers(self) -> tuple[str, ...]:
        """Tables of classifiers that the buckets read, each once."""
        return tuple(sorted({b.table for b in self.buckets.values() if b.table != "scores"}))

    @field_validator("dumps")
    @classmethod
    def _dumps_once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(value)) != len(value):
            raise ValueError("a dump is named twice")
        return value
