"""Which documents of a part are still in the release.

Belongs here: what an election removed, who passed it, the rules and the card. Does not belong here: what
the card alone takes out (tables/card_exclusions.py), why a document was removed as a duplicate (dedup/),
reasons that need its text (cuts.py).
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.cards.release import ReleaseCard
from pipelines.lake import Dataset
from pipelines.tables.card_exclusions import excluded_by_card
from pipelines.tables.dates import DATE_COLUMNS, known_dates
from pipelines.tables.inputs import ReleasePart


def removed_ids(duplicates: Dataset) -> pa.Array:
    """doc_id of every document that the election removed."""
    return duplicates.read(["doc_id"])["doc_id"].combine_chunks()


def survivors(card: ReleaseCard, part: ReleasePart, removed: pa.Array) -> pa.Array:
    """Boolean array over the part: passes its own rules and the card, and is not in `removed` (ids).
    LakeError where tables are not aligned."""
    documents, decisions = part.aligned(["url", *DATE_COLUMNS], ["keep"])
    stays = pc.equal(excluded_by_card(card, documents["url"], known_dates(documents)), "")
    duplicate = pc.is_in(documents["doc_id"].combine_chunks(), value_set=removed)
    return pc.and_not(pc.and_(decisions["keep"].combine_chunks(), stays), duplicate)
