"""Laws of the election, over random components."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.dedup.election import Thresholds, canonical_order, elect, elect_exact, verify

SETS = st.lists(
    st.tuples(st.frozensets(st.integers(0, 12), max_size=10), st.frozensets(st.integers(0, 5), min_size=1, max_size=3)), max_size=12
)


def arrays(values: frozenset[int]) -> np.ndarray:
    return np.array(sorted(values), np.uint64)


@settings(max_examples=200, deadline=None)
@given(SETS)
def test_no_kept_pair_shares_a_band_and_verifies(documents: list[tuple[frozenset[int], frozenset[int]]]) -> None:
    thresholds = Thresholds()
    shingles, keys = [arrays(d[0]) for d in documents], [arrays(d[1]) for d in documents]
    removed = elect(range(len(documents)), keys.__getitem__, shingles.__getitem__, thresholds)
    gone = {r.row for r in removed}
    kept = [i for i in range(len(documents)) if i not in gone]
    for place, later in enumerate(kept):
        for earlier in kept[:place]:
            if documents[earlier][1] & documents[later][1]:
                assert verify(shingles[later], shingles[earlier], thresholds) is None
    for r in removed:  # the evidence holds
        assert r.kept in kept
        assert r.kept < r.row
        assert verify(shingles[r.row], shingles[r.kept], thresholds) == (r.kind, r.similarity)


def test_similarity_is_exact_and_containment_looks_one_way() -> None:
    ten, five = np.arange(10, dtype=np.uint64), np.arange(5, dtype=np.uint64)
    assert verify(ten[:8], ten, Thresholds(jaccard=0.8)) == ("near", 0.8)
    assert verify(five, ten, Thresholds()) == ("containment", 1.0)
    assert verify(ten, five, Thresholds()) is None
    assert verify(ten[:0], ten, Thresholds()) is None


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "side": st.sampled_from(["train", "validation"]),
            "category": st.sampled_from(["webpages", "code", "stem", "other"]),
            "quality": st.sampled_from(["head", "middle", "tail", ""]),
            "num_chars": st.integers(0, 3),
            "date": st.sampled_from(["", "2020", "2021-01-02"]),
            "doc_id": st.binary(min_size=16, max_size=16),
        }
    ),
    max_size=12,
    unique_by=lambda r: r["doc_id"],
)
TEXT = ("side", "category", "quality", "date")
COLUMNS = pa.schema([(n, pa.string()) for n in TEXT] + [("num_chars", pa.int32()), ("doc_id", pa.binary(16))])


@settings(max_examples=100, deadline=None)
@given(ROWS, st.randoms())
def test_canonical_order_knows_content_only(rows: list[dict[str, object]], random: object) -> None:
    def ordered(values: list[dict[str, object]]) -> list[object]:
        table = pa.Table.from_pylist(values, schema=COLUMNS)
        return [values[i]["doc_id"] for i in canonical_order(table)]

    shuffled = list(rows)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert ordered(rows) == ordered(shuffled)


def test_canonical_order_takes_validation_then_source_then_quality_then_length() -> None:
    base = {"side": "train", "category": "webpages", "quality": "tail", "num_chars": 1, "date": "", "doc_id": b"z" * 16}
    better = [{"side": "validation"}, {"category": "stem"}, {"quality": "head"}, {"num_chars": 2}, {"date": "2020"}, {"doc_id": b"a" * 16}]
    rows = [base] + [base | b for b in reversed(better)]
    order = canonical_order(pa.Table.from_pylist(rows, schema=COLUMNS))
    assert order.tolist() == [6, 5, 4, 3, 2, 1, 0]


def test_exact_copies_follow_the_first() -> None:
    assert elect_exact([b"x", b"y", b"x"], [2, 1, 0]) == ([2, 1], {0: 2})
