"""The parts of a release as deduplication reads them: who is admitted, what is kept apart."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from pipelines.cards.minhash import MinHashParameters
from pipelines.dedup.shingles import shingle_sets
from pipelines.dedup.signed_parts import ROW_BITS, nodes_by_part, same_parameters, signed_parts
from pipelines.lake import Lake, LakeError
from pipelines.tables.schemas import ID, document_id
from tests.support.dedup_tables import make_dump, make_release
from tests.support.near_duplicates import text

PARAMETERS = MinHashParameters()


def test_what_rules_card_or_an_earlier_election_take_out_is_not_admitted(lake: Lake) -> None:
    rows = [{"text": text(n)} for n in range(6)]
    rows[0] |= {"keep": False}  # type: ignore[dict-item]
    rows[1] |= {"url": "https://gone.example/"}
    rows[2] |= {"published": "2024-05-01"}
    rows[3] |= {"published": "2023-05-01", "crawled": "2024-05-02"}
    dump = make_dump(lake, "d", rows)
    card = {"tombstones": ("https://gone.example/",), "cutoff_date": "2023-12-31"}
    excluded = pa.array([document_id("d", "f", 5)], ID)
    [part] = signed_parts(make_release([dump], **card), excluded)
    assert part.admitted().tolist() == [3, 4]
    assert part.scan(PARAMETERS)[0].tolist() == [3, 4]
    [every] = signed_parts(make_release([dump]))
    assert every.admitted().tolist() == [1, 2, 3, 4, 5]


def test_parallel_text_shares_neither_content_nor_band_with_other_text(lake: Lake) -> None:
    rows = [{"text": text(1), "category": c} for c in ("webpages", "parallel", "parallel", "books")]
    [part] = signed_parts(make_release([make_dump(lake, "d", rows)]))
    _, contents, _, keys = part.scan(PARAMETERS)
    assert contents[1].tolist() == contents[2].tolist() and contents[0].tolist() == contents[3].tolist()
    assert contents[0].tolist() != contents[1].tolist()
    assert np.array_equal(keys[0], keys[3]) and np.array_equal(keys[1], keys[2])
    assert not set(keys[0].tolist()) & set(keys[1].tolist())


def test_a_text_without_a_shingle_has_contents_and_no_keys(lake: Lake) -> None:
    [part] = signed_parts(make_release([make_dump(lake, "d", [{"text": "..."}, {"text": text(1)}])]))
    rows, contents, live, keys = part.scan(PARAMETERS)
    assert rows.tolist() == [0, 1] and len(contents) == 2
    assert live.tolist() == [1] and keys.shape == (1, PARAMETERS.bands)
    assert part.contents(rows)[1].tolist() == [False, True]


def test_members_hold_the_shingles_of_their_text_or_none(lake: Lake) -> None:
    texts = [text(n) for n in range(3)]
    [part] = signed_parts(make_release([make_dump(lake, "d", [{"text": t} for t in texts])]))
    rows, roots = np.array([0, 2]), np.array([7, 7])
    read = part.members(rows, roots, None, PARAMETERS)
    flat, ends = shingle_sets(pa.array([texts[0], texts[2]]))
    assert b"".join(read["shingles"].to_pylist()) == flat.tobytes()
    assert read["size"].to_pylist() == np.diff(ends).tolist() and read["root"].to_pylist() == [7, 7]
    assert read["doc_id"].to_pylist() == [document_id("d", "f", n) for n in (0, 2)]
    unread = part.members(rows, roots, np.array([5, 6]), PARAMETERS)
    assert unread["shingles"].null_count == 2 and unread["size"].to_pylist() == [5, 6]
    assert unread.drop_columns(["shingles", "size"]).equals(read.drop_columns(["shingles", "size"]))


def test_nodes_say_their_part_and_row(lake: Lake) -> None:
    dumps = [make_dump(lake, n, [{"text": text(k)} for k in range(4)], parts=2) for n in ("b", "a")]
    parts = signed_parts(make_release(dumps))
    assert [(p.index, p.dump, p.part) for p in parts] == [(0, "a", 0), (1, "a", 1), (2, "b", 0), (3, "b", 1)]
    nodes = np.concatenate([p.nodes(np.array([0, 1])) for p in parts])
    assert nodes.tolist() == [part << ROW_BITS | row for part in range(4) for row in range(2)]
    assert [(i, rows.tolist()) for i, rows in nodes_by_part(nodes[1:4])] == [(0, [1]), (1, [0, 1])]


def test_parameters_that_differ_are_refused_with_both_hashes(lake: Lake) -> None:
    one = make_dump(lake, "one", [{"text": text(1)}])
    two = make_dump(lake, "two", [{"text": text(2)}], parameters=MinHashParameters(seed=2))
    assert same_parameters(make_release([two])) == MinHashParameters(seed=2)
    with pytest.raises(LakeError, match=r"signatures of one .* and two .* have other parameters"):
        same_parameters(make_release([one, two]))
