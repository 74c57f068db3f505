"""Hashes of whole texts and of their lines, over the normal form.

Belongs here: content hashes (exact duplicates) and block hashes (recurring lines). They are of the
kernels' room because dedup/ and release/ both compare by them. Does not belong here: tokens and
shingles (tokens.py, dedup/shingles.py), what is done with equal hashes.
"""

# ruff: noqa: SIM109
from __future__ import annotations

import numpy as np
import pyarrow as pa

from pipelines.kernels.compiled import Array, inlined, kernel
from pipelines.kernels.hashing64 import FNV_PRIME, GOLDEN, MIX, STEP, U32, U64, avalanche
from pipelines.kernels.normal_form import DIGIT, SEPARATOR, fold, fold_table
from pipelines.kernels.utf8 import decode, text_buffers

SPACE = U64(32)
NO_BREAK_SPACE, IDEOGRAPHIC_SPACE, ZERO_WIDTH_SPACE, BYTE_ORDER_MARK = 0xA0, 0x3000, 0x200B, 0xFEFF
LINE_FEED = 10
FIRST_SIGN, LAST_SIGN = 0x2190, 0x2BFF  # arrows to miscellaneous symbols; bullets lie before them


@inlined
def _is_space(point: np.uint32) -> np.bool_ | bool:
    """Whether content hashes squeeze a character: controls, spaces, the byte order mark."""
    # compared one by one: a tuple of them costs content hashes 4 % more time
    return (
        point <= 32
        or point == NO_BREAK_SPACE
        or point == IDEOGRAPHIC_SPACE
        or point == ZERO_WIDTH_SPACE
        or point == BYTE_ORDER_MARK
    )


@kernel
def _content(data: Array, offsets: Array, table: Array, out: Array) -> None:
    """Two 64-bit lanes over folded code points, runs of white space as one, none at the ends."""
    for doc in range(len(offsets) - 1):
        i, end = offsets[doc], offsets[doc + 1]
        one, two, length, gap = GOLDEN, MIX, U64(0), False
        while i < end:
            point, width = decode(data, i, end)
            i += width
            folded = fold(table, point) >> 2
            if _is_space(folded):
                gap = bool(length > U64(0))
                continue
            if gap:
                one = (one ^ SPACE) * STEP
                two = avalanche(two + SPACE * FNV_PRIME)
                gap = False
            one = (one ^ U64(folded)) * STEP
            one ^= one >> U64(31)
            two = (two + U64(folded) * FNV_PRIME) * MIX
            two ^= two >> U64(33)
            length += U64(1)
        out[doc, 0] = avalanche(one ^ length)
        out[doc, 1] = avalanche(two + length * STEP)


@kernel
def _blocks(
    data: Array, offsets: Array, table: Array, hashes: Array, starts: Array, ends: Array, counts: Array
) -> int:
    """One hash for each line that has a letter or digit: tokens without punctuation, numbers set off,
    and signs such as stars and arrows, which tell values apart."""
    used = 0
    for doc in range(len(offsets) - 1):
        i, end = offsets[doc], offsets[doc + 1]
        first = i
        while i < end:
            line = i
            h, seen, previous = GOLDEN, False, U32(SEPARATOR)
            while i < end and data[i] != LINE_FEED:
                point, width = decode(data, i, end)
                folded = fold(table, point)
                group = folded & 3
                if group != SEPARATOR:
                    seen = True
                    if group == DIGIT and previous != DIGIT:
                        h = (h ^ SPACE) * FNV_PRIME
                    h = (h ^ U64(folded >> 2)) * FNV_PRIME
                    h ^= h >> U64(32)
                elif FIRST_SIGN <= point <= LAST_SIGN:
                    h = (h ^ U64(point)) * FNV_PRIME
                previous = group
                i += width
            if seen:
                hashes[used] = avalanche(h * STEP)
                starts[used] = line - first
                ends[used] = i - first
                used += 1
            i += 1
        counts[doc] = used
    return used


def content_hashes(texts: pa.Array) -> pa.Array:
    """128 bits of the folded text with white space squeezed, fixed_size_binary(16): equal texts,
    equal hashes."""
    data, offsets = text_buffers(texts)
    out = np.zeros((len(offsets) - 1, 2), np.uint64)
    _content(data, offsets, fold_table(), out)
    return pa.Array.from_buffers(pa.binary(16), len(out), [None, pa.py_buffer(out.astype("<u8").tobytes())])


def block_hashes(texts: pa.Array) -> tuple[Array, Array, Array, Array]:
    """(hash uint64, start int32, end int32 in bytes of its text) for each non-empty line, and
    offsets int32 [n + 1] per text."""
    data, offsets = text_buffers(texts)
    lines = int(np.count_nonzero(data[offsets[0] : offsets[-1]] == LINE_FEED)) + len(offsets)
    hashes, starts, ends = np.empty(lines, np.uint64), np.empty(lines, np.int32), np.empty(lines, np.int32)
    counts = np.zeros(len(offsets), np.int32)
    used = _blocks(data, offsets, fold_table(), hashes, starts, ends, counts[1:])
    return hashes[:used], starts[:used], ends[:used], counts
