"""Which documents may be duplicates: equal contents and shared bands, by plain sets."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.cards.minhash import MinHashParameters
from pipelines.dedup.candidates import copy_edges, in_process, parts_of
from pipelines.dedup.signed_parts import ROW_BITS, signed_parts
from pipelines.lake import Lake
from tests.support.dedup_tables import make_dump, make_release
from tests.support.near_duplicates import corpus


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), max_size=20))
def test_copies_lead_to_the_smallest_node_of_their_content(pairs: list[tuple[int, int]]) -> None:
    contents = np.array(pairs, np.uint64).reshape(-1, 2)
    edges, first = copy_edges(contents, np.arange(100, 100 + len(pairs)))
    smallest = {content: 100 + pairs.index(content) for content in set(pairs)}
    wanted = {(100 + n, smallest[c]) for n, c in enumerate(pairs) if smallest[c] != 100 + n}
    assert set(map(tuple, edges.tolist())) == wanted and len(edges) == len(wanted)
    assert first.tolist() == sorted(node - 100 for node in smallest.values())


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9)), max_size=30, unique=True), st.data())
def test_rows_of_a_part_come_at_once_however_they_were_batched(
    rows: list[tuple[int, int]], data: st.DataObject
) -> None:
    nodes = np.sort(np.array([part << ROW_BITS | row for part, row in rows], np.int64))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(nodes)), max_size=4)))
    batches = [
        pa.RecordBatch.from_arrays([pa.array(nodes[a:b]), pa.array(nodes[a:b] * 2)], ["node", "twice"])
        for a, b in pairwise([0, *cuts, len(nodes)])
    ]
    found = list(parts_of(iter(batches)))
    assert [part for part, _ in found] == sorted({part for part, _ in rows})
    together = np.concatenate([np.zeros((0, 2), np.int64), *(own for _, own in found)])
    assert together.tolist() == [[n, 2 * n] for n in nodes.tolist()]


def test_components_are_those_of_shared_contents_and_bands(lake: Lake) -> None:
    parameters = MinHashParameters()
    parts = signed_parts(make_release([make_dump(lake, "all", corpus(24), parts=3)]))
    nodes, roots, admitted = in_process(parts, parameters)
    held: dict[object, list[int]] = {}
    for part in parts:
        rows, contents, live, keys = part.scan(parameters)
        for node, content in zip(part.nodes(rows).tolist(), contents.tolist(), strict=True):
            held.setdefault(tuple(content), []).append(node)
        for node, bands in zip(part.nodes(live).tolist(), keys.tolist(), strict=True):
            for key in bands:
                held.setdefault(key, []).append(node)
    parent = {node: node for group in held.values() for node in group}

    def top(node: int) -> int:
        while parent[node] != node:
            node = parent[node]
        return node

    for group in held.values():
        for node in group:
            one, other = sorted((top(group[0]), top(node)))
            parent[other] = one
    wanted = {n: top(n) for n in parent if sum(top(m) == top(n) for m in parent) > 1}
    assert dict(zip(nodes.tolist(), roots.tolist(), strict=True)) == wanted
    assert len(set(wanted.values())) > 3 and admitted.sum() == len(corpus(24))
