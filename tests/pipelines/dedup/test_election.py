"""Laws of the election, over random components."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.dedup import reference
from pipelines.dedup.election import (
    CONTAINMENT,
    KINDS,
    NEAR,
    Elected,
    Members,
    Thresholds,
    canonical_keys,
    decide,
    elect,
    intersection,
)

SETS = st.lists(
    st.builds(
        reference.Document,
        st.frozensets(st.integers(0, 12), max_size=10),
        st.frozensets(st.integers(0, 5), min_size=1, max_size=3),
    ),
    max_size=12,
)


THRESHOLDS = Thresholds()
Documents = list[reference.Document]


def members(documents: Documents, root: int = 0, texts: bool = True) -> Members:
    """One component of (shingles, keys), in this order; contents are equal where the shingles
    are."""
    bands = 3
    keys = np.array([(sorted(d.keys) * bands)[:bands] for d in documents], np.uint64).reshape(-1, bands)
    names = {s: n for n, s in enumerate(dict.fromkeys(d.shingles for d in documents))}
    contents = np.array([(names[d.shingles], 7) for d in documents], np.uint64).reshape(-1, 2)
    sizes = np.array([len(d.shingles) for d in documents], np.int64)
    flat = np.array([v for d in documents for v in sorted(d.shingles)] if texts else [], np.uint64)
    offsets = np.r_[0, np.cumsum(sizes)] if texts else np.zeros(len(documents) + 1, np.int64)
    return Members(np.full(len(documents), root), contents, keys, sizes, flat, offsets)


def outcome(elected: Elected) -> list[tuple[int, str, float]]:
    kinds = [KINDS[k] if k >= 0 else "" for k in elected.kind.tolist()]
    return list(zip(elected.kept.tolist(), kinds, elected.similarity.tolist(), strict=True))


@settings(max_examples=200, deadline=None)
@given(SETS)
def test_no_kept_pair_shares_a_band_and_verifies(documents: Documents) -> None:
    found = elect(members(documents), THRESHOLDS)
    assert outcome(found) == reference.elect(documents, THRESHOLDS)
    kept = [i for i, k in enumerate(found.kept.tolist()) if k < 0]
    for place, later in enumerate(kept):
        for earlier in kept[:place]:
            own, other = documents[later].shingles, documents[earlier].shingles
            if documents[earlier].keys & documents[later].keys:
                assert (
                    decide(
                        len(own & other), len(own), len(other), THRESHOLDS.jaccard, THRESHOLDS.containment
                    )[0]
                    < 0
                )
    assert all(found.kept[k] < 0 for k in found.kept[found.kept >= 0])


@settings(max_examples=60, deadline=None)
@given(SETS, SETS)
def test_components_do_not_see_each_other_and_known_pairs_need_no_text(
    one: Documents, two: Documents
) -> None:
    parts = [members(one, 0), members(two, 1)]
    joined = Members(
        *(np.concatenate([getattr(p, n) for p in parts]) for n in ("roots", "contents")),
        np.concatenate([parts[0].keys, parts[1].keys + np.uint64(100)]),
        *(np.concatenate([getattr(p, n) for p in parts]) for n in ("sizes", "shingles")),
        np.r_[parts[0].offsets, parts[1].offsets[1:] + parts[0].offsets[-1]],
    )
    joined.contents[len(one) :, 1] = 8
    found = elect(joined, THRESHOLDS)
    assert outcome(found)[: len(one)] == reference.elect(one, THRESHOLDS)
    blind = Members(
        joined.roots,
        joined.contents,
        joined.keys,
        joined.sizes,
        joined.shingles[:0],
        np.zeros_like(joined.offsets),
    )
    again = elect(blind, THRESHOLDS, found.compared)
    assert outcome(again) == outcome(found)
    assert len(again.unknown) == 0
    assert np.array_equal(again.compared.later, found.compared.later)


def test_a_pair_that_is_not_known_leaves_its_component_open() -> None:
    documents = [reference.Document(frozenset(range(size)), frozenset([1])) for size in (10, 9)]
    assert elect(members(documents, root=5, texts=False), THRESHOLDS).unknown.tolist() == [5]


def test_similarity_is_exact_and_containment_looks_one_way() -> None:
    assert decide(8, 8, 10, 0.8, 0.95) == (NEAR, 0.8)
    assert decide(5, 5, 10, 0.7, 0.95) == (CONTAINMENT, 1.0)
    assert decide(5, 10, 5, 0.7, 0.95)[0] == -1
    assert decide(0, 0, 10, 0.0, 0.0)[0] == -1
    assert intersection(np.array([1, 3, 5], np.uint64), np.array([3, 4, 5, 9], np.uint64)) == 2


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
        return [values[i]["doc_id"] for i in np.argsort(canonical_keys(table))]

    shuffled = list(rows)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert ordered(rows) == ordered(shuffled)


def test_canonical_order_takes_validation_then_source_then_quality_then_length() -> None:
    base = {
        "side": "train",
        "category": "webpages",
        "quality": "tail",
        "num_chars": 1,
        "date": "",
        "doc_id": b"z" * 16,
    }
    better = [
        {"side": "validation"},
        {"category": "stem"},
        {"quality": "head"},
        {"num_chars": 2},
        {"date": "2020"},
        {"doc_id": b"a" * 16},
    ]
    rows = [base] + [base | b for b in reversed(better)]
    order = np.argsort(canonical_keys(pa.Table.from_pylist(rows, schema=COLUMNS)))
    assert order.tolist() == [6, 5, 4, 3, 2, 1, 0]
