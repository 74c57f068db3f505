"""Cutting text into pre-tokens, compiled: the twin of pattern.PATTERN, and counting what it cuts.

Belongs here: character classes, where a pre-token ends, how often each occurs. Does not belong
here: the pattern itself (pattern.py), ids (encoder.py).

The pattern has six character classes, so one pass over code points cuts it. The class of each code
point is asked of `tokenizers` itself, so that its Unicode version is ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from pipelines.kernels.compiled import Array, kernel
from pipelines.kernels.hashing64 import GOLDEN
from pipelines.tokenizer.pattern import HAN

SIGN, LETTER, DIGIT, HAN_CLASS, SPACE, LINE_END = range(6)
# code points: longer pre-tokens (encoded data, rules of signs) are not counted, no piece is learnt
# from them
LONGEST = 256


@lru_cache(maxsize=1)
def character_classes() -> npt.NDArray[np.uint8]:
    """Class of every code point, uint8 [0x110000], as the regular expressions of `tokenizers` see
    it."""
    from tokenizers import Regex
    from tokenizers.pre_tokenizers import Split

    # Beyond these planes nothing is assigned but private-use signs.
    codes = np.concatenate([np.arange(0xD800), np.arange(0xE000, 0x40000), np.arange(0xE0000, 0xE1000)])
    text = codes.astype("<u4").tobytes().decode("utf-32-le")
    classes = np.full(0x110000, SIGN, np.uint8)
    for kind, pattern in (
        (LETTER, r"[\p{L}\p{M}]"),
        (HAN_CLASS, f"[{HAN}]"),
        (DIGIT, r"\p{Nd}"),
        (SPACE, r"\s"),
        (LINE_END, r"[\r\n]"),
    ):
        removed = Split(Regex(f"(?:{pattern})+"), behavior="removed").pre_tokenize_str(text)
        inside = np.ones(len(codes), bool)
        for _, (start, end) in removed:
            inside[start:end] = False
        classes[codes[inside]] = kind
    return classes


@kernel
def scan(cps: Array, classes: Array, i: int, n: int) -> int:
    """End of the pre-token that begins at `i`: PATTERN, alternative by alternative."""
    kind = classes[cps[i]]
    if kind == DIGIT:
        return i + 1
    if kind == HAN_CLASS:
        j = i + 1
        while j < n and classes[cps[j]] == HAN_CLASS:
            j += 1
        return j
    j = i
    if kind == LETTER or (kind in (SIGN, SPACE) and i + 1 < n and classes[cps[i + 1]] == LETTER):
        j = i + 1
        while j < n and classes[cps[j]] == LETTER:
            j += 1
        return j
    if cps[i] == 32:
        j = i + 1
    if j < n and classes[cps[j]] == SIGN:
        while j < n and classes[cps[j]] == SIGN:
            j += 1
        while j < n and classes[cps[j]] == LINE_END:
            j += 1
        return j
    j, last = i, -1
    while j < n and (classes[cps[j]] == SPACE or classes[cps[j]] == LINE_END):
        if classes[cps[j]] == LINE_END:
            last = j
        j += 1
    if last >= 0:
        return last + 1
    if j < n and j - 1 > i and classes[cps[j]] != DIGIT and classes[cps[j]] != HAN_CLASS:
        return j - 1
    return j


@kernel
def _count(cps: Array, ends: Array, classes: Array) -> tuple[Array, Array, Array]:
    """Start, length and number of every distinct pre-token of the texts that end at `ends`, int64
    [distinct]."""
    table = np.full(1 << 16, -1, np.int64)
    starts, lengths, numbers = (
        np.empty(1 << 15, np.int64),
        np.empty(1 << 15, np.int64),
        np.zeros(1 << 15, np.int64),
    )
    used, i = 0, 0
    for n in ends:
        while i < n:
            j = scan(cps, classes, i, n)
            length = j - i
            if length <= LONGEST:
                h = np.uint64(length)
                for k in range(i, j):
                    h = (h ^ np.uint64(cps[k])) * GOLDEN
                    h ^= h >> np.uint64(29)
                slot = np.int64(h & np.uint64(len(table) - 1))
                while table[slot] >= 0:
                    entry = table[slot]
                    if lengths[entry] == length:
                        same = True
                        for k in range(length):
                            if cps[starts[entry] + k] != cps[i + k]:
                                same = False
                                break
                        if same:
                            break
                    slot = (slot + 1) & (len(table) - 1)
                if table[slot] < 0:
                    if used == len(starts):
                        starts = np.concatenate((starts, np.empty(used, np.int64)))
                        lengths = np.concatenate((lengths, np.empty(used, np.int64)))
                        numbers = np.concatenate((numbers, np.zeros(used, np.int64)))
                    table[slot], starts[used], lengths[used] = used, i, length
                    used += 1
                numbers[table[slot]] += 1
                if 2 * used >= len(table):
                    table = np.full(2 * len(table), -1, np.int64)
                    for entry in range(used):
                        h = np.uint64(lengths[entry])
                        for k in range(starts[entry], starts[entry] + lengths[entry]):
                            h = (h ^ np.uint64(cps[k])) * GOLDEN
                            h ^= h >> np.uint64(29)
                        slot = np.int64(h & np.uint64(len(table) - 1))
                        while table[slot] >= 0:
                            slot = (slot + 1) & (len(table) - 1)
                        table[slot] = entry
            i = j
    return starts[:used], lengths[:used], numbers[:used]


def count_pretokens(texts: Sequence[str]) -> dict[str, int]:
    """How often each pre-token of at most LONGEST code points occurs in the texts. Holds four bytes
    a character meanwhile."""
    joined = "".join(texts)
    cps = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), "<u4")
    ends = np.cumsum(np.array([len(t) for t in texts], np.int64), dtype=np.int64)
    starts, lengths, numbers = (a.tolist() for a in _count(cps, ends, character_classes()))
    return {joined[s : s + n]: count for s, n, count in zip(starts, lengths, numbers, strict=True)}
