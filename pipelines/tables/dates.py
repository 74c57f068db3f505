"""The one date of a document, where one is asked for.

Belongs here: which of a document's dates counts. Does not belong here: how a date is found
(extraction/page_dates.py, dumps/records.py), periods and cut-off dates (cards/dates.py).
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

DATE_COLUMNS = ["published", "crawled"]


def known_dates(documents: pa.Table) -> pa.ChunkedArray:
    """When each document was published, else when it was crawled, else ""; of a table that has
    DATE_COLUMNS."""
    return pc.coalesce(documents["published"], documents["crawled"], "")
