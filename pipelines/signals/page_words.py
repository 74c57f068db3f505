"""Words of an English text that tell its kind: a vocabulary, and one pass that counts them.

Belongs here: what a word is, how often the known ones stand there. Does not belong here: weights
(page_kinds.py), the words of rules (words.py). The plain definition is forms_reference.plain_words;
tests/pipelines/signals/test_page_words.py proves the numbers equal to it.

A word is a run of the letters a to z, in lower case, with one apostrophe inside. A number with a sign
of money before it is a word, and so is one with a per cent sign behind, whatever the number.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipelines.kernels.compiled import Array, int64, kernel
from pipelines.kernels.hashing64 import FNV_START, U64, avalanche
from pipelines.kernels.utf8 import decode_valid
from pipelines.signals.form_counts import CHARS, end_of_chars
from pipelines.signals.hash_set import mix, word_hash

GROUPS = {
    "prices": ("$0", "£0", "€0"),
    "you": ("you", "your", "yours"),
    "we": ("we", "our", "ours"),
    "me": ("i", "my", "me"),
    "past": ("was", "were", "had", "said"),
}
SIZE = 0x20000  # no digit beyond
LETTER, CUT, DIGIT, NUMBER, APOSTROPHE, MONEY, PER_CENT = 1, 2, 3, 4, 5, 6, 7
"""What a character is to a word. CUT: a letter behind which the word ends, since the lower case of the
character is two. NUMBER: a mark that goes on a number."""
_CLASS_BITS = 3
_SPACE, _ZERO = ord(" "), ord("0")


class Vocabulary(NamedTuple):
    """Open addressing by a word's hash: keys uint64, places int64 (-1 where a slot is free); by place:
    weights float64 [words, kinds], groups int64 [words] (-1: of none)."""

    keys: Array
    places: Array
    weights: Array
    groups: Array


class PageWords(NamedTuple):
    """Of each text: total int64 [texts] words; squares float64 [texts], sum of the squared logarithms
    of each word's count plus one; known float64 [texts, kinds], sum of those logarithms by weight;
    groups int64 [texts, groups], words of each of GROUPS."""

    total: NDArray[np.int64]
    squares: NDArray[np.float64]
    known: NDArray[np.float64]
    groups: NDArray[np.int64]

    def groups_by_name(self) -> dict[str, NDArray[np.int64]]:
        """The columns of `groups`."""
        return dict(zip(GROUPS, self.groups.T, strict=True))


@cache
def logarithms() -> NDArray[np.float64]:
    """Logarithm of n + 1 for n up to CHARS + 1."""
    return np.array([math.log1p(n) for n in range(CHARS + 2)])


@cache
def _squared() -> NDArray[np.float64]:
    """The squares of `logarithms`, as Python rounds them."""
    return np.array([value**2 for value in logarithms().tolist()])


@cache
def _table() -> NDArray[np.uint32]:
    """For each code point below SIZE: letter << _CLASS_BITS | class, uint32 [SIZE]."""
    values = np.zeros(SIZE, np.uint32)
    for point in range(SIZE):
        char = chr(point)
        low = char.lower()
        if "a" <= low[0] <= "z":
            values[point] = ord(low[0]) << _CLASS_BITS | (LETTER if len(low) == 1 else CUT)
        elif char.isdecimal():
            values[point] = DIGIT
    for group, chars in ((NUMBER, ".,"), (APOSTROPHE, "'\N{RIGHT SINGLE QUOTATION MARK}"), (PER_CENT, "%")):
        values[[ord(c) for c in chars]] = group
    for char in "$£€":
        values[ord(char)] = ord(char) << _CLASS_BITS | MONEY
    return values


def vocabulary(weights: Sequence[Mapping[str, float]]) -> Vocabulary:
    """The words of some kinds by weight, and those of GROUPS. ValueError where two have one hash."""
    of_group = {word: k for k, words in enumerate(GROUPS.values()) for word in words}
    words = sorted({*of_group, *(word for kind in weights for word in kind)})
    hashes = [int(word_hash(np.array([ord(c) for c in word], np.int64))) for word in words]
    if len(set(hashes)) < len(words):
        raise ValueError("two words of the model have one hash: leave one of them out")
    size = 1 << (4 * len(words)).bit_length()
    keys, places = np.zeros(size, np.uint64), np.full(size, -1, np.int64)
    for place, key in enumerate(hashes):
        slot = key & (size - 1)
        while places[slot] >= 0:
            slot = (slot + 1) & (size - 1)
        keys[slot], places[slot] = key, place
    return Vocabulary(
        keys,
        places,
        np.array([[kind.get(word, 0.0) for kind in weights] for word in words]).reshape(
            len(words), len(weights)
        ),
        np.array([of_group.get(word, -1) for word in words], np.int64),
    )


@kernel
def _place_of(words: Vocabulary, key: np.uint64) -> int:
    """The place of a word in the vocabulary; -1 for another."""
    mask = U64(len(words.keys) - 1)
    slot = int64(key & mask)
    while words.places[slot] >= 0 and words.keys[slot] != key:
        slot = int64(U64(slot + 1) & mask)
    return int64(words.places[slot])


@kernel
def _entry(data: Array, i: int, end: int, table: Array) -> tuple[int, int]:
    """(entry of the table, width in bytes) of the character at i; (0, 0) at the end."""
    if i >= end:
        return 0, 0
    point, width = decode_valid(data, i)
    return (int64(table[point]) if point < SIZE else 0), width


@kernel
def _letters(data: Array, i: int, end: int, table: Array, h: np.uint64) -> tuple[np.uint64, int, bool]:
    """(hash after the letters from i on, byte behind them, whether the word ends there in any case)."""
    while True:
        entry, width = _entry(data, i, end, table)
        group = entry & 7
        if group not in (LETTER, CUT):
            return h, i, False
        h = mix(h, entry >> _CLASS_BITS)
        i += width
        if group == CUT:
            return h, i, True


@kernel
def _behind_number(data: Array, i: int, end: int, table: Array) -> int:
    """The byte behind a number whose first digit is at i."""
    while True:
        entry, width = _entry(data, i, end, table)
        if entry & 7 != DIGIT and entry & 7 != NUMBER:
            return i
        i += width


@kernel
def _next_word(data: Array, i: int, end: int, table: Array) -> tuple[np.uint64, int, bool]:
    """(hash, byte behind, whether there is one) of the first word from i on."""
    while i < end:
        entry, width = _entry(data, i, end, table)
        group = entry & 7
        if group in (LETTER, CUT):
            h, i, cut = _letters(data, i, end, table, FNV_START)
            if not cut:
                mark, mark_width = _entry(data, i, end, table)
                following, _ = _entry(data, i + mark_width, end, table)
                if mark & 7 == APOSTROPHE and (following & 7 in (LETTER, CUT)):
                    h, i, cut = _letters(data, i + mark_width, end, table, mix(h, ord("'")))
            return avalanche(h), i, True
        if group == DIGIT:
            i = _behind_number(data, i, end, table)
            mark, mark_width = _entry(data, i, end, table)
            if mark & 7 == PER_CENT:
                return avalanche(mix(mix(FNV_START, _ZERO), ord("%"))), i + mark_width, True
            continue
        i += width
        if group == MONEY:
            behind = i + (i < end and data[i] == _SPACE)
            following, _ = _entry(data, behind, end, table)
            if following & 7 == DIGIT:
                h = mix(mix(FNV_START, entry >> _CLASS_BITS), _ZERO)
                return avalanche(h), _behind_number(data, behind, end, table), True
    return U64(0), end, False


@kernel
def _count(
    data: Array,
    offsets: Array,
    table: Array,
    words: Vocabulary,
    logs: Array,
    squared: Array,
    total: Array,
    squares: Array,
    known: Array,
    groups: Array,
) -> None:
    """Fill the fields of PageWords, zeros before. Sums are taken in the order in which words first
    stand in a text, so that they round as a plain reading does."""
    longest = 0
    for text in range(len(offsets) - 1):
        longest = max(longest, offsets[text + 1] - offsets[text])
    room = 16
    while room < min(longest, 4 * CHARS):
        room *= 2
    keys, stamps = np.zeros(room, np.uint64), np.zeros(room, np.int64)
    numbers = np.zeros(room, np.int64)  # of a slot's word in the order of the text
    hashes, counts = np.zeros(room, np.uint64), np.zeros(room, np.int64)
    for text in range(len(offsets) - 1):
        i, end = offsets[text], end_of_chars(data, offsets[text], offsets[text + 1], CHARS)
        size = 16
        while size < end - i:
            size *= 2
        mask, different = U64(size - 1), 0
        while True:
            key, i, found = _next_word(data, i, end, table)
            if not found:
                break
            total[text] += 1
            slot = int64(key & mask)
            while stamps[slot] == text + 1 and keys[slot] != key:
                slot = int64(U64(slot + 1) & mask)
            if stamps[slot] != text + 1:
                stamps[slot], keys[slot], numbers[slot] = text + 1, key, different
                hashes[different], counts[different] = key, 0
                different += 1
            counts[numbers[slot]] += 1
        for k in range(different):
            squares[text] += squared[counts[k]]
            place = _place_of(words, hashes[k])
            if place >= 0:
                for kind in range(known.shape[1]):
                    known[text, kind] += logs[counts[k]] * words.weights[place, kind]
                if words.groups[place] >= 0:
                    groups[text, words.groups[place]] += counts[k]


def count_words(data: Array, offsets: Array, words: Vocabulary) -> PageWords:
    """The numbers of the first CHARS characters of the texts of a buffer."""
    texts = len(offsets) - 1
    out = PageWords(
        np.zeros(texts, np.int64),
        np.zeros(texts),
        np.zeros((texts, words.weights.shape[1])),
        np.zeros((texts, len(GROUPS)), np.int64),
    )
    _count(data, offsets, _table(), words, logarithms(), _squared(), *out)
    return out
