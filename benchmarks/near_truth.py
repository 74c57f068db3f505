"""Near-duplicate truth by exact all-pairs comparison, natural and planted pairs apart.

Belongs here: the documents, the definition of truth, recall and precision. Does not belong here:
speed (neardup.py).

Truth is over sets of 5-token shingles as Python sees them (a regular expression over the
lower-cased text), not as the kernel does. A pair is *near* from Jaccard similarity .7 on; a
document is *contained* in another from a share of .95 of its shingles on. A pair is natural when
nobody edited either side. Recall: of all near pairs, those of which at least one side is removed.
Precision: of all removed documents, those whose own evidence (the kept document that it is said to
double) is true by the definition of its kind: near for exact and near, contained for containment.
`precision_jaccard` counts every removal by containment as wrong whose pair is not near as well.
"""

from __future__ import annotations

import io
import json
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xxhash

from benchmarks.signatures import shingle_strings

NEAR, CONTAINED = 0.7, 0.95
LONGEST = 12_000  # characters; longer documents are left out, as all-pairs truth costs their length


def natural_documents(data: Path, count: int) -> list[str]:
    """`count` whole documents, spread evenly over all files of the corpus."""
    import zstandard

    texts: list[str] = []
    for path in sorted(data.rglob("*.jsonl.zst")):
        with open(path, "rb") as file:
            for line in io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file), encoding="utf-8"):
                text = json.loads(line)["text"]
                if 100 <= len(text) <= LONGEST:
                    texts.append(text)
    # neighbours stay together: natural twins lie side by side
    chosen = np.unique(
        (np.arange(count) // 100 * 100 * len(texts) // count + np.arange(count) % 100).clip(0, len(texts) - 1)
    )
    return [texts[i] for i in chosen]


def edited(text: str, gen: random.Random) -> str:
    """A copy with 0.2 u^2 of its words, or of its characters where it has few spaces, replaced; one
    in four is cut as well."""
    spaced = text.count(" ") > len(text) // 12
    parts = text.split(" ") if spaced else list(text)
    share = 0.2 * gen.random() ** 2
    parts = [gen.choice(parts) if gen.random() < share else p for p in parts]
    if gen.random() < 0.25:
        parts = parts[: max(1, int(len(parts) * gen.uniform(0.5, 1)))]
    return (" " if spaced else "").join(parts)


def with_planted(texts: list[str], count: int, seed: int = 2) -> tuple[list[str], int]:
    """(documents, how many of them are natural): `texts`, then `count` edited copies of random
    ones."""
    gen = random.Random(seed)
    return [*texts, *(edited(texts[gen.randrange(len(texts))], gen) for _ in range(count))], len(texts)


@dataclass(frozen=True)
class Truth:
    """pairs int64 [m, 2]: near pairs, smaller row first. shingles: distinct hashes of each
    document's shingles, sorted."""

    pairs: np.ndarray[Any, Any]
    shingles: list[np.ndarray[Any, Any]]

    def evidence(self, removed: int, kept: int) -> tuple[float, float]:
        """(Jaccard similarity, share of `removed` in `kept`); equal empty texts are equal."""
        one, two = self.shingles[removed], self.shingles[kept]
        both = len(np.intersect1d(one, two, assume_unique=True))
        return both / max(1, len(one) + len(two) - both), both / max(1, len(one))


def all_pairs(texts: list[str]) -> Truth:
    """Every pair that shares a shingle is counted exactly, by blocks of a sparse product."""
    from scipy.sparse import csr_matrix

    shingles = [
        np.unique(np.array([xxhash.xxh3_64_intdigest(s) for s in shingle_strings(t)], np.uint64))
        for t in texts
    ]
    sizes = np.array([len(s) for s in shingles])
    _, columns = np.unique(np.concatenate(shingles), return_inverse=True)
    matrix = csr_matrix((np.ones(len(columns), np.int32), columns, np.r_[0, np.cumsum(sizes)]))
    turned = matrix.T.tocsr()
    found = []
    for start in range(0, len(texts), 500):
        block = (matrix[start : start + 500] @ turned).tocoo()
        rows = block.row + start
        near = (rows < block.col) & (block.data / (sizes[rows] + sizes[block.col] - block.data) >= NEAR)
        found.append(np.stack([rows[near], block.col[near]], 1))
    return Truth(np.concatenate(found), shingles)


def judge(truth: Truth, removed: dict[int, tuple[int, str]], num_natural: int) -> dict[str, float]:
    """Figures of `removed` ({row: (kept row, kind)}) against the truth."""
    gone = np.isin(truth.pairs, list(removed)).any(1)
    natural = (truth.pairs < num_natural).all(1)

    def share(values: Any) -> float:
        return round(float(values.mean()), 4) if len(values) else 1.0

    figures: dict[str, float] = {"recall": share(gone)}
    for name, chosen in (("natural", natural), ("planted", ~natural)):
        figures |= {f"recall_{name}": share(gone[chosen]), f"true_pairs_{name}": int(chosen.sum())}
    right = {"near": 0, "containment": 0}
    count = {"near": 0, "containment": 0}
    right_jaccard = 0
    for row, (kept, kind) in removed.items():
        jaccard, contained = truth.evidence(row, kept)
        own = "containment" if kind == "containment" else "near"
        equal = kind == "exact" and not len(truth.shingles[row]) and not len(truth.shingles[kept])
        count[own] += 1
        right[own] += equal or (contained >= CONTAINED if own == "containment" else jaccard >= NEAR)
        right_jaccard += equal or jaccard >= NEAR
    figures["precision"] = round(sum(right.values()) / max(1, len(removed)), 4)
    for kind in count:
        figures |= {
            f"precision_{kind}": round(right[kind] / max(1, count[kind]), 4),
            f"removed_{kind}": count[kind],
        }
    figures["precision_jaccard"] = round(right_jaccard / max(1, len(removed)), 4)
    return figures
