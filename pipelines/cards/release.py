"""Release cards: what a release is made of.

Belongs here: the fields of a release and their checks. Does not belong here: the tables of its
dumps (tables/inputs.py), which documents the card takes out (release/survivors.py).
"""

from __future__ import annotations

from pydantic import Field, field_validator

from pipelines.cards.base import Card
from pipelines.lake import LakeError, safe_name


class ReleaseCard(Card):
    """What a release is made of. A dump that is not named neither blocks nor enters.

    `cutoff_date` (ISO 8601): later documents fall; those without a date stay. `tombstones`: URLs
    that must not be published again. `validation` and `blocks` freeze what an earlier release
    decided: its validation sets and its list of recurring blocks, by `RELEASE` (as its pointer says
    now) or `RELEASE@CONTENT_HASH` (for good); with both, a new dump leaves the documents of the old
    ones as they are, but for duplicates of its own. Sets that are not frozen hold at most
    `validation_documents` of each domain: training text is searched for all of them. `jaccard` and
    `containment` are the verified similarities from which a duplicate is removed. `max_cluster`
    (documents) and `max_source_share` (of one dump removed as duplicates) are the blocking guards.
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
