"""What both kernels of rules share: columns, hashing, decoding, C4's lines.

Belongs here: names of what is counted, compiled helpers. Does not belong here: the passes over a
text (in_words.py, in_characters.py).

Lines are counted three ways, as the rules' authors did: FineWeb splits at line feeds and leaves
blank lines out; Gopher's repetition splits at runs of line feeds; Gopher's quality and C4 split as
`str.splitlines` and keep empty lines.
"""

from __future__ import annotations

# Numba infers the types of compiled code; mypy cannot follow max() of untyped integers there.
# mypy: disable-error-code="operator,assignment"
import numpy as np
from numba import njit

from pipelines.signals.characters import ALNUM, ALONE, ALPHA, CLASS_BITS, HAN, SIZE, SPACE
from pipelines.signals.repetition import COLUMNS as REPETITION
from pipelines.signals.repetition import MIX, STEP, U64

COUNTS = (
    *("num_chars", "num_tokens", "num_words", "num_lines", "num_sentences", "stop_words", "max_line_length"),
    *(
        "c4_sentences",
        "c4_lorem_lines",
        "c4_curly_lines",
        "c4_any_end_sentences",
        "c4_any_end_lorem_lines",
        "c4_any_end_curly_lines",
    ),
)
SHARES = (
    *(
        "mean_token_length",
        "hash_ratio",
        "ellipsis_ratio",
        "bullet_lines",
        "ellipsis_lines",
        "terminal_lines",
        "short_lines",
    ),
    *(
        "readmore_lines",
        "alphabetic_tokens",
        "duplicate_lines",
        "duplicate_paragraphs",
        "duplicate_line_chars",
    ),
    *(
        "duplicate_paragraph_chars",
        "fineweb_duplicate_line_chars",
        *REPETITION,
        "newline_ratio",
        "mean_line_length",
    ),
    *(
        "alphanumeric",
        "alphabetic",
        "digits",
        "han",
        "unique_tokens",
        "entropy",
        "brackets",
        "curly_brackets",
        "letters_per_token",
    ),
)
SHORT_LINE = 30  # characters; FineWeb
C4_MIN_WORDS, C4_MAX_WORD = 3, 1000  # words of a line, characters of a word; C4

SEED = U64(0xCBF29CE484222325)
LF, CR, DOT, HASH, CURLY, SQUARE, ELLIPSIS = 10, 13, 46, 35, 123, 91, 0x2026
_STRICT, _ANY_END = 0, 3  # offsets of C4's two triples in its array

# Phrases of C4; all are found by a pair of letters (or a letter and a space) that is rare
# elsewhere.
LOREM, JAVASCRIPT = np.frombuffer(b"lorem ipsum", np.uint8), np.frombuffer(b"javascript", np.uint8)
TERMS, PRIVACY = np.frombuffer(b"terms of use", np.uint8), np.frombuffer(b"privacy policy", np.uint8)
COOKIE_POLICY, USES = np.frombuffer(b"cookie policy", np.uint8), np.frombuffer(b"uses cookies", np.uint8)
USE_OF, USE = np.frombuffer(b"use of cookies", np.uint8), np.frombuffer(b"use cookies", np.uint8)
_ANCHOR, _FOLLOWS = np.zeros(256, np.uint8), np.zeros(256, np.uint8)
for _number, (_letter, _next) in enumerate(zip("pjfvk", "sa ai", strict=True), 1):
    _ANCHOR[[ord(_letter), ord(_letter.upper())]] = _number
    _FOLLOWS[[ord(_letter), ord(_letter.upper())]] = ord(_next)
_EDIT, _NEEDED = np.frombuffer(b"[edit]", np.uint8), np.frombuffer(b"[citation needed]", np.uint8)


@njit(cache=True, inline="always")
def decode(data, i):  # type: ignore[no-untyped-def]
    """(code point, width) at byte i. Arrow strings are valid UTF-8."""
    c = np.int64(data[i])
    if c < 0x80:
        return c, 1
    if c < 0xE0:
        return (c & 0x1F) << 6 | np.int64(data[i + 1] & 0x3F), 2
    if c < 0xF0:
        return (c & 0x0F) << 12 | np.int64(data[i + 1] & 0x3F) << 6 | np.int64(data[i + 2] & 0x3F), 3
    high = (c & 0x07) << 18 | np.int64(data[i + 1] & 0x3F) << 12
    return high | np.int64(data[i + 2] & 0x3F) << 6 | np.int64(data[i + 3] & 0x3F), 4


@njit(cache=True, inline="always")
def classes_of(table, point, in_characters):  # type: ignore[no-untyped-def]
    """Lower-cased code point << CLASS_BITS | classes."""
    if point < SIZE:
        return np.int64(table[point])
    if point < 0x323B0:
        return point << CLASS_BITS | ALPHA | ALNUM | HAN | (ALONE if in_characters else 0)
    return point << CLASS_BITS


@njit(cache=True, inline="always")
def mix(h, value):  # type: ignore[no-untyped-def]
    return (h ^ U64(value)) * STEP


@njit(cache=True, inline="always")
def finish(h):  # type: ignore[no-untyped-def]
    h = (h ^ (h >> U64(32))) * MIX
    return h ^ (h >> U64(29))


@njit(cache=True)
def ends_with(data, start, end, phrase):  # type: ignore[no-untyped-def]
    """Whether the bytes before `end` are `phrase` (lower case), in any case of its ASCII
    letters."""
    size = len(phrase)
    if end - start < size:
        return False
    for k in range(size):
        c = data[end - size + k]
        if 65 <= c <= 90:
            c |= np.uint8(32)
        if c != phrase[k]:
            return False
    return True


@njit(cache=True, inline="always")
def stands_at(data, start, end, place, phrase):  # type: ignore[no-untyped-def]
    """Whether `phrase` stands at byte `place` of data[start:end]."""
    return (
        place >= start and place + len(phrase) <= end and ends_with(data, place, place + len(phrase), phrase)
    )


@njit(cache=True)
def _phrases(data, start, end):  # type: ignore[no-untyped-def]
    """(lorem ipsum, javascript, policy): whether C4's phrases are in a line."""
    lorem, script, policy = False, False, False
    for i in range(start, end - 1):
        if data[i + 1] | 32 != _FOLLOWS[data[i]]:
            continue
        anchor = _ANCHOR[data[i]]
        if anchor == 1:
            lorem |= stands_at(data, start, end, i - 7, LOREM)
        elif anchor == 2:
            script |= stands_at(data, start, end, i, JAVASCRIPT)
        elif anchor == 3:
            policy |= stands_at(data, start, end, i - 7, TERMS)
        elif anchor == 4:
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


@njit(cache=True)
def _citation(data, start, end, i):  # type: ignore[no-untyped-def]
    """Bytes of [1], [], [edit] or [citation needed] whose bracket stands at byte i; 0 where there
    is none."""
    j = i + 1
    while j < end and 48 <= data[j] <= 57:
        j += 1
    if j < end and data[j] == 93:
        return j + 1 - i
    if stands_at(data, start, end, i, _EDIT):
        return len(_EDIT)
    if stands_at(data, start, end, i, _NEEDED) and data[i + 1] == 99:
        return len(_NEEDED)
    return 0


@njit(cache=True)
def _without_citations(data, start, end, room):  # type: ignore[no-untyped-def]
    """Copy a line into `room` without citations; returns its length, or -1, with `room` as it was,
    where it has none."""
    i = start
    while i < end and not (data[i] == SQUARE and _citation(data, start, end, i)):
        i += 1
    if i == end:
        return -1
    used = i - start
    room[:used] = data[start:i]
    while i < end:
        cited = _citation(data, start, end, i) if data[i] == SQUARE else 0
        i += cited
        if not cited:
            room[used] = data[i]
            used += 1
            i += 1
    return used


@njit(cache=True)
def _sentences(data, start, end, table):  # type: ignore[no-untyped-def]
    """Sentences of a line: one more than the marks .?! (closing quotes and brackets after them)
    that white space and text follow."""
    found, state, i = 1, 0, start  # state: 0 in text, 1 behind a mark, 2 behind the white space after it
    while i < end:
        c = data[i]
        if c == 46 or c == 63 or c == 33:
            if state == 2:
                found += 1
            state = 1
            i += 1
            continue
        if state == 0 and c < 0x80:
            i += 1
            continue
        point, width = decode(data, i)
        i += width
        if state == 0:
            continue
        classes = classes_of(table, point, False)
        if classes & SPACE:
            state = 2
        elif state == 2:
            found += 1
            state = 0
        elif not (c == 34 or c == 39 or c == 41 or c == 93 or point == 0x201D or point == 0x2019):
            state = 0
    return found


@njit(cache=True, inline="always")
def c4_line(data, start, end, sentences, lorem, script, policy, curly, c4):  # type: ignore[no-untyped-def]
    """Add one stripped line without citations to C4's numbers: sentences, lines with lorem ipsum,
    lines with a curly bracket; strict, and with any end."""
    last = data[end - 1]
    strict = last == 46 or last == 63 or last == 33 or last == 34 or last == 39
    if last == 46 and end - start >= 3 and data[end - 2] == 46 and data[end - 3] == 46:
        strict = False
    if lorem:
        c4[_ANY_END + 1] += 1
        c4[_STRICT + 1] += strict
    elif not script and curly:
        c4[_ANY_END + 2] += 1
        c4[_STRICT + 2] += strict
    elif not script and not policy:
        c4[_ANY_END] += sentences
        if strict:
            c4[_STRICT] += sentences


@njit(cache=True)
def c4_cited_line(data, start, end, curly, table, room, c4):  # type: ignore[no-untyped-def]
    """As c4_line for a line with a square bracket: read again without its citations. False, and
    nothing added, where it has none."""
    used = _without_citations(data, start, end, room)
    if used > 0:
        lorem, script, policy = _phrases(room, 0, used)
        c4_line(room, 0, used, _sentences(room, 0, used, table), lorem, script, policy, curly, c4)
    return used >= 0


@njit(cache=True, inline="always")
def seen(key, keys, stamps, generation, mask):  # type: ignore[no-untyped-def]
    """Whether `key` was seen in this generation; remembers it."""
    slot = np.int64((key >> U64(20)) & mask)
    while stamps[slot] == generation:
        if keys[slot] == key:
            return True
        slot = np.int64(U64(slot + 1) & mask)
    stamps[slot] = generation
    keys[slot] = key
    return False


@njit(cache=True, inline="always")
def buffers(offsets):  # type: ignore[no-untyped-def]
    """Room for the longest text: (keys, stamps) of seen(), and of repeated() the arrays
    (tokens, ends, gram_keys, slots, hits, firsts, grams, places, ngrams).

    A token, like a line, has a byte and a separator at least, or three bytes.
    """
    longest = np.int64(0)
    for doc in range(len(offsets) - 1):
        longest = max(longest, offsets[doc + 1] - offsets[doc])
    room = longest // 2 + 2
    size = np.int64(16)
    while size < 2 * room:
        size *= 2
    seen_before = np.zeros(size, np.uint64), np.zeros(size, np.uint32)
    tokens, ends, grams = np.zeros(room, np.uint64), np.zeros(room + 1, np.int64), np.zeros(room, np.uint64)
    hits, firsts, places = (
        np.zeros(room + 1, np.int32),
        np.zeros(room + 1, np.int32),
        np.zeros(room + 1, np.int32),
    )
    return seen_before, (
        tokens,
        ends,
        np.zeros(size, np.uint64),
        np.zeros(2 * size, np.uint32),
        hits,
        firsts,
        grams,
        places,
        np.zeros(10),
    )


@njit(cache=True, inline="always")
def lines_and_tail(data, start, end, table, in_characters, size):  # type: ignore[no-untyped-def]
    """(line feeds, mask of a table of `size` slots or fewer for that many lines, where str.strip()
    ends the text)."""
    newlines = 0
    for byte in data[start:end]:
        newlines += byte == LF
    line_size = np.int64(16)
    while line_size < min(2 * (newlines + 2), size):
        line_size *= 2
    tail = end
    while tail > start:
        back = tail - 1
        while data[back] & 0xC0 == 0x80:
            back -= 1
        point, _ = decode(data, back)
        if not classes_of(table, point, in_characters) & SPACE:
            break
        tail = back
    return newlines, U64(line_size - 1), tail


@njit(cache=True, inline="always")
def after_feeds(feeds, paragraph, paragraph_chars, keys, stamps, generation, mask):  # type: ignore[no-untyped-def]
    """What a character behind `feeds` line feeds finds: (hash, characters) of the paragraph so far;
    (closed, doubled, their characters).

    Two line feeds or more close a paragraph; one is part of it.
    """
    if feeds >= 2:
        twice = seen(finish(paragraph ^ MIX), keys, stamps, generation, mask)
        return SEED, np.int64(0), 1, np.int64(twice), paragraph_chars if twice else np.int64(0)
    if feeds == 1:
        return mix(paragraph, LF), paragraph_chars + 1, 0, np.int64(0), np.int64(0)
    return paragraph, paragraph_chars, 0, np.int64(0), np.int64(0)


@njit(cache=True)
def gopher_counts(data, start, end, chars, newlines, lines, doubled):  # type: ignore[no-untyped-def]
    """(lines, doubled lines) split at runs of line feeds, as Gopher's: one at either end of the
    text has an empty line outside of it."""
    outside = 0 if end == start else int(data[start] == LF) + int(data[end - 1] == LF)
    lines = 2 if chars == newlines and newlines > 0 else max(lines + outside, 1)
    return lines, doubled + (outside == 2)


@njit(cache=True)
def bits_of(mask):  # type: ignore[no-untyped-def]
    """How many bits are set."""
    found = 0
    while mask:
        found += 1
        mask &= mask - 1
    return found


@njit(cache=True)
def token_hash(points):  # type: ignore[no-untyped-def]
    """The hash of a token of these code points."""
    h = SEED
    for point in points:
        h = mix(h, point)
    return finish(h)
