"""Dump cards: what came from outside, described once.

Belongs here: the fields of a dump and their checks. Does not belong here: reading or fetching
(readers.py, raw.py).
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from pipelines.cards.base import Card
from pipelines.lake import safe_name

CATEGORIES = (
    "webpages",
    "books",
    "academic",
    "encyclopedia",
    "social",
    "code",
    "miscellany",
    "parallel",
    "stem",
)


class DumpCard(Card):
    """One dump: a crawl snapshot, a folder of JSONL files, an encyclopedia.

    `group` names what is never split between training and validation: `host`; `host/1` or `host/2`
    for the host and that many first directories of the path; `url`; or the name of a field of a
    JSONL or Parquet row. A dump of fewer than `min_groups` groups is split by URL all the same,
    with a warning. `allow` and `block` are host names or URL prefixes; `block` wins.
    `obey_opt_outs` names the signals (robots.py) that leave a page out; all are counted.
    """

    name: str
    kind: Literal["warc", "wet", "jsonl", "parquet"]
    uris: tuple[str, ...] = Field(min_length=1)
    sample: float = Field(default=1.0, gt=0.0, le=1.0)
    allow: tuple[str, ...] = ()
    block: tuple[str, ...] = ()
    obey_opt_outs: tuple[Literal["noindex", "noai", "tdm"], ...] = ()
    category: str = "webpages"
    languages: tuple[str, ...] = ("en", "zh")
    licence: str = ""
    date: str = ""
    group: str = "host"
    held_out: bool = False
    reference: bool = False
    validation_share: float = Field(default=0.02, ge=0.0, le=0.5)
    min_groups: int = Field(
        default=50,
        ge=0,
        description="ours: with fewer, a share of .02 holds out less than one source; 0 never splits by URL",
    )

    @field_validator("name")
    @classmethod
    def _name_is_a_path(cls, value: str) -> str:
        if "/" in value or value != value.strip():
            raise ValueError("use one plain name without '/'")
        return safe_name(value, "dump name")

    @field_validator("category")
    @classmethod
    def _known_category(cls, value: str) -> str:
        if value not in CATEGORIES:
            raise ValueError(f"use one of {', '.join(CATEGORIES)}")
        return value
