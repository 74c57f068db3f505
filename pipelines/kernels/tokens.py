"""Tokens of the normal form in UTF-8 text, as 64-bit values.

Belongs here: where a token begins and ends, and its value. Does not belong here: shingles
(dedup/shingles.py), benchmark items (contamination/matching.py), the normal form of a character.

A run of letters, a run of digits and a character that stands alone are tokens. The value of a token
is over its folded UTF-8 bytes, eight at a time, little-endian and padded with zeros; its hash is
`token_hash` of the value. The plain definition is reference.tokens and reference.token_hash;
tests/pipelines/kernels/test_tokens.py proves both readings below equal to it.

Why `tokenize` is fast: one step takes all ASCII tokens of 64 bytes from two bit masks, or one Han
character from one masked load; everything else goes through the fold table, character by character.
"""

from __future__ import annotations

import numpy as np

from pipelines.kernels.compiled import Array, inlined, kernel
from pipelines.kernels.hashing64 import MIX, STEP, U32, U64, avalanche
from pipelines.kernels.normal_form import ALONE, DIGIT, LETTER, fold
from pipelines.kernels.simd import BLOCK_BYTES, class_masks, leading_zeros, load_word, trailing_zeros
from pipelines.kernels.utf8 import decode

LOWER = U64(0x2020202020202020)  # makes ASCII letters small and leaves digits as they are
ONES = U64(0xFFFFFFFFFFFFFFFF)
HAN_FIRST, HAN_LAST = U64(0xE4B8), U64(0xE9BF)  # first two bytes of U+4E00 to U+9FFF: they fold to themselves


@inlined
def word_at(data: Array, i: int) -> np.uint64:
    """The 8 bytes from i on; zeros beyond the end of `data`."""
    if i + 8 <= len(data):
        return load_word(data, i)
    word = U64(0)
    for k in range(len(data) - i):
        word |= U64(data[i + k]) << U64(8 * k)
    return word


@inlined
def masks_at(data: Array, i: int) -> tuple[np.uint64, np.uint64, np.uint64]:
    """`class_masks`, also where fewer than 64 bytes are left."""
    if i + BLOCK_BYTES <= len(data):
        return class_masks(data, i)
    letters, digits, high = U64(0), U64(0), U64(0)
    for k in range(len(data) - i):
        c, bit = data[i + k], U64(1) << U64(k)
        if c >= 0x80:
            high |= bit
        elif 48 <= c <= 57:
            digits |= bit
        elif 97 <= (c | 0x20) <= 122:
            letters |= bit
    return letters, digits, high


@inlined
def _chain(value: np.uint64, word: np.uint64) -> np.uint64:
    """The next 8 bytes of a token after `value`; of a token of at most 8 bytes, `word` itself."""
    return ((value ^ (value >> U64(32))) * MIX) ^ word


@inlined
def ascii_token(data: Array, start: int, length: int) -> np.uint64:
    value = (word_at(data, start) | LOWER) & (ONES >> U64(64 - 8 * min(length, 8)))
    done = 8
    while done < length:
        value = _chain(
            value, (word_at(data, start + done) | LOWER) & (ONES >> U64(64 - 8 * min(length - done, 8)))
        )
        done += 8
    return value


@kernel
def any_token(data: Array, i: int, end: int, table: Array) -> tuple[np.uint64, int]:
    """(value, next byte) of the token that starts at i, character by character through the fold
    table."""
    value, word, filled, running = U64(0), U64(0), 0, U32(0)
    while i < end:
        point, width = decode(data, i, end)
        folded = fold(table, point)
        group, point = U32(folded & U32(3)), U32(folded >> U32(2))
        if not group or (running and group != running):
            break
        size = 1 if point < 0x80 else 2 if point < 0x800 else 3 if point < 0x10000 else 4
        for k in range(size):
            byte = U64(point)
            if size > 1:
                byte = U64(0x80) | U64((point >> U32(6 * (size - 1 - k))) & U32(0x3F))
                if k == 0:
                    byte = U64((0xF00 >> size) & 0xFF) | U64(point >> U32(6 * (size - 1)))
            if filled == 8:
                value, word, filled = _chain(value, word), U64(0), 0
            word |= byte << U64(8 * filled)
            filled += 1
        i += width
        running = group
        if group == ALONE:
            break
    return _chain(value, word), i


@inlined
def ascii_block(
    data: Array, i: int, end: int, table: Array, apart: bool
) -> tuple[np.uint64, np.uint64, np.uint64, int, bool]:
    """The ASCII tokens of the 64 bytes from i on, up to the first byte beyond ASCII: (starts, ends, digits,
    next byte, mixed).

    Bit k stands for byte i + k: where a token starts, the byte behind its end, a digit. `apart`: whether
    letters and digits in a row are two tokens. Where the last token goes on behind the masks it is in none of
    them, and the next byte is its first; `mixed`: it is for `any_token`, as no masks would hold it.
    """
    letters, digits, high = masks_at(data, i)
    stop = min(trailing_zeros(high), end - i)
    inside = ONES >> U64(64 - stop)
    letters &= inside
    digits &= inside
    if apart:
        starts = (letters & ~(letters << U64(1))) | (digits & ~(digits << U64(1)))
        ends = (~letters & (letters << U64(1))) | (~digits & (digits << U64(1)))
    else:
        letters |= digits
        starts, ends = letters & ~(letters << U64(1)), ~letters & (letters << U64(1))
    following, mixed = i + stop, False
    if following < end and ((letters | digits) >> U64(stop - 1)) & U64(1):
        point, _ = decode(data, following, end)
        own = LETTER if (letters >> U64(stop - 1)) & U64(1) else DIGIT
        if fold(table, point) & U32(3) == own:
            last = 63 - leading_zeros(starts)
            starts ^= U64(1) << U64(last)
            mixed = stop < 64 or last == 0
            following = i + last
    return starts, ends, digits, following, mixed


@inlined
def _is_han(word: np.uint64) -> np.bool_:
    """Whether the first character of the 8 bytes is in U+4E00 to U+9FFF."""
    first = (word & U64(0xFF)) << U64(8) | (word >> U64(8)) & U64(0xFF)
    return U64(first - HAN_FIRST) <= HAN_LAST - HAN_FIRST


@kernel
def tokenize(data: Array, i: int, end: int, table: Array, tokens: Array, filled: int) -> tuple[int, int]:
    """(filled, next byte): token values into `tokens` from place `filled` on, until it is nearly
    full or the text ends."""
    room = len(tokens) - BLOCK_BYTES
    while i < end and filled < room:
        if data[i] >= 0x80:
            word = word_at(data, i)
            if i + 3 <= end and _is_han(word):
                tokens[filled] = word & U64(0xFFFFFF)
                filled += 1
                i += 3
                continue
            point, width = decode(data, i, end)
            if fold(table, point) & U32(3):
                tokens[filled], i = any_token(data, i, end, table)
                filled += 1
            else:
                i += width
            continue
        starts, ends, _, following, mixed = ascii_block(data, i, end, table, True)
        while starts:
            start = trailing_zeros(starts)
            tokens[filled] = ascii_token(data, i + start, trailing_zeros(ends) - start)
            filled += 1
            starts &= starts - U64(1)
            ends &= ends - U64(1)
        i = following
        if mixed:
            tokens[filled], i = any_token(data, i, end, table)
            filled += 1
    return filled, i


@inlined
def token_hash(value: np.uint64) -> np.uint64:
    """The hash of a token of this value, as shingles take it."""
    return avalanche(value * STEP)
