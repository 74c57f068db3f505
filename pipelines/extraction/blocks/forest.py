"""Boosted symmetric trees: a small, readable model of a probability, and the way to fit one.

Belongs here: fitting, evaluating, reading and writing a forest of such trees. Does not belong here:
what the features are.

In a symmetric tree (as in CatBoost) all nodes of a level ask the same question, so a tree of depth
d is d questions `feature > threshold` and 2^d values; it resists over-fitting on few pages,
evaluates without branches, and can be read. Fitting takes soft labels and is the same bit for bit
on every machine: one thread, its own random numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pipelines.kernels.compiled import Array, kernel

BINS = 48  # quantile bins of a feature while fitting
ROWS_AT_ONCE = 64  # in a compiled loop; a tree has at most 256 leaves


@dataclass(frozen=True, kw_only=True)
class Fit:
    """How to fit; chosen by cross-validation over hosts on the development half."""

    num_trees: int = 300
    depth: int = 4
    rate: float = 0.08
    ridge: float = 8.0  # added to a leaf's weight
    feature_share: float = 0.15  # of the features, drawn anew for each tree
    row_share: float = 0.7  # of the rows, drawn anew for each tree
    seed: int = 1


@dataclass(frozen=True)
class Forest:
    """features int64 [t, d], thresholds float32 [t, d], values float64 [t, 2^d], bias: log-odds of
    a row = bias + sum over trees."""

    features: Array
    thresholds: Array
    values: Array
    bias: float

    def predict(self, rows: Array) -> Array:
        """Probabilities (float64 [n]) of float32 [n, features]."""
        return _predict(rows, self.features, self.thresholds, self.values, self.bias)

    def to_json(self, names: tuple[str, ...]) -> dict[str, Any]:
        trees = [
            {
                "if": [f"{names[f]} > {float(v):.6g}" for f, v in zip(questions, limits, strict=True)],
                "then": [round(float(v), 4) for v in leaves],
            }
            for questions, limits, leaves in zip(self.features, self.thresholds, self.values, strict=True)
        ]
        return {"bias": round(self.bias, 4), "trees": trees}

    @classmethod
    def from_json(cls, data: dict[str, Any], names: tuple[str, ...]) -> Forest:
        """Raises ValueError for a question about a feature that is not among `names`."""
        index = {name: i for i, name in enumerate(names)}
        features, thresholds = [], []
        for tree in data["trees"]:
            asked = [question.split(" > ") for question in tree["if"]]
            unknown = [name for name, _ in asked if name not in index]
            if unknown:
                raise ValueError(
                    f"the block model asks for the feature {unknown[0]!r}, which the code does not"
                    " measure; train it again"
                )
            features.append([index[name] for name, _ in asked])
            thresholds.append([float(value) for _, value in asked])
        values = np.array([tree["then"] for tree in data["trees"]], np.float64)
        return cls(
            np.array(features, np.int64), np.array(thresholds, np.float32), values, float(data["bias"])
        )


@kernel
def _predict(rows: Array, features: Array, thresholds: Array, values: Array, bias: float) -> Array:
    """A tree's questions are asked of ROWS_AT_ONCE rows, a column at a time: compared by vector
    instructions. Each row adds its trees in their order."""
    n, num_features = rows.shape
    out = np.empty(n, np.float64)
    columns = np.zeros((num_features, ROWS_AT_ONCE), np.float32)
    leaf, total = np.empty(ROWS_AT_ONCE, np.uint8), np.empty(ROWS_AT_ONCE, np.float64)
    for start in range(0, n, ROWS_AT_ONCE):
        size = min(ROWS_AT_ONCE, n - start)
        for i in range(size):
            for f in range(num_features):
                columns[f, i] = rows[start + i, f]
        total[:] = bias
        for t in range(features.shape[0]):
            leaf[:] = 0
            for d in range(features.shape[1]):
                column, limit = columns[features[t, d]], thresholds[t, d]
                for i in range(ROWS_AT_ONCE):
                    leaf[i] = np.uint8(np.uint8(2) * leaf[i] + np.uint8(column[i] > limit))
            for i in range(size):
                total[i] += values[t, leaf[i]]
        for i in range(size):
            out[start + i] = 1.0 / (1.0 + np.exp(-total[i]))
    return out


@kernel
def _bin(rows: Array, borders: Array) -> Array:
    """uint8 [features, n]: for each value the number of borders below it."""
    n, num_features = rows.shape
    out = np.zeros((num_features, n), np.uint8)
    for f in range(num_features):
        out[f] = np.searchsorted(borders[f], rows[:, f], side="left")
    return out


@kernel
def _draw(state: np.uint64) -> tuple[np.uint64, float]:
    """SplitMix64: next state, a number in [0, 1)."""
    state = state + np.uint64(0x9E3779B97F4A7C15)
    z = state
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return state, float(z >> np.uint64(11)) / 9007199254740992.0


@kernel
def _fit(
    binned: Array,
    labels: Array,
    weights: Array,
    num_trees: int,
    depth: int,
    rate: float,
    ridge: float,
    feature_share: float,
    row_share: float,
    seed: int,
) -> tuple[Array, Array, Array, float]:
    num_features, n = binned.shape
    features = np.zeros((num_trees, depth), np.int64)
    cuts = np.zeros((num_trees, depth), np.int64)
    values = np.zeros((num_trees, 1 << depth), np.float64)
    state = np.uint64(seed)
    mean = (labels * weights).sum() / weights.sum()
    bias = np.log(mean / (1.0 - mean))
    odds = np.full(n, bias)
    pulls = np.zeros((n, 2))  # gradient and curvature
    leaf = np.zeros(n, np.int64)
    rows, half = np.zeros(n, np.int64), np.zeros(n, np.int64)
    num_asked = max(1, round(feature_share * num_features))
    order = np.arange(num_features)
    table = np.zeros((1 << depth, BINS + 1, 2))
    above = np.zeros((num_asked, 1 << depth, BINS + 1, 2))  # tables of the level above
    for t in range(num_trees):
        used = 0
        for i in range(n):
            p = 1.0 / (1.0 + np.exp(-odds[i]))
            pulls[i, 0] = weights[i] * (labels[i] - p)
            pulls[i, 1] = weights[i] * p * (1.0 - p)
            leaf[i] = 0
            state, u = _draw(state)
            if u < row_share:
                rows[used] = i
                used += 1
        for k in range(num_asked):  # the features that the tree may ask about, drawn without return
            state, u = _draw(state)
            other = k + int(u * (num_features - k))
            order[k], order[other] = order[other], order[k]
        counted, which = used, 1
        half[:used] = rows[:used]
        for d in range(depth):
            # each leaf above has two children now. Rows of the smaller side are counted, the other
            # side is what is left of the table above.
            leaves = 1 << d
            best, best_k, best_cut = -1.0, 0, 0
            for k in range(num_asked):
                table[:leaves] = 0.0
                column = binned[order[k]]
                for m in range(counted):
                    i = half[m]
                    cell = table[leaf[i], column[i]]
                    cell[0] += pulls[i, 0]
                    cell[1] += pulls[i, 1]
                if d:
                    for q in range(leaves >> 1):
                        ours, theirs = 2 * q + which, 2 * q + 1 - which
                        table[theirs] = above[k, q] - table[ours]
                above[k, :leaves] = table[:leaves]
                gains = np.zeros(BINS)
                for q in range(leaves):
                    all_g, all_h = table[q, :, 0].sum(), table[q, :, 1].sum()
                    left_g, left_h = 0.0, 0.0
                    for b in range(BINS):
                        left_g += table[q, b, 0]
                        left_h += table[q, b, 1]
                        right_g, right_h = all_g - left_g, all_h - left_h
                        gains[b] += left_g * left_g / (left_h + ridge) + right_g * right_g / (right_h + ridge)
                for b in range(BINS):
                    if gains[b] > best + 1e-12:
                        best, best_k, best_cut = gains[b], k, b
            features[t, d], cuts[t, d] = order[best_k], best_cut
            column = binned[order[best_k]]
            for i in range(n):
                leaf[i] = 2 * leaf[i] + (column[i] > best_cut)
            above_cut = 0
            for m in range(used):
                above_cut += leaf[rows[m]] & 1
            which = 1 if 2 * above_cut <= used else 0
            counted = 0
            for m in range(used):
                if (leaf[rows[m]] & 1) == which:
                    half[counted] = rows[m]
                    counted += 1
        sums = np.zeros((1 << depth, 2))
        for k in range(used):
            i = rows[k]
            sums[leaf[i], 0] += pulls[i, 0]
            sums[leaf[i], 1] += pulls[i, 1]
        for q in range(1 << depth):
            values[t, q] = rate * sums[q, 0] / (sums[q, 1] + ridge)
        for i in range(n):
            odds[i] += values[t, leaf[i]]
    return features, cuts, values, bias


def fit(rows: Array, labels: Array, weights: Array, how: Fit) -> Forest:
    """Fit a forest to soft labels in [0, 1] by the weighted log loss.

    rows float32 [n, features]; labels and weights float64 [n], with a mean weight of about 1.
    """
    quantiles = np.linspace(0, 1, BINS + 2)[1:-1]
    borders = np.stack([_borders(rows[:, f], quantiles) for f in range(rows.shape[1])])
    binned = _bin(rows, borders)
    fields = (how.num_trees, how.depth, how.rate, how.ridge, how.feature_share, how.row_share, how.seed)
    features, cuts, values, bias = _fit(binned, labels, weights, *fields)
    return Forest(features, borders[features, cuts].astype(np.float32), values, float(bias))


def _borders(column: Array, quantiles: Array) -> Array:
    """BINS thresholds of a feature, ascending: quantiles of its distinct values half, of all values
    half; the last repeated."""
    distinct = np.unique(column)
    middle = (distinct[1:] + distinct[:-1]) / 2
    if len(middle) > BINS:
        picked = np.quantile(column, quantiles, method="nearest")
        at = np.clip(np.searchsorted(distinct, picked), 0, len(middle) - 1)
        middle = middle[np.unique(at)]
    out = np.full(BINS, np.inf, np.float32)
    out[: len(middle)] = middle
    return out
