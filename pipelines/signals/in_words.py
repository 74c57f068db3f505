"""One pass over texts whose words have white space between them.

Belongs here: the kernel of the unit *words*. Does not belong here: Chinese (in_characters.py),
columns (counting.py), thresholds.

A word is what `str.split` gives. Work is done word by word: the loop over the bytes of a word
hashes it and adds up what its bytes are, and a word with a mark that rules count is looked at once
more. Lines and paragraphs are hashed from the hashes of their words.
"""

from __future__ import annotations

# Numba infers the types of compiled code; mypy cannot follow max() of untyped integers there.
# mypy: disable-error-code="operator,assignment"
from collections.abc import Sequence

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pipelines.signals.characters import (
    ALNUM,
    ALPHA,
    BREAK,
    CLASS_BITS,
    CLOSE,
    DIGIT,
    END,
    HAN,
    SPACE,
    SYMBOL,
)
from pipelines.signals.counting import (
    C4_MAX_WORD,
    C4_MIN_WORDS,
    COOKIE_POLICY,
    CR,
    CURLY,
    DOT,
    ELLIPSIS,
    HASH,
    JAVASCRIPT,
    LF,
    LOREM,
    PRIVACY,
    SEED,
    SHORT_LINE,
    SQUARE,
    TERMS,
    USE,
    USE_OF,
    USES,
    after_feeds,
    bits_of,
    buffers,
    c4_cited_line,
    c4_line,
    classes_of,
    decode,
    ends_with,
    finish,
    gopher_counts,
    lines_and_tail,
    mix,
    seen,
    stands_at,
    token_hash,
)
from pipelines.signals.repetition import MIX, U64, repeated

PIECE, BITS, FIELD = (
    4000,
    12,
    U64(0xFFF),
)  # bytes of a word between two looks at its packed counters, of 12 bits each
STOP_MASK = U64(1023)
# Words that C4's phrases hang on: the second letter by the first, and a bit for each, by the first
# and by the last of the word before.
_LEADS, _LEAD_BIT, _BEFORE = np.zeros(256, np.uint8), np.zeros(256, np.uint8), np.zeros(256, np.uint8)
for _number, (_word, _last) in enumerate((("ipsum", "m"), ("of", "s"), ("policy", "ye"), ("cookies", "sef"))):
    _LEADS[[ord(_word[0]), ord(_word[0].upper())]] = ord(_word[1])
    _LEAD_BIT[[ord(_word[0]), ord(_word[0].upper())]] = 1 << _number
    for _letter in _last + _last.upper():
        _BEFORE[ord(_letter)] |= 1 << _number
_FULL_STOP = np.isin(np.arange(256), [ord(c) for c in ".?!"])
_BULLET, _HYPHEN = 0x2022, 45
_READ_MORE = np.frombuffer(b"read more", np.uint8)
_READMORE = np.frombuffer(b"readmore", np.uint8)


def low_tables(table: NDArray[np.uint32]) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    """For ASCII: classes int64 [128], and packed counters uint64 [128]: a letter, a digit, a
    symbol, a mark that rules count, a j (for C4's javascript)."""
    classes = (table[:128] & np.uint32((1 << CLASS_BITS) - 1)).astype(np.int64)
    packed = np.zeros(128, np.uint64)
    marked = np.isin(np.arange(128), (DOT, HASH, CURLY, SQUARE)) | (classes & END != 0)
    fields = (
        classes & ALPHA != 0,
        classes & DIGIT != 0,
        classes & SYMBOL != 0,
        marked,
        np.isin(np.arange(128), (ord("j"), ord("J"))),
    )
    for field, chosen in enumerate(fields):
        packed[chosen] += np.uint64(1 << BITS * field)
    return classes, packed


def stop_tables(words: Sequence[str]) -> tuple[NDArray[np.uint64], NDArray[np.uint8]]:
    """(hash, number) of each stop word at the place that the low bits of its hash name; 0
    elsewhere."""
    hashes, numbers = np.zeros(int(STOP_MASK) + 1, np.uint64), np.zeros(int(STOP_MASK) + 1, np.uint8)
    for number, word in enumerate(words):
        h = token_hash(np.array([ord(c) for c in word]))
        if hashes[h & STOP_MASK]:
            raise ValueError(f"stop words collide at {word!r}: enlarge STOP_MASK")
        hashes[h & STOP_MASK], numbers[h & STOP_MASK] = h, number
    return hashes, numbers


@njit(cache=True)
def _marks(data, start, end, table, low_classes):  # type: ignore[no-untyped-def]
    """(#, {, ellipses, whether it ends in one, whether it ends a sentence, the same for C4, whether
    it has [) of one word."""
    hashes, curly, ellipses, run, open_end, ended, c4_ended, square = 0, 0, 0, 0, False, False, False, False
    i = start
    while i < end:
        if data[i] < 0x80 and low_classes[data[i]] & ALNUM:
            ellipses += run // 3
            run, open_end, ended, c4_ended = 0, False, False, False
            i += 1
            continue
        point, width = decode(data, i)
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
        if point == DOT or point == 63 or point == 33:
            c4_ended = True
        elif not (
            point == 34 or point == 39 or point == 41 or point == 93 or point == 0x201D or point == 0x2019
        ):
            c4_ended = False
    return hashes, curly, ellipses + run // 3, open_end, ended, c4_ended, square


@njit(cache=True)
def _phrases_around(data, start, end, begin, first):  # type: ignore[no-untyped-def]
    """(lorem ipsum, policy): whether one of C4's phrases stands around the word at `begin`, its
    second or middle word."""
    if first == 105:  # i
        return stands_at(data, start, end, begin - 6, LOREM), False
    if first == 111:  # o
        return False, stands_at(data, start, end, begin - 6, TERMS)
    if first == 112:  # p
        return False, stands_at(data, start, end, begin - 8, PRIVACY) or stands_at(
            data, start, end, begin - 7, COOKIE_POLICY
        )
    uses = stands_at(data, start, end, begin - 5, USES) or stands_at(data, start, end, begin - 4, USE)
    return False, uses or stands_at(data, start, end, begin - 7, USE_OF)


@njit(cache=True)
def _has_javascript(data, begin, end):  # type: ignore[no-untyped-def]
    for i in range(begin, end - len(JAVASCRIPT) + 1):
        if data[i] | 32 == 106 and stands_at(data, begin, end, i, JAVASCRIPT):
            return True
    return False


@njit(cache=True)
def _read_more(data, start, end, table, low_classes):  # type: ignore[no-untyped-def]
    """Whether a line ends in `read more`, marks behind it left out."""
    while end > start:
        back = end - 1
        if data[back] < 0x80:
            classes = low_classes[data[back]]
        else:
            while data[back] & 0xC0 == 0x80:
                back -= 1
            point, _ = decode(data, back)
            classes = classes_of(table, point, False)
        if classes & ALNUM:
            break
        end = back
    if end == start or data[end - 1] | 32 != 101:
        return False
    return ends_with(data, start, end, _READ_MORE) or ends_with(data, start, end, _READMORE)


@njit(cache=True)
def count_in_words(data, offsets, table, low_classes, packed, stops, stop_bits, counts, shares):  # type: ignore[no-untyped-def]
    """Fill `counts` int32 [n, COUNTS] and `shares` float64 [n, SHARES] for the n texts of a buffer.

    `low_classes`, `packed`: see low_tables; `stops`, `stop_bits`: see stop_tables.
    """
    (keys, stamps), room = buffers(offsets)
    tokens, ends, gram_keys, slots, hits, firsts, grams, places, ngrams = room
    line_room = np.zeros(max(np.int64(0), np.diff(offsets).max()) + 1 if len(offsets) > 1 else 1, np.uint8)
    c4 = np.zeros(6, np.int64)
    generation = np.uint32(1)
    for doc in range(len(offsets) - 1):
        start, end = np.int64(offsets[doc]), np.int64(offsets[doc + 1])
        newlines, line_mask, tail = lines_and_tail(data, start, end, table, False, len(keys))
        c4[:] = 0

        chars = np.int64(0)
        alphabetic, alphanumeric, digits, han = np.int64(0), np.int64(0), np.int64(0), np.int64(0)
        hashes, ellipses, curly, brackets, sentences = 0, 0, 0, 0, 0
        num_tokens, num_words, word_chars, alphabetic_tokens, token_chars = 0, 0, np.int64(0), 0, np.int64(0)
        stop_mask = np.int64(0)
        line, line_chars, line_blank, line_ends, line_start, line_solid = (
            SEED,
            np.int64(0),
            True,
            False,
            start,
            start,
        )
        gopher_lines, doubled_lines, doubled_chars, fineweb_chars = 0, 0, np.int64(0), np.int64(0)
        num_lines, terminal, short, readmore, max_line, line_total = 0, 0, 0, 0, np.int64(0), np.int64(0)
        break_lines, bullets, trailing = 0, 0, 0
        broken_at, first_solid, last_solid, first_point, open_end = (
            start,
            np.int64(-1),
            start,
            np.int64(0),
            False,
        )
        words_in_line, longest, bracketed, after_return = 0, 0, False, False
        ends_in_line, c4_ended, lorem, script, policy, line_curly = 0, False, False, False, False, False
        paragraph, paragraph_chars, feeds, begun = SEED, np.int64(0), 0, False
        paragraphs, doubled_paragraphs, doubled_paragraph_chars = 0, 0, np.int64(0)
        i = start
        while i <= end:
            point, width, classes = (
                np.int64(LF),
                1,
                np.int64(SPACE | BREAK),
            )  # the end closes lines as a line feed does
            if i < end:
                c = data[U64(i)]
                if (
                    c == 32 and feeds == 0 and begun and line_chars and i < tail
                ):  # one space in a line: the commonest case by far
                    line = mix(line, 32)
                    paragraph = mix(paragraph, 32)
                    line_chars += 1
                    paragraph_chars += 1
                    chars += 1
                    line_ends, after_return = False, False
                    i += 1
                    continue
                if c < 0x80:
                    point, classes = np.int64(c), low_classes[c]
                else:
                    point, width = decode(data, i)
                    classes = classes_of(table, point, False)
            if classes & SPACE:
                if point == LF:
                    if line_chars:
                        gopher_lines += 1
                        if seen(finish(line), keys, stamps, generation, line_mask):
                            doubled_lines += 1
                            doubled_chars += line_chars
                            if not line_blank:
                                fineweb_chars += line_chars
                        if not line_blank:
                            num_lines += 1
                            line_total += line_chars
                            max_line = max(max_line, line_chars)
                            short += line_chars <= SHORT_LINE
                            terminal += line_ends
                            readmore += _read_more(data, line_start, line_solid, table, low_classes)
                    line, line_chars, line_blank, line_ends, line_start, line_solid = (
                        SEED,
                        np.int64(0),
                        True,
                        False,
                        i + 1,
                        i + 1,
                    )
                else:
                    line = mix(line, point)
                    line_chars += 1
                    line_ends = False
                if classes & BREAK:
                    if i < end and point == LF and after_return:
                        broken_at = i + 1
                    elif i < end or broken_at < end:
                        break_lines += 1
                        if first_solid >= 0:
                            bullets += first_point in (_BULLET, _HYPHEN)
                            trailing += open_end
                            counted = words_in_line >= C4_MIN_WORDS and longest <= C4_MAX_WORD
                            if (
                                counted and bracketed
                            ):  # then nothing is left to count, unless the line has no citation
                                counted = not c4_cited_line(
                                    data, first_solid, last_solid, line_curly, table, line_room, c4
                                )
                            if counted:
                                found = ends_in_line + (not c4_ended)
                                c4_line(
                                    data,
                                    first_solid,
                                    last_solid,
                                    found,
                                    lorem,
                                    script,
                                    policy,
                                    line_curly,
                                    c4,
                                )
                        broken_at = i + width
                        first_solid, open_end, words_in_line, longest, bracketed = (
                            np.int64(-1),
                            False,
                            0,
                            0,
                            False,
                        )
                        ends_in_line, c4_ended, lorem, script, policy, line_curly = (
                            0,
                            False,
                            False,
                            False,
                            False,
                            False,
                        )
                    after_return = point == CR
                else:
                    after_return = False
                if i == end:
                    break
                chars += 1
                if begun and i < tail:
                    if point == LF:
                        feeds += 1
                    else:
                        if feeds:
                            met = after_feeds(
                                feeds, paragraph, paragraph_chars, keys, stamps, generation, line_mask
                            )
                            paragraph, paragraph_chars = met[0], met[1]
                            paragraphs += met[2]
                            doubled_paragraphs += met[3]
                            doubled_paragraph_chars += met[4]
                        feeds = 0
                        paragraph = mix(paragraph, point)
                        paragraph_chars += 1
                i += width
                continue

            # a word
            begin, first, word, beyond, adds = i, point, SEED, 0, U64(0)
            symbols, marks, jays, word_alphabetic, last = (
                np.int64(0),
                np.int64(0),
                np.int64(0),
                np.int64(0),
                classes,
            )
            more = True
            while more:  # in pieces, so that the packed counters cannot run over
                limit = min(end, i + PIECE)
                more = False
                while i < limit:
                    c = data[U64(i)]
                    if c - np.uint8(33) < 94:
                        word = mix(word, c)
                        adds += packed[c]
                        i += 1
                        continue
                    if c < 0x80:
                        point, width, classes = np.int64(c), 1, low_classes[c]
                    else:
                        point, width = decode(data, i)
                        classes = classes_of(table, point, False)
                    if classes & SPACE:
                        break
                    word = mix(word, point)
                    i += width
                    beyond += width - 1
                    word_alphabetic += (classes & ALPHA) != 0
                    alphanumeric += (classes & ALNUM) != 0
                    digits += (classes & DIGIT) != 0
                    han += (classes & HAN) != 0
                    symbols += (classes & SYMBOL) != 0
                    marks += (classes & END) != 0 or point == ELLIPSIS
                    brackets += point in (0x3010, 0x3011)
                    last = classes
                else:
                    more = i < end
                plain = np.int64(adds & FIELD)
                word_alphabetic += plain
                number = np.int64((adds >> U64(BITS)) & FIELD)
                alphanumeric += plain + number
                digits += number
                symbols += np.int64((adds >> U64(2 * BITS)) & FIELD)
                marks += np.int64((adds >> U64(3 * BITS)) & FIELD)
                jays += np.int64(adds >> U64(4 * BITS))
                adds = U64(0)
            if data[i - 1] < 0x80:
                last = low_classes[data[i - 1]]
            length = i - begin - beyond
            h = finish(word)
            tokens[num_tokens] = h
            num_tokens += 1
            token_chars += length
            ends[num_tokens] = token_chars
            words_in_line += 1
            longest = max(longest, length)
            chars += length
            alphabetic += word_alphabetic
            if symbols < length:
                num_words += 1
                word_chars += length
                alphabetic_tokens += word_alphabetic > 0
                place = h & STOP_MASK
                stop_mask |= np.int64(stops[place] == h) << np.int64(stop_bits[place])
            open_end, c4_ended = False, False
            if marks == 1 and _FULL_STOP[data[i - 1]]:  # `word.`
                c4_ended = True
                sentences += 1
                ends_in_line += 1
            elif marks:
                hash_marks, curly_marks, runs, open_end, ended, c4_ended, square = _marks(
                    data, begin, i, table, low_classes
                )
                ends_in_line += c4_ended
                line_curly |= curly_marks > 0
                hashes += hash_marks
                curly += curly_marks
                ellipses += runs
                sentences += ended
                bracketed |= square
            if jays and length >= len(JAVASCRIPT):
                script |= _has_javascript(data, begin, i)
            if (
                begin + 1 < i
                and data[begin + 1] | 32 == _LEADS[data[begin]]
                and _LEAD_BIT[data[begin]] & _BEFORE[data[max(begin - 2, start)]]
            ):
                one, two = _phrases_around(data, start, end, begin, first | 32)
                lorem |= one
                policy |= two
            if first_solid < 0:
                first_solid, first_point = begin, first
            last_solid = i
            after_return = False
            line = mix(line, h)
            line_chars += length
            line_blank = False
            line_ends = (last & END) != 0
            line_solid = i
            if feeds:
                met = after_feeds(feeds, paragraph, paragraph_chars, keys, stamps, generation, line_mask)
                paragraph, paragraph_chars = met[0], met[1]
                paragraphs += met[2]
                doubled_paragraphs += met[3]
                doubled_paragraph_chars += met[4]
            begun, feeds = True, 0
            paragraph = mix(paragraph, h)
            paragraph_chars += length
        paragraphs += 1
        if paragraph_chars and seen(finish(paragraph ^ MIX), keys, stamps, generation, line_mask):
            doubled_paragraphs += 1
            doubled_paragraph_chars += paragraph_chars
        gopher_lines, doubled_lines = gopher_counts(
            data, start, end, chars, newlines, gopher_lines, doubled_lines
        )
        generation += np.uint32(1)
        repeated(tokens, ends, num_tokens, False, gram_keys, slots, hits, firsts, grams, places, ngrams)
        stop_words = bits_of(stop_mask)
        n, all_chars, rows = max(num_tokens, 1), max(chars, 1), max(num_lines, 1)
        row = counts[doc]
        row[0], row[1], row[2], row[3] = chars, num_tokens, num_words, num_lines
        row[4], row[5], row[6] = sentences, stop_words, max_line
        for k in range(6):
            row[7 + k] = c4[k]
        out = shares[doc]
        out[0] = word_chars / max(num_words, 1)
        out[1], out[2] = hashes / n, ellipses / n
        out[3], out[4] = bullets / max(break_lines, 1), trailing / max(break_lines, 1)
        out[5], out[6], out[7] = terminal / rows, short / rows, readmore / rows
        out[8] = alphabetic_tokens / n
        out[9], out[10] = doubled_lines / gopher_lines, doubled_paragraphs / paragraphs
        out[11], out[12] = doubled_chars / all_chars, doubled_paragraph_chars / all_chars
        out[13] = fineweb_chars / max(all_chars - newlines, 1)
        for k in range(9):
            out[14 + k] = min(ngrams[k] / all_chars, 1.0)
        out[23] = 0.0
        out[24], out[25] = newlines / n, line_total / rows
        out[26], out[27], out[28] = (
            alphanumeric / all_chars,
            alphabetic / all_chars,
            digits / max(alphanumeric, 1),
        )
        out[29] = han / max(token_chars, 1)
        out[32], out[33] = brackets / all_chars, curly / all_chars
        out[34] = alphabetic / n
