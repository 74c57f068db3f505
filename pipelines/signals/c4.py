"""C4's lines: which are retained, their sentences, lorem ipsum and curly brackets.

Belongs here: what C4 (Raffel et al. 2020, datatrove 0.10) asks of one stripped line of
str.splitlines. Does not belong here: cutting a text into lines and words (in_words.py), thresholds.

A line is retained where it has three words, none longer than 1,000 characters, no javascript and no
phrase of a cookie notice, and where it ends in a mark; without the last condition for the columns
`c4_any_end_*`. Citations ([1], [edit], [citation needed]) are removed first.
"""

# ruff: noqa: SIM109 (compiled code compares faster one by one)
from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pipelines.kernels.compiled import Array, inlined, int64, kernel
from pipelines.kernels.utf8 import decode_valid
from pipelines.signals.characters import SPACE, classes_of
from pipelines.signals.columns import COUNT
from pipelines.signals.phrases import phrase, stands_at

MIN_WORDS, MAX_WORD = 3, 1000  # words of a line, characters of a word; C4
DOT, EXCLAMATION, QUESTION, SQUARE = ord("."), ord("!"), ord("?"), ord("[")
QUOTE, APOSTROPHE, ROUND_CLOSE, SQUARE_CLOSE = ord('"'), ord("'"), ord(")"), ord("]")
CURLED_QUOTE, CURLED_APOSTROPHE = 0x201D, 0x2019

# Phrases of C4; all are found by a pair of letters (or a letter and a space) that is rare
# elsewhere.
LOREM, JAVASCRIPT = phrase("lorem ipsum"), phrase("javascript")
TERMS, PRIVACY = phrase("terms of use"), phrase("privacy policy")
COOKIE_POLICY, USES = phrase("cookie policy"), phrase("uses cookies")
USE_OF, USE = phrase("use of cookies"), phrase("use cookies")
_EDIT, _NEEDED = phrase("[edit]"), phrase("[citation needed]")
# The rare pairs: lorem i(ps)um, (ja)vascript, terms o(f )use, pri(va)cy policy, coo(ki)e.
_ANCHORS = (("p", "s"), ("j", "a"), ("f", " "), ("v", "a"), ("k", "i"))
_IPSUM, _JAVA, _OF, _PRIVACY = 1, 2, 3, 4  # numbers of the pairs; any other is the last
_ANCHOR, _FOLLOWS = np.zeros(256, np.uint8), np.zeros(256, np.uint8)
for _number, (_letter, _next) in enumerate(_ANCHORS, 1):
    _ANCHOR[[ord(_letter), ord(_letter.upper())]] = _number
    _FOLLOWS[[ord(_letter), ord(_letter.upper())]] = ord(_next)


class C4Line(NamedTuple):
    """What is known of the line that is being read, word by word. words; longest: characters of a
    word; bracketed: whether it has [; sentences: words that end one; ended: whether the last does;
    lorem, script, policy: whether C4's phrases are in it; curly: whether it has {."""

    words: int
    longest: int
    bracketed: bool
    sentences: int
    ended: bool
    lorem: bool
    script: bool
    policy: bool
    curly: bool


@inlined
def new_c4_line() -> C4Line:
    """Before the first word."""
    return C4Line(int64(0), int64(0), False, int64(0), False, False, False, False, False)


@inlined
def with_word(line: C4Line, length: int, ended: bool) -> C4Line:
    """The line with one more word."""
    return C4Line(
        line.words + 1,
        max(line.longest, length),
        line.bracketed,
        line.sentences + ended,
        ended,
        line.lorem,
        line.script,
        line.policy,
        line.curly,
    )


@inlined
def with_marks(line: C4Line, bracketed: bool, curly: bool) -> C4Line:
    """The line after a word with these marks."""
    return C4Line(
        line.words,
        line.longest,
        line.bracketed | bracketed,
        line.sentences,
        line.ended,
        line.lorem,
        line.script,
        line.policy,
        line.curly | curly,
    )


@inlined
def with_phrases(line: C4Line, lorem: bool, script: bool, policy: bool) -> C4Line:
    """The line after a word around which C4's phrases stand."""
    return C4Line(
        line.words,
        line.longest,
        line.bracketed,
        line.sentences,
        line.ended,
        line.lorem | lorem,
        line.script | script,
        line.policy | policy,
        line.curly,
    )


@inlined
def may_follow(point: int) -> bool:
    """Whether a character may follow the mark that ends a sentence, for C4."""
    return (
        point == QUOTE
        or point == APOSTROPHE
        or point == ROUND_CLOSE
        or point == SQUARE_CLOSE
        or point == CURLED_QUOTE
        or point == CURLED_APOSTROPHE
    )


@kernel
def _phrases(data: Array, start: int, end: int) -> tuple[bool, bool, bool]:
    """(lorem ipsum, javascript, policy): whether C4's phrases are in a line."""
    lorem, script, policy = False, False, False
    for i in range(start, end - 1):
        if data[i + 1] | 32 != _FOLLOWS[data[i]]:
            continue
        anchor = _ANCHOR[data[i]]
        if anchor == _IPSUM:
            lorem |= stands_at(data, start, end, i - 7, LOREM)
        elif anchor == _JAVA:
            script |= stands_at(data, start, end, i, JAVASCRIPT)
        elif anchor == _OF:
            policy |= stands_at(data, start, end, i - 7, TERMS)
        elif anchor == _PRIVACY:
            policy |= stands_at(data, start, end, i - 3, PRIVACY)
        elif stands_at(data, start, end, i - 3, COOKIE_POLICY):
            policy = True
        else:
            policy |= (
                stands_at(data, start, end, i - 8, USES)
                or stands_at(data, start, end, i - 10, USE_OF)
                or stands_at(data, start, end, i - 7, USE)
            )
    return lorem, script, policy


@kernel
def _citation(data: Array, start: int, end: int, i: int) -> int:
    """Bytes of [1], [], [edit] or [citation needed] whose bracket stands at byte i; 0 where there
    is none."""
    j = i + 1
    while j < end and 48 <= data[j] <= 57:
        j += 1
    if j < end and data[j] == SQUARE_CLOSE:
        return j + 1 - i
    if stands_at(data, start, end, i, _EDIT):
        return len(_EDIT)
    if stands_at(data, start, end, i, _NEEDED) and data[i + 1] == ord("c"):
        return len(_NEEDED)
    return 0


@kernel
def _without_citations(data: Array, start: int, end: int, room: Array) -> int:
    """Copy a line into `room` without citations; returns its length, or -1, with `room` as it was,
    where it has none."""
    i = start
    while i < end and not (data[i] == SQUARE and _citation(data, start, end, i)):
        i += 1
    if i == end:
        return -1
    used = i - start
    for k in range(used):
        room[k] = data[start + k]
    while i < end:
        cited = _citation(data, start, end, i) if data[i] == SQUARE else 0
        i += cited
        if not cited:
            room[used] = data[i]
            used += 1
            i += 1
    return used


@kernel
def _sentences(data: Array, start: int, end: int, table: Array) -> int:
    """Sentences of a line: one more than the marks .?! (closing quotes and brackets after them)
    that white space and text follow."""
    found, state, i = 1, 0, start  # state: 0 in text, 1 behind a mark, 2 behind the white space after it
    while i < end:
        c = data[i]
        if c == DOT or c == QUESTION or c == EXCLAMATION:
            if state == 2:
                found += 1
            state = 1
            i += 1
            continue
        if state == 0 and c < 0x80:
            i += 1
            continue
        point, width = decode_valid(data, i)
        i += width
        if state == 0:
            continue
        if classes_of(table, point, False) & SPACE:
            state = 2
        elif state == 2:
            found += 1
            state = 0
        elif not may_follow(point):
            state = 0
    return found


@inlined
def _add(data: Array, start: int, end: int, line: C4Line, sentences: int, counts: Array) -> None:
    """Add a line without citations to C4's columns: strict, and with any end."""
    last = data[end - 1]
    strict = last == DOT or last == QUESTION or last == EXCLAMATION or last == QUOTE or last == APOSTROPHE
    if last == DOT and end - start >= 3 and data[end - 2] == DOT and data[end - 3] == DOT:
        strict = False
    if line.lorem:
        counts[COUNT.c4_any_end_lorem_lines] += 1
        counts[COUNT.c4_lorem_lines] += strict
    elif not line.script and line.curly:
        counts[COUNT.c4_any_end_curly_lines] += 1
        counts[COUNT.c4_curly_lines] += strict
    elif not line.script and not line.policy:
        counts[COUNT.c4_any_end_sentences] += sentences
        if strict:
            counts[COUNT.c4_sentences] += sentences


@kernel
def _add_cited(
    data: Array, start: int, end: int, curly: bool, table: Array, room: Array, counts: Array
) -> bool:
    """As `_add` for a line with a square bracket: read again without its citations. False, and
    nothing added, where it has none."""
    used = _without_citations(data, start, end, room)
    if used > 0:
        lorem, script, policy = _phrases(room, 0, used)
        line = C4Line(0, 0, False, 0, False, lorem, script, policy, curly)
        _add(room, 0, used, line, _sentences(room, 0, used, table), counts)
    return used >= 0


@inlined
def add_c4_line(
    data: Array, start: int, end: int, line: C4Line, table: Array, room: Array, counts: Array
) -> None:
    """Add the stripped line data[start:end] to one row of counts (int32 [COUNT]). `room`: uint8, as
    long as the longest text."""
    if line.words < MIN_WORDS or line.longest > MAX_WORD:
        return
    if line.bracketed and _add_cited(data, start, end, line.curly, table, room, counts):
        return
    _add(data, start, end, line, line.sentences + (not line.ended), counts)
