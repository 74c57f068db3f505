"""Lines and words of a text by their form, counted in one pass over its bytes.

Belongs here: the kernel and the classes of characters that it reads. Does not belong here: shares
(forms.py), which words stand there (page_words.py), lines as rules count them (lines.py). The plain
definition is forms_reference.plain_counts; tests/pipelines/signals/test_form_counts.py proves every
number equal to it.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipelines.kernels.compiled import Array, inlined, int64, kernel
from pipelines.kernels.utf8 import decode_valid

CHARS = 8_000  # read of a text, from its beginning
SHORT, MIDDLE, LONG = 5, 15, 40  # words of a line
TITLE = 12  # words of a line that may be a title
MAX_DATE = 60  # characters of a line that may be a date
ENDS = ".!?。！？…⋯;；:：\"'”’」』)）"  # end a line that ends in a mark
ELLIPSES = ("...", "…", "⋯")
BULLETS = "-*•·●■➢"
SPACE, CAPITAL, SMALL, DIGIT, END, ELLIPSIS, BULLET = (1 << bit for bit in range(7))
SIZE = 0x20000  # no character beyond is of a class
_LINE_FEED, _FULL_STOP = 10, ord(".")
_EXCLAMATION, _QUESTION = ord("!"), ord("?")


class FormCounts(NamedTuple):
    """What is counted of the first CHARS characters of texts, int64 [texts] each. Lines are not blank,
    and begin and end where their words do."""

    raw_lines: Any
    """Lines, blank ones too."""
    lines: Any
    words: Any
    short_lines: Any
    """Of at most SHORT words."""
    middle_lines: Any
    """Of more than SHORT and at most MIDDLE words."""
    long_lines: Any
    """Of more than LONG words."""
    words_in_long: Any
    """Words in lines of more than LONG."""
    words_in_titles: Any
    """Words in lines of at most TITLE that end in no mark of ENDS."""
    ended_lines: Any
    """Lines that end in a mark of ENDS."""
    ellipsis_lines: Any
    bullet_lines: Any
    longest_line: Any
    """Words of the longest line."""
    exclamations: Any
    questions: Any
    capitals: Any
    """Words that are str.istitle."""
    digits: Any
    """Words with a digit."""


COUNT = FormCounts(*range(len(FormCounts._fields)))
"""The place of each number in a row of counts."""


@cache
def table() -> NDArray[np.uint8]:
    """The classes of each code point below SIZE, uint8 [SIZE]."""
    values = np.zeros(SIZE, np.uint8)
    for point in range(SIZE):
        char = chr(point)
        values[point] = (
            (SPACE if char.isspace() else 0)
            | (CAPITAL if char.istitle() else 0)
            | (SMALL if char.islower() else 0)
            | (DIGIT if char.isdigit() else 0)
        )
    for bit, chars in (
        (END, ENDS),
        (ELLIPSIS, "".join(e for e in ELLIPSES if len(e) == 1)),
        (BULLET, BULLETS),
    ):
        values[[ord(c) for c in chars]] |= np.uint8(bit)
    return values


@cache
def _date_starts() -> NDArray[np.bool_]:
    """bool [256]: whether a line that begins with a byte may be a date: a mark before it, a digit, the
    letter of a month, of `an hour ago`, `posted` or `updated`, or any character that is not ASCII."""
    starts = np.zeros(256, np.bool_)
    starts[list(b"*_>-0123456789jfmasondpuJFMASONDPU")] = True
    starts[128:] = True
    return starts


@kernel
def end_of_chars(data: Array, start: int, end: int, chars: int) -> int:
    """The byte behind the first `chars` characters of the text data[start:end]."""
    if end - start <= chars:
        return end
    for i in range(start, end):
        if data[i] & 0xC0 != 0x80:
            if chars == 0:
                return i
            chars -= 1
    return end


@inlined
def _ends_in(data: Array, start: int, end: int, a: int, b: int, c: int) -> bool:
    """Whether data[start:end] ends in three bytes."""
    return bool(end - start >= 3 and data[end - 3] == a and data[end - 2] == b and data[end - 1] == c)


@kernel
def _count(data: Array, offsets: Array, classes: Array, starts: Array, counts: Array, dates: Array) -> int:
    """Fill counts [texts, COUNT], zeros before, and dates [lines, 3]: (text, first byte, byte behind)
    of lines that may be a date; returns how many. A line of more than MAX_DATE characters, or with
    neither a digit nor `ago` at its end, is none."""
    found = 0
    for text in range(len(offsets) - 1):
        row = counts[text]
        i, end = offsets[text], end_of_chars(data, offsets[text], offsets[text + 1], CHARS)
        while True:
            first, solid = int64(-1), int64(-1)  # bytes where the line begins, and behind its last word
            chars, solid_chars, words = 0, 0, 0  # characters from `first` on, and up to `solid`
            opening, last, digit_in_line = 0, 0, False
            in_word, digit_in_word, titled, cased, previous = False, False, True, False, False
            fed = False
            while i < end and not fed:
                point, width = decode_valid(data, i)
                group = int64(classes[point]) if point < SIZE else 0
                fed = point == _LINE_FEED
                if group & SPACE:
                    if in_word:
                        row[COUNT.capitals] += titled and cased
                        row[COUNT.digits] += digit_in_word
                        in_word = False
                    chars += first >= 0
                else:
                    if first < 0:
                        first, opening = i, group
                    if not in_word:
                        words += 1
                        in_word, digit_in_word, titled, cased, previous = True, False, True, False, False
                    # str.istitle: capitals behind what has no case, small letters behind what has.
                    if group & CAPITAL:
                        titled &= not previous
                        cased = previous = True
                    elif group & SMALL:
                        titled &= previous
                        cased = previous = True
                    else:
                        previous = False
                        row[COUNT.exclamations] += point == _EXCLAMATION
                        row[COUNT.questions] += point == _QUESTION
                        if group & DIGIT:
                            digit_in_word = digit_in_line = True
                    chars += 1
                    last, solid, solid_chars = group, i + width, chars
                i += width
            if in_word:
                row[COUNT.capitals] += titled and cased
                row[COUNT.digits] += digit_in_word
            row[COUNT.raw_lines] += 1
            if words:
                row[COUNT.lines] += 1
                row[COUNT.words] += words
                row[COUNT.longest_line] = max(row[COUNT.longest_line], words)
                if words <= SHORT:
                    row[COUNT.short_lines] += 1
                elif words <= MIDDLE:
                    row[COUNT.middle_lines] += 1
                elif words > LONG:
                    row[COUNT.long_lines] += 1
                    row[COUNT.words_in_long] += words
                if last & END:
                    row[COUNT.ended_lines] += 1
                elif words <= TITLE:
                    row[COUNT.words_in_titles] += words
                full_stops = _ends_in(data, first, solid, _FULL_STOP, _FULL_STOP, _FULL_STOP)
                row[COUNT.ellipsis_lines] += bool(last & ELLIPSIS) or full_stops
                row[COUNT.bullet_lines] += bool(opening & BULLET)
                if (
                    solid_chars <= MAX_DATE
                    and starts[data[first]]
                    and (digit_in_line or _ends_in(data, first, solid, ord("a"), ord("g"), ord("o")))
                ):
                    dates[found, 0], dates[found, 1], dates[found, 2] = text, first, solid
                    found += 1
            if not fed:
                break
    return found


def count_lines(data: Array, offsets: Array) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(counts int64 [texts, COUNT], lines that may be a date int64 [n, 3]: text, first byte, byte
    behind) of the texts of a buffer."""
    texts = len(offsets) - 1
    counts = np.zeros((texts, len(COUNT)), np.int64)
    feeds = int(np.count_nonzero(data[offsets[0] : offsets[-1]] == _LINE_FEED))
    dates = np.empty((feeds + texts, 3), np.int64)
    found = _count(data, offsets, table(), _date_starts(), counts, dates)
    return counts, dates[:found]
