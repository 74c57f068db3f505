"""Releases: what a card says, what falls by card, which tables it takes.

Belongs here: the card, `fallen`, `resolve`, `frozen`. Does not belong here: the stages of a release, what two releases differ in
(release_diff.py), what may be deleted (gc.py).
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, field_validator

from pipelines.lake import Dataset, Lake, LakeError, MissingDataset, safe_name
from pipelines.settings import Card
from pipelines.tables import ReleaseTables, dump_tables

TABLES = ("signals", "scores", "signatures", "decisions")


class ReleaseCard(Card):
    """What a release is made of. A dump that is not named neither blocks nor enters.

    `cutoff_date` (ISO 8601): later documents fall; those without a date stay. `tombstones`: URLs that must not be published again.
    `validation` and `blocks` freeze what an earlier release decided: its validation sets and its list of recurring blocks, by `RELEASE`
    (as its pointer says now) or `RELEASE@CONTENT_HASH` (for good); with both, a new dump leaves the documents of the old ones as they
    are, but for duplicates of its own. Sets that are not frozen hold at most `validation_documents` of each domain: training text is
    searched for all of them. `jaccard` and `containment` are the verified similarities from which a duplicate is removed.
    `max_cluster` (documents) and `max_source_share` (of one dump removed as duplicates) are the blocking guards.
    """

    name: str
    dumps: tuple[str, ...] = Field(min_length=1)
    policy: str = "default"
    tokenizer: str = "demo"  # the vocabulary its token shards are written with
    cutoff_date: str = Field(default="", pattern=r"^(\d{4}(-\d{2}(-\d{2}.*)?)?)?$")
    tombstones: tuple[str, ...] = ()
    validation: str = Field(default="", pattern=r"^([^@]+(@[0-9a-f]{32})?)?$")
    validation_documents: int = Field(default=2_000, ge=1)  # some two million tokens a domain
    blocks: str = Field(default="", pattern=r"^([^@]+(@[0-9a-f]{32})?)?$")
    jaccard: float = Field(default=0.7, gt=0.0, le=1.0)
    containment: float = Field(default=0.95, gt=0.0, le=1.0)
    max_cluster: int = Field(default=1_000_000, gt=1)
    max_source_share: float = Field(default=1.0, gt=0.0, le=1.0)

    @field_validator("name")
    @classmethod
    def _name_is_a_path(cls, value: str) -> str:
        try:
            return safe_name(value, "release name")
        except LakeError as error:  # pydantic gathers ValueError only
            raise ValueError(str(error)) from None

    @field_validator("dumps")
    @classmethod
    def _dumps_once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(value)) != len(value):
            raise ValueError("a dump is named twice")
        return value


def fallen(card: ReleaseCard, urls: pa.Array | pa.ChunkedArray, dates: pa.Array | pa.ChunkedArray) -> pa.Array:
    """For each document "tombstone", "cutoff_date" or "": why the card alone takes it out of the release."""
    buried = pc.is_in(urls, value_set=pa.array(card.tombstones, pa.string()))
    late = np.zeros(len(urls), np.bool_)
    if card.cutoff_date:
        # a date is late when it sorts after the cut-off, read to the cut-off's own precision
        late = np.array([(d or "")[: len(card.cutoff_date)] > card.cutoff_date for d in dates.to_pylist()], np.bool_)
    reasons = pc.if_else(pc.fill_null(buried, False), "tombstone", pc.if_else(pa.array(late), "cutoff_date", ""))
    return reasons.combine_chunks() if isinstance(reasons, pa.ChunkedArray) else reasons


def resolve(lake: Lake, card: ReleaseCard, *tables: str) -> ReleaseTables:
    """The current tables of every dump that the card names; MissingDataset says what to materialize."""
    from pipelines.dumps.card import DumpCard

    dumps = {}
    for name in card.dumps:
        path = f"cards/dumps/{name}.yaml"
        if not lake.exists(path):
            raise MissingDataset(f"release {card.name} names dump {name!r}, but {lake.root}/{path} does not exist")
        dumps[name] = dump_tables(lake, DumpCard.load(lake.local(path)), *(tables or TABLES))
    return ReleaseTables(card, dumps)


def frozen(lake: Lake, asset: str, name: str) -> Dataset:
    """The dataset that a card's `validation` or `blocks` names: `RELEASE` or `RELEASE@CONTENT_HASH`."""
    release, _, content = name.partition("@")
    return lake.open(f"tables/{asset}/{safe_name(release)}/{content}") if content else lake.current(asset, release)
