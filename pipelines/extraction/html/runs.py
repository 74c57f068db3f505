"""Runs of text -> counts of the block that they belong to.

Belongs here: what kind of sign a character is, words, the counts that are taken while reading. Does
not belong here: where text lies (markup.py), where blocks begin and end (tree.py), what the counts
say about main text (blocks/features.py).
"""

from __future__ import annotations

import numpy as np

from pipelines.extraction.html.columns import (
    B_CHARS,
    B_CLOSED,
    B_DIGITS,
    B_ENDS,
    B_HAN,
    B_HASH,
    B_IN_LINK,
    B_LINKED,
    B_LINKS,
    B_STOPS,
    B_TITLE,
    B_TOKENS,
    B_UPPER,
    B_WORD,
    B_WORDS,
)
from pipelines.extraction.html.markup import character, is_blank, is_space, lower, next_of, starts_tag
from pipelines.extraction.html.tags import FNV, PRIME, find
from pipelines.kernels.compiled import Array, int64, kernel, leaf

LETTER, UPPER, DIGIT, HAN, STOP, END, CLOSING = (
    1,
    2,
    4,
    8,
    16,
    32,
    64,
)  # what a character is; several may hold


@leaf
def is_han(point: int) -> bool:
    return 0x3400 <= point <= 0x9FFF or 0xF900 <= point <= 0xFAFF or point >= 0x20000


@leaf
def sign(point: int, following: int) -> int:
    """What a character is; `following`: the byte after it, since an English stop is one before a
    space, a tag or a quote only."""
    if point < 128:
        if 97 <= point <= 122:
            return LETTER
        if 65 <= point <= 90:
            return LETTER | UPPER
        if 48 <= point <= 57:
            return LETTER | DIGIT
        if point == 44 or point == 59:  # , ;
            return STOP
        if point == 46 or point == 33 or point == 63 or point == 58:  # . ! ? :
            if is_space(following) or following == 60 or following == 34:
                return CLOSING | STOP if point == 58 else CLOSING | STOP | END
            return CLOSING
        return CLOSING if point == 34 or point == 41 else 0  # " )
    if is_han(point):
        return HAN
    if point == 0x3001 or point == 0xFF0C or point == 0xFF1A or point == 0xFF1B:  # 、，：；
        return STOP
    if point == 0x3002 or point == 0xFF01 or point == 0xFF1F or point == 0x2026:  # 。！？…
        return CLOSING | STOP | END
    if (
        point == 0x201D or point == 0x300D or point == 0x300F or point == 0xFF09 or point == 0x2019
    ):  # ”」』）’
        return CLOSING
    return 0 if 0x2000 <= point <= 0x206F else LETTER


def text_words(text: str) -> Array:
    """Sorted hashes of the words of a text as the kernel makes them: a Han character, or a run of
    letters and digits; uint64 [w]."""
    return _words(np.frombuffer(f"{text} ".encode("utf-32-le", "surrogatepass"), np.uint32))


@kernel
def _words(points: Array) -> Array:
    """The hashes of the words of code points that end with a space, sorted, each once."""
    found = np.empty(2 * points.size, np.uint64)
    size, word = 0, FNV
    for at in range(points.size):
        point = int64(points[at])
        if point < 0x80:
            inside = 48 <= point <= 57 or 97 <= (point | 32) <= 122
        else:
            mark = 0x2000 <= point <= 0x206F or 0x3000 <= point <= 0x3003 or 0xFF00 <= point <= 0xFF1F
            inside = not (mark or point == 0xA0 or is_han(point))
        if inside:
            word = (word ^ np.uint64(point + 32 if 65 <= point <= 90 else point)) * PRIME
            continue
        if word != FNV:
            found[size] = word
            size += 1
            word = FNV
        if is_han(point):
            found[size] = (FNV ^ np.uint64(point)) * PRIME
            size += 1
    words, num_words = np.sort(found[:size]), 0
    for hashed in words:
        if not num_words or hashed != words[num_words - 1]:
            words[num_words] = hashed
            num_words += 1
    return words[:num_words]


@leaf
def end_word(block: Array, title_words: Array) -> None:
    """The word that is being read in an open block ends, if there is one."""
    word = np.uint64(block[B_WORD])
    if word != FNV:
        block[B_WORDS] += 1
        block[B_TOKENS] += 1
        block[B_TITLE] += find(title_words, word) >= 0
        block[B_WORD] = np.int64(FNV)


@leaf
def skip_text(data: Array, at: int) -> int:
    """Where the next tag starts; the end of the data where there is none."""
    at = next_of(data, at, 60, 60)
    while at < data.size and not starts_tag(data, at):
        at = next_of(data, at + 1, 60, 60)
    return at


@leaf
def read_text(data: Array, at: int, linked: bool, title_words: Array, block: Array) -> tuple[int, bool]:
    """(where the next tag starts, whether anything before it can be seen); the open block (int64
    [NUM_OPEN_COLUMNS]) counts it."""
    n = data.size
    chars, stops, ends, han, digits, upper, words, title, closed = 0, 0, 0, 0, 0, 0, 0, 0, block[B_CLOSED]
    word, hashed = np.uint64(block[B_WORD]), np.uint64(block[B_HASH])
    while at < n and not starts_tag(data, at):
        size, point = character(data, at)
        kind = 0
        if not is_blank(point):
            kind = sign(point, data[at + size] if at + size < n else 32)
            chars += 1
            hashed = (hashed ^ np.uint64(point)) * PRIME
            closed = (kind & CLOSING) != 0
        at += size
        if kind & LETTER:
            word = (word ^ np.uint64(lower(point))) * PRIME
            upper += (kind & UPPER) != 0
            digits += (kind & DIGIT) != 0
            continue
        if word != FNV:
            words += 1
            title += find(title_words, word) >= 0
            word = FNV
        if kind & HAN:
            han += 1
            title += find(title_words, (FNV ^ np.uint64(point)) * PRIME) >= 0
        elif kind & STOP:
            stops += 1
            ends += (kind & END) != 0
    block[B_WORD], block[B_HASH], block[B_CLOSED] = np.int64(word), np.int64(hashed), closed
    block[B_CHARS] += chars
    block[B_STOPS] += stops
    block[B_ENDS] += ends
    block[B_HAN] += han
    block[B_DIGITS] += digits
    block[B_UPPER] += upper
    block[B_WORDS] += words
    block[B_TOKENS] += words + han
    block[B_TITLE] += title
    if chars:
        if linked:
            block[B_LINKED] += chars
            block[B_LINKS] += block[B_IN_LINK] == 0
        block[B_IN_LINK] = linked
    return min(at, n), chars > 0
