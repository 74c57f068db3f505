"""Which side of the split a document is on.

Belongs here: the one function that says train or validation. Does not belong here: what is done with the sides.
"""

from __future__ import annotations

from pipelines.dumps.card import DumpCard
from pipelines.lake import digest

SALT = "skypile-side-1"  # changing it re-draws every validation set ever published


def side(group: str, card: DumpCard) -> str:
    """`train` or `validation`: a pure function of group, category and card.

    All documents of a group in one category are on one side, whatever dump they came in with; a larger share keeps
    the groups of a smaller one. A held-out dump is validation throughout.
    """
    if card.held_out:
        return "validation"
    return "validation" if int(digest(SALT, card.category, group)[:13], 16) < card.validation_share * 16**13 else "train"
