"""Linear models over hashed n-grams: what they read of a text, and the scores, compiled.

Belongs here: the features of texts, training, outputs, the file of a model. Does not belong here:
examples and folds (labelled.py), cards and tables (classifier_cards.py).

The features of a text are the distinct n-grams of its tokens (kernels/tokens.py: a word, a number as
one sign, a Han character) among its first BYTES, each hashed to a bucket. A feature counts once,
however often it stands there, and all of a text weigh as a vector of length one. A model is a weight
for each bucket and output, learned by AdaGrad (Duchi, Hazan, Singer 2011, diagonal) over the examples
in a fixed order, in one thread: equal examples give equal bytes. Of a trained model the `max_weights`
buckets with the greatest weights stay, as 8-bit integers with one scale for each output, so that a
file is small; what is reported is always of the model in that form.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipelines.kernels.compiled import Array, kernel
from pipelines.kernels.hashing64 import STEP, U64, avalanche
from pipelines.kernels.normal_form import fold_table
from pipelines.kernels.tokens import token_hash, tokenize
from pipelines.kernels.utf8 import text_buffers

BYTES = 6_000  # of a text that are read, from its beginning: about 1,000 English words, 2,000 Han
_NUMBER = U64(0x3030)  # the value that every number of digits has
_ROOM = 64  # places that tokenize wants free behind the last token
_EPSILON = 1e-6  # AdaGrad: keeps the first step finite
_LARGEST = 127  # of an 8-bit weight


@dataclass(frozen=True)
class Features:
    """Buckets of n texts, one after the other: buckets uint32, and starts int64 [n + 1]."""

    buckets: NDArray[np.uint32]
    starts: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.starts) - 1

    def take(self, rows: NDArray[np.int64]) -> Features:
        """The features of some of the texts, in this order."""
        pieces = [self.buckets[self.starts[r] : self.starts[r + 1]] for r in rows]
        ends = np.cumsum([0, *map(len, pieces)]).astype(np.int64)
        return Features(np.concatenate([np.empty(0, np.uint32), *pieces]), ends)


@kernel
def _is_number(value: np.uint64) -> bool:
    """Whether a token's value is one of ASCII digits alone, at most eight of them."""
    while value:
        byte = value & U64(0xFF)
        if byte < U64(48) or byte > U64(57):
            return False
        value >>= U64(8)
    return True


@kernel
def _buckets(
    data: Array, offsets: Array, table: Array, ngrams: int, bits: int, out: Array, starts: Array
) -> int:
    """Distinct buckets of every text, in the order in which they first stand there; returns how
    many. `out` has room for `ngrams` times the bytes that are read."""
    tokens = np.empty(BYTES + _ROOM, np.uint64)
    seen = np.zeros(1 << bits, np.uint32)  # number of the last text that had the bucket, from 1 on
    shift, total = U64(64 - bits), 0
    starts[0] = 0
    for text in range(len(offsets) - 1):
        begin = offsets[text]
        end = min(offsets[text + 1], begin + BYTES)
        count, _ = tokenize(data, begin, end, table, tokens, 0)
        for k in range(count):
            tokens[k] = token_hash(_NUMBER if _is_number(tokens[k]) else tokens[k])
        mark = np.uint32(text + 1)
        for k in range(count):
            h = U64(0)
            for j in range(min(ngrams, k + 1)):
                h = h * STEP + tokens[k - j]
                bucket = np.int64(avalanche(h) >> shift)
                if seen[bucket] != mark:
                    seen[bucket] = mark
                    out[total] = np.uint32(bucket)
                    total += 1
        starts[text + 1] = total
    return total


def features_of(texts: pa.Array | pa.ChunkedArray, ngrams: int, bits: int) -> Features:
    """The features of texts: n-grams of 1 to `ngrams` tokens in 2 ** `bits` buckets."""
    data, offsets = text_buffers(texts)
    read = int(np.minimum(np.diff(offsets), BYTES).sum())
    out, starts = np.empty(read * ngrams, np.uint32), np.empty(len(offsets), np.int64)
    count = _buckets(data, offsets, fold_table(), ngrams, bits, out, starts)
    return Features(out[:count].copy(), starts)


@kernel
def _outputs(buckets: Array, starts: Array, weights: Array, intercept: Array, out: Array) -> None:
    """out[text] = intercept + sum of the weights of its buckets, by the length of its vector."""
    size = len(intercept)
    for text in range(len(starts) - 1):
        first, last = starts[text], starts[text + 1]
        scale = 1.0 / np.sqrt(max(last - first, 1))
        for k in range(size):
            out[text, k] = 0.0
        for i in range(first, last):
            row = weights[buckets[i]]
            for k in range(size):
                out[text, k] += row[k]
        for k in range(size):
            out[text, k] = out[text, k] * scale + intercept[k]


@kernel
def _softmax(values: Array) -> None:
    """Outputs of one text into probabilities, in place."""
    top = values.max()
    total = 0.0
    for k in range(len(values)):
        values[k] = np.exp(values[k] - top)
        total += values[k]
    for k in range(len(values)):
        values[k] /= total


@kernel
def _learn(
    buckets: Array,
    starts: Array,
    targets: Array,
    importance: Array,
    order: Array,
    classes: bool,
    rate: float,
    decay: float,
    weights: Array,
    intercept: Array,
    squares: Array,
    squares_intercept: Array,
) -> None:
    """One pass over the examples in `order`. `targets` float64 [examples, outputs]: shares of the
    classes, or numbers. `decay` is the penalty's factor on a weight each time it is seen."""
    size = len(intercept)
    values = np.empty(size, np.float64)
    for example in order:
        first, last = starts[example], starts[example + 1]
        scale = 1.0 / np.sqrt(max(last - first, 1))
        values[:] = 0.0
        for i in range(first, last):
            row = weights[buckets[i]]
            for k in range(size):
                values[k] += row[k]
        for k in range(size):
            values[k] = values[k] * scale + intercept[k]
        if classes:
            _softmax(values)
        for k in range(size):
            values[k] = (values[k] - targets[example, k]) * importance[example]
            squares_intercept[k] += values[k] * values[k]
            intercept[k] -= rate * values[k] / np.sqrt(squares_intercept[k] + _EPSILON)
        for i in range(first, last):
            row, square = weights[buckets[i]], squares[buckets[i]]
            for k in range(size):
                slope = values[k] * scale + decay * row[k]
                square[k] += slope * slope
                row[k] -= rate * slope / np.sqrt(square[k] + _EPSILON)


@dataclass(frozen=True)
class LinearModel:
    """Weights of the buckets that stay. buckets uint32 [n], ascending; weights int8 [n, outputs],
    times scale float32 [outputs]; intercept float32 [outputs]; n-grams of 1 to `ngrams` tokens in
    2 ** `bits` buckets."""

    ngrams: int
    bits: int
    buckets: NDArray[np.uint32]
    weights: NDArray[np.int8]
    scale: NDArray[np.float32]
    intercept: NDArray[np.float32]

    def dense(self) -> NDArray[np.float32]:
        """Weights of all buckets, float32 [2 ** bits, outputs]."""
        table = np.zeros((1 << self.bits, len(self.scale)), np.float32)
        table[self.buckets] = self.weights * self.scale
        return table

    def arrays(self, prefix: str) -> dict[str, NDArray[Any]]:
        """What `of_arrays` reads, by name."""
        shape = np.array([self.ngrams, self.bits], np.int64)
        values: dict[str, NDArray[Any]] = {"shape": shape, "buckets": self.buckets, "weights": self.weights}
        values |= {"scale": self.scale, "intercept": self.intercept}
        return {f"{prefix}.{name}": value for name, value in values.items()}

    @staticmethod
    def of_arrays(arrays: dict[str, NDArray[Any]], prefix: str) -> LinearModel:
        shape, *rest = (
            arrays[f"{prefix}.{n}"] for n in ("shape", "buckets", "weights", "scale", "intercept")
        )
        return LinearModel(int(shape[0]), int(shape[1]), *rest)


def outputs_of(
    model: LinearModel, dense: NDArray[np.float32], features: Features, classes: bool
) -> NDArray[np.float64]:
    """float64 [texts, outputs]: probabilities of classes, or numbers."""
    out = np.empty((len(features), len(model.intercept)), np.float64)
    _outputs(features.buckets, features.starts, dense, model.intercept, out)
    if classes:
        for row in out:
            _softmax(row)
    return out


def train(
    features: Features,
    targets: NDArray[np.float64],
    importance: NDArray[np.float64],
    *,
    classes: bool,
    ngrams: int,
    bits: int,
    epochs: int,
    rate: float,
    decay: float,
    max_weights: int,
    seed: int,
) -> LinearModel:
    """A model of `targets` [examples, outputs]: shares of classes, or numbers, which are learned as
    distances from their mean in standard deviations. `importance` is a factor on the step of each
    example."""
    size = targets.shape[1]
    mean, spread = np.zeros(size), np.ones(size)
    if not classes:
        mean, spread = targets.mean(axis=0), np.maximum(targets.std(axis=0), 1e-9)
    weights = np.zeros((1 << bits, size), np.float32)
    squares = np.zeros_like(weights)
    intercept, squares_intercept = np.zeros(size), np.zeros(size)
    generator = np.random.Generator(np.random.PCG64(seed))
    for _ in range(epochs):
        order = generator.permutation(len(features))
        _learn(
            features.buckets,
            features.starts,
            (targets - mean) / spread,
            importance,
            order,
            classes,
            rate,
            decay,
            weights,
            intercept,
            squares,
            squares_intercept,
        )
    weights *= spread.astype(np.float32)
    largest = np.abs(weights).max(axis=1)
    used = int(np.count_nonzero(largest))
    # Of equal weights the smaller bucket stays.
    chosen = np.sort(np.lexsort((np.arange(len(largest)), -largest))[: min(max_weights, used)])
    kept = weights[chosen]
    scale = np.maximum(np.abs(kept).max(axis=0, initial=0.0), 1e-9).astype(np.float32) / np.float32(_LARGEST)
    small = np.rint(kept / scale).astype(np.int8)
    return LinearModel(
        ngrams, bits, chosen.astype(np.uint32), small, scale, (intercept * spread + mean).astype(np.float32)
    )


def to_bytes(models: dict[str, LinearModel]) -> bytes:
    """The file of some models by name: a compressed .npz, without times of day."""
    stream = io.BytesIO()
    arrays: dict[str, Any] = {k: v for name, model in models.items() for k, v in model.arrays(name).items()}
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


def from_bytes(data: bytes) -> dict[str, LinearModel]:
    """The models of a file of `to_bytes`."""
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    return {p: LinearModel.of_arrays(arrays, p) for p in sorted({n.rpartition(".")[0] for n in arrays})}
