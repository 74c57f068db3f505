"""One pass over NFKC-folded texts in which a Han character is a token by itself.

Belongs here: the kernel of the unit *characters*. Does not belong here: English (in_words.py),
columns (columns.py), thresholds.

A run of letters and digits of another script is a token too; punctuation and space are none. A line
ends a sentence when its last mark that is no closing quote or bracket does. The plain definition is
reference.plain_rules; tests/pipelines/signals/test_rules.py proves every column equal to it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pipelines.kernels.compiled import Array, inlined, int64, kernel, leaf
from pipelines.kernels.hashing64 import FNV_START, avalanche
from pipelines.kernels.utf8 import decode_valid
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
    classes_of,
)
from pipelines.signals.clauses import after_clause_line, after_mark, evenness, no_clauses
from pipelines.signals.columns import COUNT, SHARE
from pipelines.signals.hash_set import HashSet, mix
from pipelines.signals.lines import (
    LINE_FEED,
    after_line,
    count_feeds,
    end_of_text,
    longer,
    new_line,
    no_lines,
    split_at_runs,
)
from pipelines.signals.paragraphs import after_feed, after_text, closed, no_paragraphs
from pipelines.signals.phrases import ends_with, phrase
from pipelines.signals.repetition import NUM_ORDERS, RECURRING, Room, repeated, variety
from pipelines.signals.totals import Totals, write_totals
from pipelines.signals.workspace import empty_set, make_workspace

HASH, CURLY, DOT = ord("#"), ord("{"), ord(".")
ELLIPSIS, MID_ELLIPSIS, IDEOGRAPHIC_STOP, LENTICULAR = 0x2026, 0x22EF, 0x3002, (0x3010, 0x3011)
BULLETS = np.array(sorted(map(ord, characters.BULLETS["characters"])), np.int64)
_SUFFIXES = phrase("".join(characters.READ_MORE))
_SUFFIX_ENDS = np.cumsum([len(s.encode()) for s in characters.READ_MORE])


class Sentences(NamedTuple):
    """Ends of sentences. pending: marks that end one were the last characters; inside: whether they
    stand behind a letter or digit of another script; letter: whether the last character is one."""

    num: int
    pending: bool
    inside: bool
    letter: bool


@inlined
def _after_character(sentences: Sentences, point: int, classes: int) -> Sentences:
    """The numbers after one more character. A mark ends a sentence unless it stands between letters
    or digits without spaces: 3.14, example.cn."""
    num, pending, inside = sentences.num, sentences.pending, sentences.inside
    letter = classes & (ALNUM | ALONE) == ALNUM
    if pending and not classes & (END | CLOSE):
        num += not (inside and letter)
        pending = False
    if classes & END:
        inside = (inside if pending else sentences.letter) and point < 0x80
        pending = True
    elif classes & CLOSE:
        inside = False
    return Sentences(num, pending, inside, letter)


@kernel
def _read_more(data: Array, start: int, end: int) -> bool:
    """Whether a line ends in one of READ_MORE."""
    first = 0
    for k in range(len(_SUFFIX_ENDS)):
        if ends_with(data, start, end, _SUFFIXES[first : _SUFFIX_ENDS[k]]):
            return True
        first = _SUFFIX_ENDS[k]
    return False


@kernel
def _is_bullet(point: int) -> bool:
    for k in range(len(BULLETS)):  # noqa: SIM110 (any() of a generator does not compile)
        if BULLETS[k] == point:
            return True
    return False


@inlined
def _ellipsis_dots(dots: int, point: int) -> int:
    """Dots at the end of a line after one more character: three or more are an ellipsis."""
    if point in (DOT, IDEOGRAPHIC_STOP):
        return dots + 1
    return int64(3) if point in (MID_ELLIPSIS, ELLIPSIS) else int64(0)


@leaf
def _count_text(
    data: Array,
    start: int,
    end: int,
    table: Array,
    stops: Array,
    room: Room,
    newlines: int,
    lines_seen: HashSet,
    counts: Array,
    shares: Array,
) -> None:
    """Fill one row of counts and of shares for the text data[start:end]."""
    tokens, ends = room.tokens, room.ends
    tail = end_of_text(data, start, end, table, True)
    chars = int64(0)
    hashes, dots, ellipses, lenticular, curly = 0, 0, 0, 0, 0
    alphabetic, alphanumeric, digits, han = 0, 0, 0, 0
    num_tokens, alphabetic_tokens, token_chars = 0, 0, int64(0)
    stop_mask = int64(0)
    word, length, word_classes = FNV_START, 0, int64(0)  # the run of letters and digits being read
    line, lines = new_line(start), no_lines()
    line_first, line_dots, line_stop = int64(0), int64(0), start  # line_stop: behind its last mark
    bullets, trailing = 0, 0
    paragraphs, begun = no_paragraphs(), False
    sentences, clauses = Sentences(int64(0), False, False, False), no_clauses()
    i = start
    while i <= end:
        # the end closes a token, a line, a sentence
        point, width, classes = int64(0), 1, int64(SPACE | BREAK)
        if i < end:
            point, width = decode_valid(data, i)
            classes = classes_of(table, point, True)
        # tokens
        if length and (classes & ALONE or not classes & ALNUM):
            tokens[num_tokens] = avalanche(word)
            token_chars += length
            num_tokens += 1
            ends[num_tokens] = token_chars
            alphabetic_tokens += (word_classes & ALPHA) != 0
            word, length, word_classes = FNV_START, 0, int64(0)
        if classes & ALONE:
            h = avalanche(mix(FNV_START, classes >> CLASS_BITS))
            tokens[num_tokens] = h
            token_chars += 1
            num_tokens += 1
            ends[num_tokens] = token_chars
            alphabetic_tokens += 1
            if classes & STOP:
                for k in range(len(stops)):
                    if stops[k] == h:
                        stop_mask |= int64(1) << k
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
        sentences = _after_character(sentences, point, classes)
        # lines
        if point == LINE_FEED or i == end:
            more = False
            if not line.blank:
                more = _read_more(data, line.start, line.solid)
                bullets += _is_bullet(line_first)
                trailing += line_dots >= 3
            lines = after_line(lines, line, more, lines_seen)
            line, line_dots = new_line(i + 1), int64(0)
            clauses = after_clause_line(clauses, num_tokens)
        elif classes & SPACE:
            line = longer(line, point, 1, line.blank, line.ended, line.solid)
        else:
            if line.blank:
                line_first = point
            ended = line.ended if classes & CLOSE else (classes & END) != 0
            line = longer(line, point, 1, False, ended, i + width if classes & ALNUM else line.solid)
            # dots behind a space begin anew
            line_dots = _ellipsis_dots(line_dots if i == line_stop else int64(0), point)
            line_stop = i + width
            clauses = after_mark(clauses, point, classes, num_tokens)
        if i == end:
            break
        # paragraphs of the stripped text
        if i < tail and (begun or not classes & SPACE):
            begun = True
            if point == LINE_FEED:
                paragraphs = after_feed(paragraphs)
            else:
                paragraphs = after_text(paragraphs, point, 1, lines_seen)
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
    paragraphs = closed(paragraphs, lines_seen)
    split, doubled = split_at_runs(data, start, end, chars == newlines and newlines > 0, lines)
    distinct, entropy = variety(room, num_tokens)
    repeated(room, num_tokens, True)
    n, num_lines, whole = max(num_tokens, 1), max(lines.num, 1), max(token_chars, 1)
    totals = Totals(
        tokens=num_tokens,
        alphabetic_tokens=alphabetic_tokens,
        token_chars=token_chars,
        chars=chars,
        newlines=newlines,
        alphabetic=alphabetic,
        alphanumeric=alphanumeric,
        digits=digits,
        han=han,
        hashes=hashes,
        ellipses=ellipses,
        brackets=lenticular,
        curly=curly,
        sentences=sentences.num,
        stop_mask=stop_mask,
    )
    write_totals(totals, lines, split, doubled, paragraphs, counts, shares)
    counts[COUNT.num_words], counts[COUNT.clause_tokens] = num_tokens, clauses.tokens
    shares[SHARE.mean_token_length] = token_chars / n
    shares[SHARE.bullet_lines], shares[SHARE.ellipsis_lines] = bullets / num_lines, trailing / num_lines
    for k in range(NUM_ORDERS):
        shares[SHARE.top_2_gram + k] = room.found[k] / whole
    shares[SHARE.repeated_13_gram] = room.found[RECURRING]
    shares[SHARE.unique_tokens], shares[SHARE.entropy] = distinct / n, entropy
    shares[SHARE.alphabetic_words], shares[SHARE.even_clauses] = alphabetic_tokens / n, evenness(clauses)


@kernel
def count_in_characters(
    data: Array, offsets: Array, num_chars: Array, table: Array, stops: Array, counts: Array, shares: Array
) -> None:
    """Fill `counts` int32 [n, COUNT] and `shares` float64 [n, SHARE] for the n texts of a buffer.

    `num_chars` int64 [n]: characters before folding, passed through; `table`: characters.table;
    `stops` uint64: hashes of stop words. C4's counts stay 0.
    """
    space = make_workspace(offsets)
    for doc in range(len(offsets) - 1):
        start, end = int64(offsets[doc]), int64(offsets[doc + 1])
        newlines = count_feeds(data, start, end)
        lines_seen = empty_set(space, doc, newlines)
        counts[doc, COUNT.num_chars] = num_chars[doc]
        _count_text(
            data, start, end, table, stops, space.room, newlines, lines_seen, counts[doc], shares[doc]
        )
