"""The table `left_out`: which places of a dump's files gave no document, and why. `skypile why` answers
from it.

Belongs here: its columns, one part for each file, looking an address up. Does not belong here: what
is left out (selection.py, documents.py, dumps/), counts (the manifest of `documents`), when it is
written (beside `documents`).
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from pipelines.cards.urls import normal_url
from pipelines.dumps.records import LeftOut
from pipelines.lake import Lake, MissingDataset
from pipelines.tables.columns import described

LEFT_OUT = "left_out"
MAX_PLACES = 5_000_000  # named for one file; the counts of the manifest have no bound
SCHEMA = described(
    LEFT_OUT,
    [
        ("url", pa.string(), "address of the page; empty where none could be read"),
        ("file", pa.string(), "file of the dump"),
        ("offset", pa.int64(), "byte where the record or its member begins; or line or row number"),
        ("reason", pa.string(), "KIND/NAME, as counted in the statistics of `documents`"),
    ],
)


def left_out_table(file: str, places: Sequence[LeftOut]) -> pa.Table:
    """The places of one file (SCHEMA), in its order."""
    kept = places[:MAX_PLACES]
    columns = [
        [place.url for place in kept],
        [file] * len(kept),
        [place.offset for place in kept],
        [place.reason for place in kept],
    ]
    return pa.table([pa.array(c, f.type) for c, f in zip(columns, SCHEMA, strict=True)], schema=SCHEMA)


def left_out_of(lake: Lake, dump: str, url: str) -> list[tuple[str, int, str]]:
    """(file, offset, reason) of every place of a dump with this address, in its normal form."""
    try:
        dataset = lake.current(LEFT_OUT, dump)
    except MissingDataset:
        return []
    wanted, found = normal_url(url), []
    for index in range(len(dataset.parts)):
        table = dataset.read_part(index)
        for row, known in enumerate(table["url"].to_pylist()):
            if known and normal_url(known) == wanted:
                found.append(tuple(table[name][row].as_py() for name in ("file", "offset", "reason")))
    return found
