"""Which documents of a part are still in the release.

Belongs here: what the card alone takes out, what an election removed, who passed both and the
rules. Does not belong here: why a document was removed as a duplicate (dedup/), reasons that need
its text (cuts.py).
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.cards.release import ReleaseCard
from pipelines.lake import Dataset
from pipelines.tables.inputs import ReleasePart


def excluded_by_card(
    card: ReleaseCard, urls: pa.Array | pa.ChunkedArray, dates: pa.Array | pa.ChunkedArray
) -> pa.Array:
    """For each document "tombstone", "cutoff_date" or "": why the card alone takes it out of the
    release."""
    buried = pc.is_in(urls, value_set=pa.array(card.tombstones, pa.string()))
    late = np.zeros(len(urls), np.bool_)
    if card.cutoff_date:
        # a date is late when it sorts after the cut-off, read to the cut-off's own precision
        late = np.array(
            [(d or "")[: len(card.cutoff_date)] > card.cutoff_date for d in dates.to_pylist()], np.bool_
        )
    reasons = pc.if_else(
        pc.fill_null(buried, False), "tombstone", pc.if_else(pa.array(late), "cutoff_date", "")
    )
    return reasons.combine_chunks() if isinstance(reasons, pa.ChunkedArray) else reasons


def removed_ids(duplicates: Dataset) -> pa.Array:
    """doc_id of every document that the election removed."""
    return duplicates.read(["doc_id"])["doc_id"].combine_chunks()


def survivors(card: ReleaseCard, part: ReleasePart, removed: pa.Array) -> pa.Array:
    """Boolean array over the part: passes its own rules and the card, and is not in `removed` (ids).
    LakeError where tables are not aligned."""
    documents, decisions = part.aligned(["url", "date"], ["keep"])
    stays = pc.equal(excluded_by_card(card, documents["url"], documents["date"]), "")
    duplicate = pc.is_in(documents["doc_id"].combine_chunks(), value_set=removed)
    return pc.and_not(pc.and_(decisions["keep"].combine_chunks(), stays), duplicate)
