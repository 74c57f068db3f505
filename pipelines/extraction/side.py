"""Which side of the split a document is on.

Belongs here: the functions that say train or validation, and whether a dump is split by source or
page by page. Does not belong here: what is done with the sides, reading dumps.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from pipelines.cards.dump import DumpCard
from pipelines.cards.urls import normal_url
from pipelines.lake import digest

SALT = "skypile-side-1"  # changing it re-draws every validation set ever published

SplitBy = Literal["group", "url"]


def split_by(groups: Iterable[str], card: DumpCard) -> SplitBy:
    """`url` for a dump of fewer than `card.min_groups` different groups, else `group`. Reads no
    more groups than it needs.

    The order of the groups and how often each comes have no influence.
    """
    if card.held_out or card.validation_share == 0 or card.group == "url":
        return "group"  # all of the dump is on one side, or its groups are its pages
    seen: set[str] = set()
    for group in groups:
        seen.add(group)
        if len(seen) >= card.min_groups:
            return "group"
    return "url" if len(seen) < card.min_groups else "group"


def side(group: str, url: str, card: DumpCard, by: SplitBy) -> str:
    """`train` or `validation`: a pure function of group or URL, category and card.

    By group, all documents of a group in one category are on one side, whatever dump they came in
    with. By URL, this holds for all documents with one URL in normal form. A larger share keeps
    the groups or URLs of a smaller one. A held-out dump is validation throughout.
    """
    if card.held_out:
        return "validation"
    unit = group if by == "group" else normal_url(url)
    return (
        "validation"
        if int(digest(SALT, card.category, unit)[:13], 16) < card.validation_share * 16**13
        else "train"
    )
