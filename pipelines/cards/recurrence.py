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
    quotations too. The numbers are ours, relative to size: a block is a template of a host where a
    share of the host's documents hold it, and recurs where it is a template of several hosts, or of
    many hosts with few documents each, taken together.
    """

    min_documents: int = Field(default=10, ge=2)
    """Surviving documents that hold the block."""
    min_hosts: int = Field(default=2, ge=1)
    """Hosts of which it is a template: with 1 a site's own template counts."""
    host_documents: int = Field(default=5, ge=1)
    """Documents of a host that hold the block, for it to be the host's template; hosts with fewer
    documents tell nothing of templates."""
    share_of_documents: float = Field(default=0.5, gt=0, le=1)
    """Share of the host's documents that hold it. Of sites read by hand, templates stand on .59 to .95
    of the pages, steps, ingredients and parameters on less than .25."""
    share_of_hosts: float = Field(default=0.5, ge=0, le=1)
    """Share of the hosts with enough documents that hold the block of which it is a template; and share of
    all hosts that makes a block of `wide_hosts` a template where hosts have one document each."""
    wide_hosts: int = Field(default=20, ge=2)
    """Hosts that hold a block which is looked at over hosts of any size. It is a template where, of the
    other documents of these hosts (all but one of each), `share_of_documents` hold it: a step of many
    cooking sites stands on few pages of each."""
    wide_share: float = Field(default=0.01, gt=0, le=1)
    """Share of the release's hosts that hold such a block."""
    min_bytes: int = Field(default=12, ge=1)
    """UTF-8 bytes of the block; shorter lines are no template, but where a whole list recurs."""
    exempt_categories: tuple[str, ...] = ("code", "parallel", "stem")
    """Categories that are not cut: cutting lines breaks a program or a pair."""
    max_loss: float = Field(default=0.5, gt=0, le=1)
    """A document that loses a larger share of its characters is excluded."""
