"""The election over members in batches: what a batch holds does not change what is removed."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from pipelines.cards.minhash import MinHashParameters
from pipelines.dedup import candidates, verification
from pipelines.dedup.election import Thresholds
from pipelines.dedup.signed_parts import SignedPart, nodes_by_part, signed_parts
from pipelines.dedup.verification import UNKNOWN, elect_stream, elect_table, in_process
from pipelines.lake import Lake
from tests.support.dedup_tables import make_dump, make_release
from tests.support.near_duplicates import corpus

PARAMETERS, THRESHOLDS = MinHashParameters(), Thresholds(jaccard=0.7, containment=0.95)


@pytest.fixture
def parts(lake: Lake) -> list[SignedPart]:
    return signed_parts(make_release([make_dump(lake, "all", corpus(24), parts=3)]))


@pytest.fixture
def members(parts: list[SignedPart]) -> pa.Table:
    """MEMBERS of every component, sorted by root and order."""
    nodes, roots, _ = candidates.in_process(parts, PARAMETERS)
    order = np.argsort(nodes)
    nodes, roots = nodes[order], roots[order]
    tables, start = [], 0
    for index, rows in nodes_by_part(nodes):
        tables.append(parts[index].members(rows, roots[start : start + len(rows)], None, PARAMETERS))
        start += len(rows)
    return pa.concat_tables(tables).sort_by([("root", "ascending"), ("order", "ascending")])


def rows(table: pa.Table) -> list[str]:
    return sorted(map(repr, table.to_pylist()))


@pytest.mark.parametrize("size", [1, 7, 1_000])
def test_a_stream_gives_what_the_whole_gives(
    members: pa.Table, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = elect_table(members, THRESHOLDS, None)
    monkeypatch.setattr(verification, "BATCH_BYTES", 1)
    batches = members.combine_chunks().to_batches(max_chunksize=size)
    stream = pa.Table.from_batches(elect_stream(iter(batches), THRESHOLDS, None))
    assert rows(stream) == rows(whole) and whole["kept_id"].null_count < whole.num_rows


def test_components_in_small_batches_give_what_one_batch_gives(
    parts: list[SignedPart], monkeypatch: pytest.MonkeyPatch
) -> None:
    nodes, roots, _ = candidates.in_process(parts, PARAMETERS)
    whole = in_process(parts, nodes, roots, None, PARAMETERS, THRESHOLDS, None)
    monkeypatch.setattr(verification, "BATCH_MEMBERS", 2)
    assert rows(in_process(parts, nodes, roots, None, PARAMETERS, THRESHOLDS, None)) == rows(whole)


def test_without_texts_and_known_pairs_a_component_is_unknown(parts: list[SignedPart]) -> None:
    nodes, roots, _ = candidates.in_process(parts, PARAMETERS)
    read = in_process(parts, nodes, roots, None, PARAMETERS, THRESHOLDS, None)
    sizes = dict(zip(read["node"].to_pylist(), read["size"].to_pylist(), strict=True))
    given = np.array([sizes[n] for n in nodes.tolist()])
    unread = in_process(parts, nodes, roots, given, PARAMETERS, THRESHOLDS, None)
    kinds = {}
    for table in (read, unread):
        for row in table.to_pylist():
            if row["node"] is not None:
                kinds.setdefault(row["root"], []).append(row["kind"])
    unknown = {root for root, found in kinds.items() if UNKNOWN in found}
    # components of exact copies alone need no text; all others do
    compared = {
        r["root"] for r in read.to_pylist() if r["node"] is not None and r["kind"] in ("near", "containment")
    }
    assert compared and compared <= unknown
    assert all(set(kinds[root][len(kinds[root]) // 2 :]) == {UNKNOWN} for root in unknown)
