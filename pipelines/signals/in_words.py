"""One pass over texts whose words have white space between them.

Belongs here: the kernel of the unit *words*. Does not belong here: Chinese (in_characters.py),
columns (columns.py), thresholds.

A word is what `str.split` gives. Work is done word by word: the loop over the bytes of a word
hashes it and adds up what its bytes are, and a word with a mark that rules count is looked at once
more (words.py). Lines and paragraphs are hashed from the hashes of their words. The plain
definition is reference.plain_rules; tests/pipelines/signals/test_rules.py proves every column equal
to it.
"""

from __future__ import annotations

import numpy as np

from pipelines.kernels.compiled import Array, int64, kernel, leaf
from pipelines.kernels.hashing64 import U64
from pipelines.kernels.utf8 import decode_valid
from pipelines.signals.c4 import add_c4_line, new_c4_line, with_marks, with_phrases, with_word
from pipelines.signals.characters import ALNUM, BREAK, CLOSE, END, SPACE, classes_of
from pipelines.signals.columns import COUNT, SHARE
from pipelines.signals.hash_set import HashSet
from pipelines.signals.lines import (
    CARRIAGE_RETURN,
    LINE_FEED,
    after_line,
    count_feeds,
    end_of_text,
    longer,
    new_line,
    no_lines,
    split_at_runs,
)
from pipelines.signals.paragraphs import after_feed, after_text, closed, extended, no_paragraphs
from pipelines.signals.phrases import ends_with, phrase
from pipelines.signals.repetition import NUM_ORDERS, Room, repeated
from pipelines.signals.teasers import after_block_line, no_teasers, teaser_share
from pipelines.signals.totals import Totals, write_totals
from pipelines.signals.words import STOP_MASK, WordTables, marks_of, phrases_around, read_word
from pipelines.signals.workspace import empty_set, longest_text, make_workspace

_BULLET, _HYPHEN, _COLON = 0x2022, ord("-"), ord(":")
_READ_MORE = phrase("read more"), phrase("readmore")


@kernel
def _read_more(data: Array, start: int, end: int, tables: WordTables) -> bool:
    """Whether a line ends in `read more`, marks behind it left out."""
    while end > start:
        back = end - 1
        if data[back] < 0x80:
            classes = tables.low_classes[data[back]]
        else:
            while data[back] & 0xC0 == 0x80:
                back -= 1
            point, _ = decode_valid(data, back)
            classes = classes_of(tables.classes, point, False)
        if classes & ALNUM:
            break
        end = back
    if end == start or data[end - 1] | 32 != ord("e"):
        return False
    return ends_with(data, start, end, _READ_MORE[0]) or ends_with(data, start, end, _READ_MORE[1])


@leaf
def _count_text(
    data: Array,
    start: int,
    end: int,
    tables: WordTables,
    room: Room,
    newlines: int,
    lines_seen: HashSet,
    line_room: Array,
    counts: Array,
    shares: Array,
) -> None:
    """Fill one row of counts and of shares for the text data[start:end]."""
    table, low_classes = tables.classes, tables.low_classes
    tokens, ends = room.tokens, room.ends
    tail = end_of_text(data, start, end, table, False)
    chars = int64(0)
    alphabetic, alphanumeric, digits, han = int64(0), int64(0), int64(0), int64(0)
    hashes, ellipses, curly, brackets, sentences = 0, 0, 0, 0, 0
    num_tokens, num_words, word_chars, alphabetic_tokens, token_chars = 0, 0, int64(0), 0, int64(0)
    stop_mask = int64(0)
    line, lines = new_line(start), no_lines()
    paragraphs, begun = no_paragraphs(), False
    # lines of str.splitlines: where the one being read begins, its first and last word, its end
    break_lines, bullets, trailing = 0, 0, 0
    broken_at, first_solid, last_solid = start, int64(-1), start
    first_point, ellipsis_end, after_return = int64(0), False, False
    c4_line = new_c4_line()
    teasers, line_first, last = no_teasers(), 0, int64(0)
    i = start
    while i <= end:
        # the end closes lines as a line feed does
        point, width, classes = int64(LINE_FEED), 1, int64(SPACE | BREAK)
        if i < end:
            c = data[U64(i)]
            if c == 32 and paragraphs.feeds == 0 and begun and line.chars and i < tail:
                # one space in a line: the commonest case by far
                line = longer(line, 32, 1, line.blank, False, line.solid)
                paragraphs = extended(paragraphs, 32, 1)
                chars += 1
                after_return = False
                i += 1
                continue
            if c < 0x80:
                point, classes = int64(c), low_classes[c]
            else:
                point, width = decode_valid(data, i)
                classes = classes_of(table, point, False)
        if classes & SPACE:
            if point == LINE_FEED:
                more = not line.blank and _read_more(data, line.start, line.solid, tables)
                lines = after_line(lines, line, more, lines_seen)
                closes = last & (END | CLOSE) != 0 or (not line.blank and data[line.solid - 1] == _COLON)
                teasers = after_block_line(teasers, num_tokens - line_first, closes)
                line = new_line(i + 1)
                line_first = num_tokens
            else:
                line = longer(line, point, 1, line.blank, False, line.solid)
            if classes & BREAK and i < end and point == LINE_FEED and after_return:
                broken_at = i + 1
            elif classes & BREAK and (i < end or broken_at < end):
                break_lines += 1
                if first_solid >= 0:
                    bullets += first_point in (_BULLET, _HYPHEN)
                    trailing += ellipsis_end
                    add_c4_line(data, first_solid, last_solid, c4_line, table, line_room, counts)
                broken_at, first_solid, ellipsis_end = i + width, int64(-1), False
                c4_line = new_c4_line()
            after_return = point == CARRIAGE_RETURN
            if i == end:
                break
            chars += 1
            if begun and i < tail:
                if point == LINE_FEED:
                    paragraphs = after_feed(paragraphs)
                else:
                    paragraphs = after_text(paragraphs, point, 1, lines_seen)
            i += width
            continue

        word = read_word(data, i, end, tables)
        tokens[num_tokens] = word.hash
        num_tokens += 1
        token_chars += word.length
        ends[num_tokens] = token_chars
        chars += word.length
        alphabetic += word.alphabetic
        alphanumeric += word.alphanumeric
        digits += word.digits
        han += word.han
        brackets += word.brackets
        if word.symbols < word.length:
            num_words += 1
            word_chars += word.length
            alphabetic_tokens += word.alphabetic > 0
            slot = word.hash & STOP_MASK
            stop_mask |= int64(tables.stops[slot] == word.hash) << int64(tables.stop_bits[slot])
        ellipsis_end, c4_ended = False, False
        if word.marks:
            marks = marks_of(data, i, word, tables)
            hashes += marks.hashes
            curly += marks.curly
            ellipses += marks.ellipses
            sentences += marks.ended
            ellipsis_end, c4_ended = marks.ellipsis_end, marks.c4_ended
            c4_line = with_marks(c4_line, marks.square, marks.curly > 0)
        lorem, script, policy = phrases_around(data, start, end, i, word)
        if lorem | script | policy:
            c4_line = with_phrases(c4_line, lorem, script, policy)
        c4_line = with_word(c4_line, word.length, c4_ended)
        if first_solid < 0:
            first_solid, first_point = i, point
        i = last_solid = word.end
        last = int64(word.last)
        after_return = False
        line = longer(line, word.hash, word.length, False, (word.last & END) != 0, i)
        paragraphs = after_text(paragraphs, word.hash, word.length, lines_seen)
        begun = True
    teasers = after_block_line(teasers, 0, False)
    paragraphs = closed(paragraphs, lines_seen)
    split, doubled = split_at_runs(data, start, end, chars == newlines and newlines > 0, lines)
    repeated(room, num_tokens, False)
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
        brackets=brackets,
        curly=curly,
        sentences=sentences,
        stop_mask=stop_mask,
    )
    write_totals(totals, lines, split, doubled, paragraphs, counts, shares)
    counts[COUNT.num_chars], counts[COUNT.num_words] = chars, num_words
    num_lines, whole = max(break_lines, 1), max(chars, 1)
    shares[SHARE.mean_token_length] = word_chars / max(num_words, 1)
    shares[SHARE.bullet_lines], shares[SHARE.ellipsis_lines] = bullets / num_lines, trailing / num_lines
    shares[SHARE.alphabetic_words] = alphabetic_tokens / max(num_words, 1)
    shares[SHARE.teasers] = teaser_share(teasers, num_tokens)
    for k in range(NUM_ORDERS):
        shares[SHARE.top_2_gram + k] = min(room.found[k] / whole, 1.0)


@kernel
def count_in_words(data: Array, offsets: Array, tables: WordTables, counts: Array, shares: Array) -> None:
    """Fill `counts` int32 [n, COUNT] and `shares` float64 [n, SHARE] for the n texts of a buffer."""
    space, line_room = make_workspace(offsets), np.zeros(longest_text(offsets) + 1, np.uint8)
    for doc in range(len(offsets) - 1):
        start, end = int64(offsets[doc]), int64(offsets[doc + 1])
        newlines = count_feeds(data, start, end)
        lines_seen = empty_set(space, doc, newlines)
        _count_text(
            data, start, end, tables, space.room, newlines, lines_seen, line_room, counts[doc], shares[doc]
        )
