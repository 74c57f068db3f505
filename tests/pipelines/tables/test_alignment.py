"""Tables read side by side hold the documents of one order, or the error names both."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from pipelines.lake import Dataset, Lake, LakeError
from pipelines.tables.alignment import read_aligned


def publish(lake: Lake, asset: str, ids: list[bytes]) -> Dataset:
    table = pa.table({"x": [asset + i.decode() for i in ids], "doc_id": ids, "y": list(range(len(ids)))})
    return lake.publish(asset, "d", version=1, write=lambda w: w.write_table("part-0.parquet", table)).dataset


def test_columns_come_behind_the_id_and_rows_where_asked(lake: Lake) -> None:
    one, other = publish(lake, "documents", [b"a", b"b", b"c"]), publish(lake, "edits", [b"a", b"b", b"c"])
    first, second = read_aligned(0, (one, ["y"]), (other, ["x", "doc_id"]), rows=np.array([0, 2]))
    assert first.to_pydict() == {"doc_id": [b"a", b"c"], "y": [0, 2]}
    assert second.to_pydict() == {"doc_id": [b"a", b"c"], "x": ["editsa", "editsc"]}


@pytest.mark.parametrize("ids", [[b"b", b"a"], [b"a"], [b"a", b"c"]])
def test_other_documents_are_refused_with_both_tables(lake: Lake, ids: list[bytes]) -> None:
    one, other = publish(lake, "documents", [b"a", b"b"]), publish(lake, "edits", ids)
    with pytest.raises(
        LakeError,
        match=f"{one.path}/part-0.parquet and {other.path}/part-0.parquet hold different .* rebuild edits",
    ):
        read_aligned(0, (one, ["x"]), (other, ["x"]))
