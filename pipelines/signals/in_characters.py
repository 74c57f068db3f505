"""One pass over NFKC-folded texts in which a Han character is a token by itself.

Belongs here: the kernel of the unit *characters*. Does not belong here: English (in_words.py),
columns (counting.py), thresholds.

A run of letters and digits of another script is a token too; punctuation and space are none. A line
ends a sentence when its last mark that is no closing quote or bracket does.
"""

from __future__ import annotations

# Numba infers the types of compiled code; mypy cannot follow max() of untyped integers there.
# mypy: disable-error-code="operator,assignment"
import numpy as np
from numba import njit

from pipelines.signals import characters
from pipelines.signals.characters import (
    ALNUM,
    ALONE,
    ALPHA,
    BREAK,
    CLASS_BITS,
    CLOSE,
    DIGIT,
    END,
    HAN,
    SPACE,
    STOP,
)
from pipelines.signals.counting import (
    CURLY,
    DOT,
    ELLIPSIS,
    HASH,
    LF,
    SEED,
    SHORT_LINE,
    after_feeds,
    bits_of,
    buffers,
    classes_of,
    decode,
    ends_with,
    finish,
    gopher_counts,
    lines_and_tail,
    mix,
    seen,
)
from pipelines.signals.repetition import MIX, repeated, variety

IDEOGRAPHIC_STOP, MID_ELLIPSIS, LENTICULAR = 0x3002, 0x22EF, (0x3010, 0x3011)
BULLETS = np.array(sorted(map(ord, characters.BULLETS["characters"])), np.int64)
_SUFFIXES = np.frombuffer("".join(characters.READ_MORE).encode(), np.uint8)
_SUFFIX_ENDS = np.cumsum([len(s.encode()) for s in characters.READ_MORE])


@njit(cache=True)
def _read_more(data, start, end):  # type: ignore[no-untyped-def]
    first = 0
    for k in range(len(_SUFFIX_ENDS)):
        if ends_with(data, start, end, _SUFFIXES[first : _SUFFIX_ENDS[k]]):
            return True
        first = _SUFFIX_ENDS[k]
    return False


@njit(cache=True)
def _is_bullet(point):  # type: ignore[no-untyped-def]
    for k in range(len(BULLETS)):  # noqa: SIM110 (any() of a generator does not compile)
        if BULLETS[k] == point:
            return True
    return False


@njit(cache=True)
def count_in_characters(data, offsets, num_chars, table, stops, counts, shares):  # type: ignore[no-untyped-def]
    """Fill `counts` int32 [n, COUNTS] and `shares` float64 [n, SHARES] for the n texts of a buffer.

    `num_chars` int64 [n]: characters before folding, passed through; `stops` uint64: hashes of stop
    words. C4's counts stay 0.
    """
    (keys, stamps), room = buffers(offsets)
    tokens, ends, gram_keys, slots, hits, firsts, grams, places, ngrams = room
    generation = np.uint32(1)
    for doc in range(len(offsets) - 1):
        start, end = np.int64(offsets[doc]), np.int64(offsets[doc + 1])
        newlines, line_mask, tail = lines_and_tail(data, start, end, table, True, len(keys))

        chars = np.int64(0)
        hashes, dots, ellipses, lenticular, curly = 0, 0, 0, 0, 0
        alphabetic, alphanumeric, digits, han = 0, 0, 0, 0
        num_tokens, alphabetic_tokens, token_chars = 0, 0, np.int64(0)
        stop_mask = np.int64(0)
        word, length, word_classes = SEED, 0, np.int64(0)  # the run of letters and digits that is being read
        line, line_start, line_chars, line_blank, line_ends, line_solid = SEED, start, 0, True, False, start
        line_first, line_dots, line_stop = (
            np.int64(0),
            0,
            start,
        )  # line_stop: byte behind the last character that is no space
        gopher_lines, doubled_lines, doubled_chars, fineweb_chars = 0, 0, 0, 0
        num_lines, terminal, short, readmore, max_line, line_total = 0, 0, 0, 0, 0, 0
        bullets, trailing = 0, 0
        paragraph, paragraph_chars, feeds, begun = SEED, 0, 0, False
        paragraphs, doubled_paragraphs, doubled_paragraph_chars = 0, 0, 0
        sentences, pending, inside, previous_alnum = 0, False, False, False
        i = start
        while i <= end:
            point, width, classes = (
                np.int64(0),
                1,
                np.int64(SPACE | BREAK),
            )  # the end closes a token, a line, a sentence
            if i < end:
                point, width = decode(data, i)
                classes = classes_of(table, point, True)
            # tokens
            if length and (classes & ALONE or not classes & ALNUM):
                tokens[num_tokens] = finish(word)
                token_chars += length
                num_tokens += 1
                ends[num_tokens] = token_chars
                alphabetic_tokens += (word_classes & ALPHA) != 0
                word, length, word_classes = SEED, 0, np.int64(0)
            if classes & ALONE:
                h = finish(mix(SEED, classes >> CLASS_BITS))
                tokens[num_tokens] = h
                token_chars += 1
                num_tokens += 1
                ends[num_tokens] = token_chars
                alphabetic_tokens += 1
                if classes & STOP:
                    for k in range(len(stops)):
                        if stops[k] == h:
                            stop_mask |= np.int64(1) << k
            elif classes & ALNUM:
                word = mix(word, classes >> CLASS_BITS)
                length += 1
                word_classes |= classes
            # runs of dots are ellipses, three by three; so are runs of ideographic full stops
            if point in (DOT, IDEOGRAPHIC_STOP):
                dots += 1
            else:
                ellipses += dots // 3
                dots = 0
                ellipses += point in (ELLIPSIS, MID_ELLIPSIS)
            # a mark ends a sentence unless it stands between letters or digits without spaces:
            # 3.14, example.cn
            if pending and not classes & (END | CLOSE):
                sentences += not (inside and classes & (ALNUM | ALONE) == ALNUM)
                pending = False
            if classes & END:
                inside = (inside if pending else previous_alnum) and point < 0x80
                pending = True
            elif classes & CLOSE:
                inside = False
            previous_alnum = classes & (ALNUM | ALONE) == ALNUM
            # lines
            if point == LF or i == end:
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
                        readmore += _read_more(data, line_start, line_solid)
                        bullets += _is_bullet(line_first)
                        trailing += line_dots >= 3
                line, line_start, line_chars, line_blank, line_ends, line_solid = (
                    SEED,
                    i + 1,
                    0,
                    True,
                    False,
                    i + 1,
                )
                line_first, line_dots = np.int64(0), 0
            else:
                line = mix(line, point)
                line_chars += 1
                if not classes & SPACE:
                    if line_blank:
                        line_first, line_blank = point, False
                    if not classes & CLOSE:
                        line_ends = (classes & END) != 0
                    if i != line_stop:  # dots behind a space begin anew
                        line_dots = 0
                    line_stop = i + width
                    if point in (DOT, IDEOGRAPHIC_STOP):
                        line_dots += 1
                    else:
                        line_dots = 3 if point in (MID_ELLIPSIS, ELLIPSIS) else 0
                    if classes & ALNUM:
                        line_solid = i + width
            if i == end:
                break
            # paragraphs of the stripped text
            if i < tail and (begun or not classes & SPACE):
                begun = True
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
            # characters
            chars += 1
            hashes += point == HASH
            curly += point == CURLY
            if classes & ALNUM:
                alphanumeric += 1
                alphabetic += (classes & ALPHA) != 0
                digits += (classes & DIGIT) != 0
                han += (classes & HAN) != 0
            else:
                lenticular += point in LENTICULAR
            i += width
        paragraphs += 1
        if paragraph_chars and seen(finish(paragraph ^ MIX), keys, stamps, generation, line_mask):
            doubled_paragraphs += 1
            doubled_paragraph_chars += paragraph_chars
        gopher_lines, doubled_lines = gopher_counts(
            data, start, end, chars, newlines, gopher_lines, doubled_lines
        )
        generation += np.uint32(1)
        distinct, entropy = variety(tokens, num_tokens, gram_keys, slots, hits)
        repeated(tokens, ends, num_tokens, True, gram_keys, slots, hits, firsts, grams, places, ngrams)
        stop_words = bits_of(stop_mask)
        n, all_chars, rows = max(num_tokens, 1), max(chars, 1), max(num_lines, 1)
        whole = max(token_chars, 1)
        row = counts[doc]
        row[0], row[1], row[2], row[3] = num_chars[doc], num_tokens, num_tokens, num_lines
        row[4], row[5], row[6] = sentences, stop_words, max_line
        out = shares[doc]
        out[0] = token_chars / n
        out[1], out[2] = hashes / n, ellipses / n
        out[3], out[4] = bullets / rows, trailing / rows
        out[5], out[6], out[7] = terminal / rows, short / rows, readmore / rows
        out[8] = alphabetic_tokens / n
        out[9], out[10] = doubled_lines / gopher_lines, doubled_paragraphs / paragraphs
        out[11], out[12] = doubled_chars / all_chars, doubled_paragraph_chars / all_chars
        out[13] = fineweb_chars / max(all_chars - newlines, 1)
        for k in range(9):
            out[14 + k] = ngrams[k] / whole
        out[23] = ngrams[9]
        out[24], out[25] = newlines / n, line_total / rows
        out[26], out[27], out[28] = (
            alphanumeric / all_chars,
            alphabetic / all_chars,
            digits / max(alphanumeric, 1),
        )
        out[29] = han / whole
        out[30], out[31] = distinct / n, entropy
        out[32], out[33] = lenticular / all_chars, curly / all_chars
        out[34] = alphabetic / n
