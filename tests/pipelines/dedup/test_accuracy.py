"""Near-duplicates of real documents against exact all-pairs truth; pages that share a template but
not their content."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from benchmarks.near_truth import Truth, all_pairs, judge, natural_documents, with_planted
from benchmarks.neardup import removed_by_skypile
from pipelines.cards.minhash import MinHashParameters
from pipelines.dedup import bands, components, shingles
from tests.support.near_duplicates import text


def figures(data: Path, count: int) -> dict[str, float]:
    documents, num_natural = with_planted(natural_documents(data / "corpus", count * 3 // 4), count // 4)
    return judge(all_pairs(documents), removed_by_skypile(documents), num_natural)


def check(found: dict[str, float]) -> None:
    assert found["recall"] >= 0.97
    assert found["precision"] >= 0.99
    assert found["true_pairs_natural"] > 0
    assert found["removed_containment"] > 0


def test_recall_and_precision_on_two_thousand_documents(shared_data: Path) -> None:
    check(figures(shared_data, 2_000))


@pytest.mark.full
def test_recall_and_precision_on_twenty_thousand_documents(shared_data: Path) -> None:
    check(figures(shared_data, 20_000))


def test_the_judge_counts_what_it_says() -> None:
    sets = [np.arange(0, 10), np.arange(0, 9), np.arange(0, 5), np.arange(50, 60)]
    truth = Truth(np.array([[0, 1]]), [s.astype(np.uint64) for s in sets])
    found = judge(truth, {1: (0, "near"), 2: (0, "containment"), 3: (0, "near")}, 4)
    assert found["recall"] == found["recall_natural"] == 1.0
    assert (found["precision_near"], found["precision_containment"]) == (0.5, 1.0)
    assert (found["precision"], found["precision_jaccard"]) == (0.6667, 0.3333)
    assert judge(truth, {}, 4)["recall"] == 0.0


def template_pages(count: int, share: float, seed: int = 0) -> list[str]:
    """Pages of 400 words of which a `share` is the same on all, in one piece, and the rest is their
    own."""
    common = int(400 * share)
    frame = text(seed, common)
    return [f"{frame} {text(1000 * seed + 10 + i, 400 - common)}" for i in range(count)]


def test_pages_that_share_a_template_stay_although_their_signatures_collide() -> None:
    """What removal by shared bands alone would have done is printed beside: `pytest -s`."""
    print(f"{'shared':>8} {'pages':>6} {'Jaccard':>8} {'lost without verification':>26} {'lost':>5}")
    parameters, lost_without = MinHashParameters(), []
    for share in (0.5, 0.6, 0.7, 0.75):
        pages = template_pages(60, share, seed=int(share * 100))
        minima, _ = shingles.minhash(pa.array(pages), parameters.num_perm, parameters.seed)
        edges = bands.star_edges(
            bands.band_keys(minima.astype(np.uint16), parameters.bands, parameters.rows), np.arange(60)
        )
        nodes, roots = components.driver_components(edges)
        lost_without.append(len(nodes) - len(set(roots.tolist())))
        flat, offsets = shingles.shingle_sets(pa.array(pages[:2]))
        one, two = flat[: offsets[1]], flat[offsets[1] :]
        both = len(np.intersect1d(one, two))
        jaccard = both / (len(one) + len(two) - both)
        removed = removed_by_skypile(pages)
        print(f"{share:8.2f} {60:6} {jaccard:8.2f} {lost_without[-1]:26} {len(removed):5}")
        assert jaccard < 0.7
        assert removed == {}
    assert max(lost_without) > 50


def test_a_template_with_a_few_own_words_is_a_duplicate() -> None:
    pages = template_pages(10, 0.97)
    assert len(removed_by_skypile(pages)) == 9
    random.Random(0).shuffle(pages)
    assert len(removed_by_skypile(pages)) == 9
