"""Which places of a dump's files gave no document, and why: what `skypile why` answers from.

Belongs here: one compact file for each file of a dump, `left_out/<dump>/<hash of the file's name>.parquet`,
written by the worker that reads the file. Does not belong here: what is left out (selection.py,
documents.py, dumps/), counts (the manifest of `documents`).

No table: nothing is computed from it, and reading a file again writes it anew.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.cards.urls import normal_url
from pipelines.dumps.records import LeftOut
from pipelines.lake import LakeFiles, digest

MAX_PLACES = 5_000_000  # named for one file; the counts of the manifest have no bound
_SCHEMA = pa.schema(
    [("url", pa.string()), ("file", pa.string()), ("offset", pa.int64()), ("reason", pa.string())]
)


def write_left_out(lake: LakeFiles, dump: str, file: str, places: Sequence[LeftOut]) -> None:
    """Name the places of one file."""
    kept = places[:MAX_PLACES]
    table = pa.table(
        [
            [place.url for place in kept],
            [file] * len(kept),
            [place.offset for place in kept],
            [place.reason for place in kept],
        ],
        schema=_SCHEMA,
    )
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    lake.write_bytes(f"left_out/{dump}/{digest(file)[:12]}.parquet", sink.getvalue().to_pybytes())


def left_out_of(lake: LakeFiles, dump: str, url: str) -> list[tuple[str, int, str]]:
    """(file, offset, reason) of every place of a dump with this address, in its normal form."""
    wanted, found = normal_url(url), []
    for path in lake.files(f"left_out/{dump}"):
        table = lake.read_parquet(path)
        for row, known in enumerate(table["url"].to_pylist()):
            if known and normal_url(known) == wanted:
                found.append(tuple(table[name][row].as_py() for name in ("file", "offset", "reason")))
    return found
