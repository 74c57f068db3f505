"""Pre-tokens, word cache and merges over UTF-8: the compiled half of the encoder.

Belongs here: passes over bytes, and the sizes of their tables. Does not belong here: filling the
tables and the check against `tokenizers` (encoder.py), the pattern (pattern.py).

Most pre-tokens of running text were seen before: one that is in the cache costs one line of memory,
whose bytes are compared whole, so that a hash decides nothing. The others are merged by rank from a
table of a megabyte.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pipelines.kernels.compiled import Array, inlined, int64, kernel
from pipelines.kernels.hashing64 import GOLDEN
from pipelines.tokenizer.pretokens import DIGIT, HAN_CLASS, LETTER, LINE_END, SIGN, SPACE

MAX_SYMBOLS = 512  # merging is quadratic in a pre-token's symbols: texts with a longer one go to `tokenizers`
CACHE_SLOTS = 1 << 18  # 16 MiB
PROBES = 4  # slots that a pre-token may stand in; the last is overwritten where all are taken
KEY_BYTES, LINE_IDS = 40, 9  # the longest pre-token and the most ids that a line of the cache holds
# 128 KiB each: which characters stand side by side in a piece, which ids merge; a false hit costs
# time only
NEIGHBOUR_BITS = 1 << 20
NO_RANK = int64(1) << 40


@inlined
def _code_point(data: Array, i: int) -> Any:
    """Code point that begins at byte `i` of valid UTF-8 and is not ASCII."""
    b = int64(data[i])
    c = int64(data[i + 1]) & 0x3F
    if b < 0xE0:
        return (b & 0x1F) << 6 | c
    c = c << 6 | int64(data[i + 2]) & 0x3F
    if b < 0xF0:
        return (b & 0x0F) << 12 | c
    return (b & 0x07) << 18 | c << 6 | int64(data[i + 3]) & 0x3F


@kernel
def classify(data: Array, n: int, classes: Array, kinds: Array) -> None:
    """Class of the character that each of the first `n` bytes belongs to, into `kinds` uint8
    [n]."""
    i = 0
    while i < n:
        b = data[i]
        if b < 0x80:
            kinds[i] = classes[b]
            i += 1
        else:
            kind = classes[_code_point(data, i)]
            after = i + 2 + (b >= 0xE0) + (b >= 0xF0)
            while i < after:
                kinds[i] = kind
                i += 1


@inlined
def _scan(data: Array, kinds: Array, i: int, n: int) -> int:
    """End of the pre-token that begins at byte `i`, which is not Han: PATTERN by alternatives (the
    twin of pretokens.scan).

    `kinds` is read byte by byte: all bytes of a character have its class.
    """
    kind, b = kinds[i], data[i]
    j = i + 1 + (b >= 0xC0) + (b >= 0xE0) + (b >= 0xF0)
    if kind == DIGIT:
        return j
    if kind == LETTER:
        while j < n and kinds[j] == LETTER:
            j += 1
        return j
    if j < n and kinds[j] == LETTER and kind != LINE_END:
        while j < n and kinds[j] == LETTER:
            j += 1
        return j
    if kind == SIGN or (b == 32 and j < n and kinds[j] == SIGN):
        while j < n and kinds[j] == SIGN:
            j += 1
        while j < n and kinds[j] == LINE_END:
            j += 1
        return j
    last, j = -1, i
    while j < n and (kinds[j] == SPACE or kinds[j] == LINE_END):
        j += 1
        if kinds[j - 1] == LINE_END:
            last = j
    if last >= 0:
        return last
    if j < n and kinds[j] != DIGIT and kinds[j] != HAN_CLASS:
        previous = j - 1
        while data[previous] & 0xC0 == 0x80:
            previous -= 1
        if previous > i:
            return previous
    return j


@inlined
def neighbours(left: int, right: int) -> int:
    """Bit of two adjacent characters, or ids, in a table of NEIGHBOUR_BITS."""
    return ((left * 0x9E3779B1 + right * 0x85EBCA6B) >> 7) & (NEIGHBOUR_BITS - 1)


@inlined
def _segment(data: Array, kinds: Array, inside: Array, i: int, n: int) -> int:
    """End of the longest stretch of Han from byte `i` whose neighbours all stand side by side
    within some piece.

    No merge joins two characters that are side by side in no piece, so the stretches of a run are
    merged one by one with the ids of the whole. They are short and come back often, where runs are
    long and mostly new.
    """
    c = _code_point(data, i)
    j = i + 3 + (data[i] >= 0xF0)
    while j < n and kinds[j] == HAN_CLASS:
        following = _code_point(data, j)
        bit = neighbours(c, following)
        if inside[bit >> 3] >> (bit & 7) & 1 == 0:
            break
        c = following
        j += 3 + (data[j] >= 0xF0)
    return j


@inlined
def _rank(table: Array, maybe: Array, pair: int) -> Any:
    """Rank of a pair of ids (left << 16 | right), or NO_RANK. An entry of the table is pair << 20 |
    rank, or -1. `maybe` has its bit."""
    bit = neighbours(pair >> 16, pair & 0xFFFF)
    if maybe[bit >> 3] >> (bit & 7) & 1 == 0:  # most pairs merge to nothing: a small table says so
        return NO_RANK
    slot = ((pair * 0x9E3779B1) >> 15) & (len(table) - 1)
    while table[slot] >= 0:
        if table[slot] >> 20 == pair:
            return int64(table[slot] & 0xFFFFF)
        slot = (slot + 1) & (len(table) - 1)
    return NO_RANK


@kernel
def _merge(
    data: Array,
    start: int,
    end: int,
    char_ids: Array,
    first_byte: int,
    table: Array,
    maybe: Array,
    results: Array,
    ids: Array,
    ranks: Array,
) -> int:
    """Ids of one pre-token into `ids`; returns how many, or -1 where there are too many symbols.
    `ranks` is scratch."""
    count, i = 0, start
    while i < end:
        if count + 4 > MAX_SYMBOLS:
            return -1
        c, b = int64(data[i]), data[i]
        if b >= 0x80:
            c = _code_point(data, i)
        after = i + 1 + (b >= 0xC0) + (b >= 0xE0) + (b >= 0xF0)
        if char_ids[c] != 0:
            ids[count] = char_ids[c]
            count += 1
        else:
            for k in range(i, after):
                ids[count] = first_byte + data[k]
                count += 1
        i = after
    best, at = NO_RANK, -1
    for i in range(count - 1):
        ranks[i] = _rank(table, maybe, int64(ids[i]) << 16 | ids[i + 1])
        if ranks[i] < best:
            best, at = ranks[i], i
    while at >= 0:
        ids[at] = results[best]
        count -= 1
        for i in range(at + 1, count):
            ids[i] = ids[i + 1]
            ranks[i - 1] = ranks[i]
        if at + 1 < count:
            ranks[at] = _rank(table, maybe, int64(ids[at]) << 16 | ids[at + 1])
        if at > 0:
            ranks[at - 1] = _rank(table, maybe, int64(ids[at - 1]) << 16 | ids[at])
        best, at = NO_RANK, -1
        for i in range(count - 1):
            if ranks[i] < best:
                best, at = ranks[i], i
    return count


@kernel
def encode(
    data: Array,
    words: Array,
    offsets: Array,
    end_id: int,
    kinds: Array,
    inside: Array,
    char_ids: Array,
    first_byte: int,
    table: Array,
    maybe: Array,
    results: Array,
    lines: Array,
    line_ids: Array,
    out: Array,
    ends: Array,
) -> None:
    """Ids of the texts data[offsets[t] : offsets[t + 1]] into `out`, each with `end_id` after it
    where that is not negative.

    `words` is `data` as eight bytes from every byte on (both are padded). Ends into `ends` (-1: not
    encoded). A line of the cache, uint64 [8]: five words of bytes, then LINE_IDS ids of 16 bits,
    their number and the bytes' length; `line_ids` is the same memory, uint16 [32].
    """
    ids, ranks = np.empty(MAX_SYMBOLS + 4, np.int64), np.empty(MAX_SYMBOLS + 4, np.int64)
    key = np.zeros(5, np.uint64)
    mask, o = len(lines) - 1, 0
    for t in range(len(offsets) - 1):
        i, n, began, failed = offsets[t], offsets[t + 1], o, False
        while i < n:
            if kinds[i] == HAN_CLASS:
                j = _segment(data, kinds, inside, i, n)
            else:
                j = _scan(data, kinds, i, n)
            length = j - i
            if length == 1 or (length == 3 and data[i] >= 0xE0):  # most signs and digits: one character
                c = int64(data[i])
                if length == 3:
                    c = _code_point(data, i)
                if char_ids[c] != 0:
                    out[o] = char_ids[c]
                    o += 1
                    i = j
                    continue
            elif length == 6 and data[i] >= 0xE0 and data[i + 3] >= 0xE0:  # many Han words: two characters
                left, right = (
                    int64(char_ids[_code_point(data, i)]),
                    int64(char_ids[_code_point(data, i + 3)]),
                )
                if left != 0 and right != 0:
                    rank = _rank(table, maybe, left << 16 | right)
                    if rank != NO_RANK:
                        out[o] = results[rank]
                        o += 1
                    else:
                        out[o], out[o + 1] = left, right
                        o += 2
                    i = j
                    continue
            if length > KEY_BYTES:
                count = _merge(data, i, j, char_ids, first_byte, table, maybe, results, ids, ranks)
                if count < 0:
                    failed = True
                    break
                for k in range(count):
                    out[o + k] = ids[k]
                o += count
                i = j
                continue
            h, rest, k = np.uint64(length), length, 0
            while rest >= 8:
                key[k] = words[i + 8 * k]
                h = (h ^ key[k]) * GOLDEN
                h ^= h >> np.uint64(32)
                rest, k = rest - 8, k + 1
            if rest:
                key[k] = words[i + 8 * k] & ((np.uint64(1) << np.uint64(8 * rest)) - np.uint64(1))
                h = (h ^ key[k]) * GOLDEN
                h ^= h >> np.uint64(32)
                k += 1
            slot, found = int64(h & np.uint64(mask)), False
            for _ in range(PROBES):
                held = line_ids[slot, 31]
                if held == 0:
                    break
                if held == length:
                    same = True
                    for w in range(k):
                        if lines[slot, w] != key[w]:
                            same = False
                            break
                    if same:
                        found = True
                        break
                slot = (slot + 1) & mask
            if found:
                count = int(line_ids[slot, 30])
                for w in range(count):
                    out[o + w] = line_ids[slot, 20 + w]
                o += count
                i = j
                continue
            count = _merge(data, i, j, char_ids, first_byte, table, maybe, results, ids, ranks)
            for w in range(count):
                out[o + w] = ids[w]
            o += count
            if count <= LINE_IDS:
                if line_ids[slot, 31] != 0:
                    slot = int64(h & np.uint64(mask))
                for w in range(k):
                    lines[slot, w] = key[w]
                for w in range(count):
                    line_ids[slot, 20 + w] = ids[w]
                line_ids[slot, 30], line_ids[slot, 31] = count, length
            i = j
        if failed:
            o = began
            ends[t] = -1
        else:
            if end_id >= 0:
                out[o] = end_id
                o += 1
            ends[t] = o
