"""One word of a text counted in words: its hash, what its bytes are, its marks.

Belongs here: what is asked of a word alone, and the tables for it. Does not belong here: lines,
paragraphs, the loop over words (in_words.py).

The bytes of a word are counted by packed counters: one table look-up adds to five of them at once.
"""

# ruff: noqa: SIM109 (compiled code compares faster one by one)
from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipelines.kernels.compiled import Array, inlined, int64, kernel
from pipelines.kernels.hashing64 import FNV_START, U64, avalanche
from pipelines.kernels.utf8 import decode_valid
from pipelines.signals.c4 import (
    COOKIE_POLICY,
    JAVASCRIPT,
    LOREM,
    PRIVACY,
    TERMS,
    USE,
    USE_OF,
    USES,
    may_follow,
)
from pipelines.signals.characters import (
    ALNUM,
    ALPHA,
    CLASS_BITS,
    CLOSE,
    DIGIT,
    END,
    HAN,
    SPACE,
    SYMBOL,
    classes_of,
)
from pipelines.signals.hash_set import mix, word_hash
from pipelines.signals.phrases import stands_at

HASH, CURLY, SQUARE, DOT, QUESTION, EXCLAMATION = (ord(c) for c in "#{[.?!")
ELLIPSIS, LENTICULAR = 0x2026, (0x3010, 0x3011)
PIECE = 4000  # bytes of a word between two looks at its packed counters, which hold 12 bits each
BITS, FIELD = 12, U64(0xFFF)
LETTERS, DIGITS, SYMBOLS, MARKS, JAYS = (U64(BITS * field) for field in range(5))  # shifts of the counters
STOP_MASK = U64(1023)
# Words that C4's phrases hang on: the second letter by the first, and a bit for each, by the first
# and by the last of the word before.
_LEADS, _LEAD_BIT, _BEFORE = np.zeros(256, np.uint8), np.zeros(256, np.uint8), np.zeros(256, np.uint8)
for _number, (_word, _last) in enumerate((("ipsum", "m"), ("of", "s"), ("policy", "ye"), ("cookies", "sef"))):
    _LEADS[[ord(_word[0]), ord(_word[0].upper())]] = ord(_word[1])
    _LEAD_BIT[[ord(_word[0]), ord(_word[0].upper())]] = 1 << _number
    for _letter in _last + _last.upper():
        _BEFORE[ord(_letter)] |= 1 << _number
_IPSUM, _OF, _POLICY = ord("i"), ord("o"), ord("p")  # first letters of those words; any other: cookies
_FULL_STOP = np.isin(np.arange(256), [ord(c) for c in ".?!"])


class WordTables(NamedTuple):
    """classes: characters.table. low_classes int64 [128]: classes of ASCII alone. packed uint64
    [128]: counters of ASCII, of a letter, a digit, a symbol, a mark that rules count, a j (for C4's
    javascript). stops uint64, stop_bits uint8 [1024]: hash and number of each stop word at the
    place that the low bits of its hash name; 0 elsewhere."""

    classes: Array
    low_classes: Array
    packed: Array
    stops: Array
    stop_bits: Array


def word_tables(classes: NDArray[np.uint32], stop_words: Sequence[str]) -> WordTables:
    """The tables for a `characters.table` and stop words; ValueError where two of them collide."""
    low = (classes[:128] & np.uint32((1 << CLASS_BITS) - 1)).astype(np.int64)
    packed, points = np.zeros(128, np.uint64), np.arange(128)
    for shift, chosen in (
        (LETTERS, low & ALPHA != 0),
        (DIGITS, low & DIGIT != 0),
        (SYMBOLS, low & SYMBOL != 0),
        (MARKS, np.isin(points, (DOT, HASH, CURLY, SQUARE)) | (low & END != 0)),
        (JAYS, np.isin(points, (ord("j"), ord("J")))),
    ):
        packed[chosen] += U64(1) << shift
    size = int(STOP_MASK) + 1
    stops, bits = np.zeros(size, np.uint64), np.zeros(size, np.uint8)
    for number, word in enumerate(stop_words):
        h = word_hash(np.array([ord(c) for c in word]))
        if stops[h & STOP_MASK]:
            raise ValueError(f"stop words collide at {word!r}: enlarge STOP_MASK")
        stops[h & STOP_MASK], bits[h & STOP_MASK] = h, number
    return WordTables(classes, low, packed, stops, bits)


class Word(NamedTuple):
    """end: the byte behind it; hash; length in characters; how many of them are letters, letters or
    digits, digits, Han, symbols, lenticular brackets, marks that rules count, j; last: classes of
    the last character."""

    end: int
    hash: np.uint64
    length: int
    alphabetic: int
    alphanumeric: int
    digits: int
    han: int
    symbols: int
    brackets: int
    marks: int
    jays: int
    last: int


class Marks(NamedTuple):
    """The marks of a word: #, {, ellipses; whether it ends in one, ends a sentence, ends one for
    C4, holds [."""

    hashes: int
    curly: int
    ellipses: int
    ellipsis_end: bool
    ended: bool
    c4_ended: bool
    square: bool


@inlined
def read_word(data: Array, begin: int, end: int, tables: WordTables) -> Word:
    """The word that begins at a byte which is no white space."""
    i, h, beyond, adds = begin, FNV_START, 0, U64(0)  # beyond: bytes that are no character's first
    alphabetic, alphanumeric, digits, han = int64(0), int64(0), int64(0), int64(0)
    symbols, brackets, marks, jays, last = int64(0), int64(0), int64(0), int64(0), int64(0)
    more = True
    while more:  # in pieces, so that the packed counters cannot run over
        limit = min(end, i + PIECE)
        more = False
        while i < limit:
            c = data[U64(i)]
            if c - np.uint8(33) < 94:
                h = mix(h, c)
                adds += tables.packed[c]
                i += 1
                continue
            if c < 0x80:
                point, width, classes = int64(c), 1, tables.low_classes[c]
            else:
                point, width = decode_valid(data, i)
                classes = classes_of(tables.classes, point, False)
            if classes & SPACE:
                break
            h = mix(h, point)
            i += width
            beyond += width - 1
            alphabetic += (classes & ALPHA) != 0
            alphanumeric += (classes & ALNUM) != 0
            digits += (classes & DIGIT) != 0
            han += (classes & HAN) != 0
            symbols += (classes & SYMBOL) != 0
            marks += (classes & END) != 0 or point == ELLIPSIS
            brackets += point in LENTICULAR
            last = classes
        else:
            more = i < end
        letters, numbers = int64(adds & FIELD), int64((adds >> DIGITS) & FIELD)
        alphabetic += letters
        alphanumeric += letters + numbers
        digits += numbers
        symbols += int64((adds >> SYMBOLS) & FIELD)
        marks += int64((adds >> MARKS) & FIELD)
        jays += int64(adds >> JAYS)
        adds = U64(0)
    if data[i - 1] < 0x80:
        last = tables.low_classes[data[i - 1]]
    length = i - begin - beyond
    return Word(
        i, avalanche(h), length, alphabetic, alphanumeric, digits, han, symbols, brackets, marks, jays, last
    )


@kernel
def _all_marks(data: Array, start: int, end: int, table: Array, low_classes: Array) -> Marks:
    """The marks of a word, character by character."""
    hashes, curly, ellipses, run, open_end, ended, c4_ended, square = 0, 0, 0, 0, False, False, False, False
    i = start
    while i < end:
        if data[i] < 0x80 and low_classes[data[i]] & ALNUM:
            ellipses += run // 3
            run, open_end, ended, c4_ended = 0, False, False, False
            i += 1
            continue
        point, width = decode_valid(data, i)
        i += width
        if point == DOT:
            run += 1
            open_end = run >= 3
        else:
            ellipses += run // 3
            run = 0
            open_end = point == ELLIPSIS
            ellipses += open_end
            hashes += point == HASH
            curly += point == CURLY
            square |= point == SQUARE
        classes = classes_of(table, point, False)
        if classes & END:
            ended = True
        elif not classes & CLOSE:
            ended = False
        if point == DOT or point == QUESTION or point == EXCLAMATION:
            c4_ended = True
        elif not may_follow(point):
            c4_ended = False
    return Marks(hashes, curly, ellipses + run // 3, open_end, ended, c4_ended, square)


@inlined
def marks_of(data: Array, begin: int, word: Word, tables: WordTables) -> Marks:
    """The marks of a word; most words have none, or one full stop at their end."""
    if not word.marks:
        return Marks(0, 0, 0, False, False, False, False)
    if word.marks == 1 and _FULL_STOP[data[word.end - 1]]:
        return Marks(0, 0, 0, False, True, True, False)
    return _all_marks(data, begin, word.end, tables.classes, tables.low_classes)


@kernel
def _around(data: Array, start: int, end: int, begin: int, first: int) -> tuple[bool, bool]:
    """(lorem ipsum, policy): whether one of C4's phrases stands around the word at `begin`, its
    second or middle word, of which `first` is the first letter."""
    if first == _IPSUM:
        return stands_at(data, start, end, begin - 6, LOREM), False
    if first == _OF:
        return False, stands_at(data, start, end, begin - 6, TERMS)
    if first == _POLICY:
        found = stands_at(data, start, end, begin - 8, PRIVACY)
        return False, found or stands_at(data, start, end, begin - 7, COOKIE_POLICY)
    uses = stands_at(data, start, end, begin - 5, USES) or stands_at(data, start, end, begin - 4, USE)
    return False, uses or stands_at(data, start, end, begin - 7, USE_OF)


@kernel
def _has_javascript(data: Array, begin: int, end: int) -> bool:
    for i in range(begin, end - len(JAVASCRIPT) + 1):
        if data[i] | 32 == ord("j") and stands_at(data, begin, end, i, JAVASCRIPT):
            return True
    return False


@inlined
def phrases_around(data: Array, start: int, end: int, begin: int, word: Word) -> tuple[bool, bool, bool]:
    """(lorem ipsum, javascript, policy): whether one of C4's phrases stands in or around the word
    at `begin` of the text data[start:end]."""
    script = False
    if word.jays and word.length >= len(JAVASCRIPT):
        script = _has_javascript(data, begin, word.end)
    lorem, policy = False, False
    if (
        begin + 1 < word.end
        and data[begin + 1] | 32 == _LEADS[data[begin]]
        and _LEAD_BIT[data[begin]] & _BEFORE[data[max(begin - 2, start)]]
    ):
        lorem, policy = _around(data, start, end, begin, data[begin] | 32)
    return lorem, script, policy
