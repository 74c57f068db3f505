"""The pieces of words by a BPE of `tokenizers`, compiled.

Belongs here: encoding words. Does not belong here: training (perplexity.py), the project's vocabulary
(tokenizer/). The plain definition is `tokenizers.Tokenizer.encode` of a BPE without dropout behind
Metaspace; tests/pipelines/quality/test_word_pieces.py proves the pieces equal to it.

A word is its mark (a low line, U+2581) and its characters; of the pairs of neighbours that a merge
joins, the one of the lowest rank is joined first, from left to right. Two characters between which no
merge joins part a word into stretches that do not touch each other, so that a run of Han, which may be
a paragraph, takes time in proportion to its length.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from pipelines.kernels.compiled import Array, int64, kernel
from pipelines.kernels.hashing64 import GOLDEN, U64
from pipelines.kernels.utf8 import decode_valid, text_buffers

KNOWN = 200_000  # words whose pieces a process remembers
MARK = "\N{LOWER ONE EIGHTH BLOCK}"
_NONE = 1 << 30  # rank of a pair that no merge joins


class Bpe(NamedTuple):
    """chars int32 by code point: number of a character's piece, -1 for none. pairs int64, open
    addressing: left << 32 | right, -1 where free; by slot ranks and joined int32. touching int64, open
    addressing: characters between which a merge may join. names uint8 and ends int64 [pieces + 1]: the
    bytes of each piece. unknown, mark: numbers of pieces."""

    chars: Array
    pairs: Array
    ranks: Array
    joined: Array
    touching: Array
    names: Array
    ends: Array
    unknown: int
    mark: int


@kernel
def _slot(keys: Array, key: int) -> int:
    """Slot of a key, or the free slot where it belongs."""
    mask = len(keys) - 1
    slot = int64((U64(key) * GOLDEN) >> U64(32)) & mask
    while keys[slot] != -1 and keys[slot] != key:
        slot = (slot + 1) & mask
    return slot


@kernel
def _fill(keys: Array, given: Array, slots: Array) -> None:
    """Put each key where it belongs, and its slot to `slots`."""
    for k in range(len(given)):
        slots[k] = _slot(keys, given[k])
        keys[slots[k]] = given[k]


def _addressed(given: list[int]) -> tuple[Array, Array]:
    """(keys int64, slot of each given key) at most a quarter full."""
    keys, slots = np.full(4 << len(given).bit_length(), -1, np.int64), np.zeros(len(given), np.int64)
    _fill(keys, np.array(given, np.int64), slots)
    return keys, slots


def bpe_of(tokenizer: Any) -> Bpe:
    """The tables of a tokenizer."""
    model = json.loads(tokenizer.to_str())["model"]
    vocab: dict[str, int] = model["vocab"]
    unknown = vocab[model["unk_token"]]
    single = {ord(piece): number for piece, number in vocab.items() if len(piece) == 1}
    chars = np.full(max(single, default=0) + 1, -1, np.int32)
    for point, number in single.items():
        chars[point] = number
    merges: dict[int, tuple[int, int]] = {}
    for rank, (left, right) in enumerate(model["merges"]):
        merges.setdefault(vocab[left] << 32 | vocab[right], (rank, vocab[left + right]))
    pairs, slots = _addressed(list(merges))
    ranks, joined = np.full(len(pairs), _NONE, np.int32), np.zeros(len(pairs), np.int32)
    for slot, (rank, number) in zip(slots.tolist(), merges.values(), strict=True):
        ranks[slot], joined[slot] = rank, number
    touching, _ = _addressed(sorted({vocab[a[-1]] << 32 | vocab[b[0]] for a, b in model["merges"]}))
    names = [b""] * (max(vocab.values()) + 1)
    for piece, number in vocab.items():
        names[number] = piece.encode()
    ends = np.cumsum([0, *map(len, names)]).astype(np.int64)
    mark = vocab.get(MARK, unknown)
    return Bpe(
        chars, pairs, ranks, joined, touching, np.frombuffer(b"".join(names), np.uint8), ends, unknown, mark
    )


@kernel
def _rank(bpe: Bpe, left: int, right: int) -> int:
    """Rank of the merge of two pieces; _NONE without one."""
    return int(bpe.ranks[_slot(bpe.pairs, int64(left) << 32 | int64(right))])


@kernel
def _join(bpe: Bpe, pieces: Array, ranks: Array, count: int) -> int:
    """Join pieces[:count] in place as far as merges go; returns how many are left. `ranks` is room for
    as many."""
    for k in range(count - 1):
        ranks[k] = _rank(bpe, pieces[k], pieces[k + 1])
    while count > 1:
        best = 0
        for k in range(1, count - 1):
            if ranks[k] < ranks[best]:
                best = k
        if ranks[best] == _NONE:
            break
        pieces[best] = bpe.joined[_slot(bpe.pairs, int64(pieces[best]) << 32 | int64(pieces[best + 1]))]
        count -= 1
        for k in range(best + 1, count):
            pieces[k] = pieces[k + 1]
            ranks[k - 1] = ranks[k]
        if best > 0:
            ranks[best - 1] = _rank(bpe, pieces[best - 1], pieces[best])
        if best + 1 < count:
            ranks[best] = _rank(bpe, pieces[best], pieces[best + 1])
    return count


@kernel
def _write(bpe: Bpe, pieces: Array, count: int, out: Array, filled: int, first: int) -> int:
    """Write the names of pieces to `out` from `filled` on, a space before each but at `first`; returns
    the place behind."""
    for k in range(count):
        if filled > first:
            out[filled] = 32
            filled += 1
        for i in range(bpe.ends[pieces[k]], bpe.ends[pieces[k] + 1]):
            out[filled] = bpe.names[i]
            filled += 1
    return filled


@kernel
def _encode(data: Array, offsets: Array, bpe: Bpe, longest: int, out: Array, ends: Array) -> None:
    """Write the pieces of each word to `out`, spaces between, and where they end to ends[word + 1]."""
    pieces, ranks = np.zeros(longest + 1, np.int32), np.zeros(longest + 1, np.int32)
    filled = 0
    for word in range(len(offsets) - 1):
        i, end, first = offsets[word], offsets[word + 1], filled
        pieces[0], count, last = bpe.mark, 1, int64(bpe.mark)
        while i < end:
            point, width = decode_valid(data, i)
            number = int64(bpe.chars[point]) if point < len(bpe.chars) else int64(-1)
            if number < 0:
                number = int64(bpe.unknown)
            key = last << 32 | number
            if bpe.touching[_slot(bpe.touching, key)] != key:
                filled = _write(bpe, pieces, _join(bpe, pieces, ranks, count), out, filled, first)
                count = 0
            pieces[count] = number
            count += 1
            last = number
            i += width
        filled = _write(bpe, pieces, _join(bpe, pieces, ranks, count), out, filled, first)
        ends[word + 1] = filled


class WordPieces(dict[str, str]):
    """The pieces of a word, with spaces between. Words are encoded apart, so that a word is encoded once
    as long as it is remembered; a run of Han is a word too, and seldom comes again."""

    def __init__(self, tokenizer: Any) -> None:
        super().__init__()
        self.tokenizer = tokenizer
        self.bpe = bpe_of(tokenizer)
        self.special = tokenizer.id_to_token(self.bpe.unknown)

    def of_lines(self, lines: Sequence[str]) -> list[str]:
        """The pieces of each line."""
        words = [line.split(" ") for line in lines]
        if len(self) > KNOWN:
            self.clear()
        new = list({word for line in words for word in line if word not in self})
        self.update(zip(new, self.of_words(new), strict=True))
        return [" ".join(map(self.__getitem__, line)) for line in words]

    def of_words(self, words: Sequence[str]) -> list[str]:
        """The pieces of each word."""
        data, offsets = text_buffers(pa.array(words, pa.large_string()))
        sizes = np.diff(offsets)
        longest = int(sizes.max(initial=0))
        # A character that is no piece becomes the longer name of the unknown one.
        room = (int(sizes.sum()) + 3 * len(words)) * (len(self.special) + 1)
        out, ends = np.empty(room, np.uint8), np.zeros(len(words) + 1, np.int64)
        _encode(data, offsets, self.bpe, longest, out, ends)
        found: list[str] = pa.LargeStringArray.from_buffers(
            len(words), pa.py_buffer(ends), pa.py_buffer(out)
        ).to_pylist()
        for k, word in enumerate(words):
            if MARK in word or self.special in word:  # which `tokenizers` reads as what they stand for
                tokens = self.tokenizer.encode(word, add_special_tokens=False).tokens
                found[k] = " ".join(tokens)
        return found
