"""When a block of text recurs exceedingly, and what is done about it: a section of release cards.

Belongs here: the bounds and their sources. Does not belong here: counting blocks
(release/recurring_blocks.py), cutting them (release/cuts.py).
"""

from __future__ import annotations

from pydantic import Field

from pipelines.cards.base import Card


class RecurrencePolicy(Card):
    """When a block recurs exceedingly. The paper names the filter but gives no numbers; CCNet
    removes a paragraph at its second appearance in a shard, which would take definitions and
    quotations too. Ten documents is our choice, not a published one.
    """

    min_documents: int = Field(default=10, ge=2)
    """Surviving documents that hold the block."""
    min_hosts: int = Field(default=1, ge=1)
    """Hosts of these documents: with 1 a site's own template counts, 2 keeps what one site repeats."""
    min_bytes: int = Field(default=12, ge=1)
    """UTF-8 bytes of the block; shorter lines are no template: a bare number recurs everywhere."""
    exempt_categories: tuple[str, ...] = ("code", "parallel", "stem")
    """Categories that are not cut: cutting lines breaks a program or a pair."""
    max_loss: float = Field(default=0.5, gt=0, le=1)
    """A document that loses a larger share of its characters is excluded."""
