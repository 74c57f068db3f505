"""Bounds of the checks on a dump's tables: one card for a lake.

Belongs here: numbers from which a check fails. Does not belong here: the checks
(inspection/funnel.py).
"""

from __future__ import annotations

from typing import Self

from pydantic import Field

from pipelines.cards.base import Card
from pipelines.lake import Lake

CHECKS_CARD = "cards/checks.yaml"


class CheckBounds(Card):
    """What a dump's funnel must lie in. Dumps of few documents are not judged by shares."""

    min_documents: int = Field(default=200)
    """Ours: below this a share says nothing."""
    min_keep_rate: float = Field(default=0.02, ge=0, le=1)
    """Ours: FineWeb keeps about 8 % of extracted Common Crawl pages."""
    max_keep_rate: float = Field(default=0.999, ge=0, le=1)
    """Ours: a policy that drops nothing was not applied."""
    min_wanted_share: float = Field(default=0.02, ge=0, le=1)
    """Ours: English and Chinese documents of a dump with languages."""
    max_dump_share_of_reason: float = Field(default=0.95, ge=0, le=1)
    """Ours: one rule that fells nearly all is a broken rule."""
    min_validation_groups: int = Field(default=3, ge=0)
    """Ours: a validation set of one or two sources is about those sources."""
    max_leftovers: int = Field(default=0, ge=0)
    """Ours: rendered texts in which personal data is still found."""

    @classmethod
    def of(cls, lake: Lake) -> Self:
        """The lake's bounds, `cards/checks.yaml`, or the defaults."""
        return cls.of_lake(lake, CHECKS_CARD)
