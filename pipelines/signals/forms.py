"""Numbers about the form of a page: how long its lines are, how they end, what stands in them.

Belongs here: the numbers, and which lines are dates. Does not belong here: counting (form_counts.py,
page_words.py), what the numbers say about a page (page_kinds.py), rules with thresholds of their own
(rules.py). A page that lists others has many short lines, few that end a sentence, and dates between
them; an article has not.

A word stands between white space. Only the first CHARS characters are read, so that a book costs as
much as a page.
"""

from __future__ import annotations

import re
from typing import NamedTuple, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipelines.kernels.utf8 import text_buffers
from pipelines.signals.form_counts import MAX_DATE, FormCounts, count_lines
from pipelines.signals.page_words import PageWords, logarithms

Number: TypeAlias = NDArray[np.float64]

_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.?"
_DAY = (
    r"(?:\d{4}[-/.]\d{1,2}(?:[-/.]\d{1,2})?|\d{1,2}[-/]\d{1,2}(?:[-/]\d{2,4})?|(?:19|20)\d\d ?年?"
    r"|(?:\d{4} ?年 ?)?\d{1,2} ?月(?: ?\d{1,2} ?[日号])?"
    rf"|{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?(?:,? \d{{4}})?|{_MONTH},? \d{{4}}"
    rf"|\d{{1,2}}(?:st|nd|rd|th)? {_MONTH}(?:,? \d{{4}})?"
    r"|(?:an?|\d{1,3}) ?(?:s|m|h|d|sec|min|hr|hour|day|week|month|year)[a-z]{0,4} ago"
    r"|\d{1,3} ?(?:秒|分钟|小时|天|周|个月|年)前)"
)
_TIME = r"(?:[ ,T]{1,2}(?:at )?\d{1,2}:\d\d(?::\d\d)?(?: ?[ap]\.?m\.?)?)?"
_DATE = re.compile(
    r"[*_>•·-]{0,2} ?(?:(?:posted|published|updated|发布于|发表于|更新于|日期)(?: on)?[:： ]{0,2})?"
    rf"{_DAY}{_TIME}(?: ?[|·•,] ?[^\d\n]{{1,24}})?[*_]{{0,2}}",
    re.IGNORECASE,
)


class Forms(NamedTuple):
    """float64 [texts] each: shares, or numbers brought near 0 to 1. Shares of lines leave blank lines
    out."""

    short_lines: Number
    """Share of lines of at most SHORT words."""
    middle_lines: Number
    """Share of lines of more than SHORT and at most MIDDLE words."""
    long_lines: Number
    """Share of lines of more than LONG words."""
    words_in_long: Number
    """Share of words that stand in lines of more than LONG words."""
    words_in_titles: Number
    """Share of words that stand in lines of at most TITLE words that end no sentence."""
    ended_lines: Number
    """Share of lines that end in a mark."""
    ellipsis_lines: Number
    """Share of lines that end in an ellipsis."""
    bullet_lines: Number
    """Share of lines that begin with a bullet."""
    date_lines: Number
    """Share of lines that are a date or a time."""
    blank_lines: Number
    """Share of blank lines among all lines."""
    words: Number
    """Logarithm of the number of words, by 8."""
    lines: Number
    """Logarithm of the number of lines, by 6."""
    mean_line: Number
    """Words of a line, at most 100, by 50."""
    longest_line: Number
    """Logarithm of the words of the longest line, by 6."""
    prices: Number
    """Prices for twenty words, at most 1."""
    exclamations: Number
    """Exclamation marks for twenty words, at most 1."""
    questions: Number
    """Question marks for twenty words, at most 1."""
    you: Number
    """`you`, `your` for ten words, at most 1."""
    we: Number
    """`we`, `our` for ten words, at most 1."""
    me: Number
    """`I`, `my`, `me` for ten words, at most 1."""
    past: Number
    """`was`, `were`, `had`, `said` for ten words, at most 1."""
    capitals: Number
    """Share of words that begin with a capital letter and go on without one."""
    digits: Number
    """Words with a digit, three times their share, at most 1."""


def is_date(line: str) -> bool:
    """Whether a line, stripped, is nothing but a date or a time."""
    if len(line) > MAX_DATE or (not any(map(str.isdigit, line)) and not line.endswith("ago")):
        return False
    return _DATE.fullmatch(line) is not None


def _dates(data: NDArray[np.uint8], lines: NDArray[np.int64], texts: int) -> NDArray[np.int64]:
    """How many of these lines of each text are a date, int64 [texts]. `lines` are those of
    count_lines."""
    found = [
        text
        for text, start, end in lines.tolist()
        if _DATE.fullmatch(data[start:end].tobytes().decode("utf-8")) is not None
    ]
    return np.bincount(np.array(found, np.int64), minlength=texts)


def counts_of(texts: pa.Array) -> tuple[FormCounts, NDArray[np.int64]]:
    """(columns of FormCounts, lines that are a date) of some texts, int64 [texts] each."""
    data, offsets = text_buffers(texts)
    counts, lines = count_lines(data, offsets)
    return FormCounts(*counts.T), _dates(data, lines, len(texts))


def date_lines(texts: pa.Array) -> Number:
    """Share of lines, blank ones left out, that are a date or a time, of the first CHARS characters
    of each text; float64 [texts]."""
    counts, dates = counts_of(texts)
    share: Number = dates / np.maximum(counts.lines, 1)
    return share


def forms_of(counts: FormCounts, dates: NDArray[np.int64], words: PageWords) -> Forms:
    """The numbers of some texts, from what `counts_of` and page_words.count_words give of them."""
    logs = logarithms()
    lines, total = np.maximum(counts.lines, 1), np.maximum(counts.words, 1)
    groups = words.groups_by_name()

    def of_words(times: float, count: NDArray[np.int64]) -> Number:
        return np.minimum(times * count / total, 1.0)

    return Forms(
        short_lines=counts.short_lines / lines,
        middle_lines=counts.middle_lines / lines,
        long_lines=counts.long_lines / lines,
        words_in_long=counts.words_in_long / total,
        words_in_titles=counts.words_in_titles / total,
        ended_lines=counts.ended_lines / lines,
        ellipsis_lines=counts.ellipsis_lines / lines,
        bullet_lines=counts.bullet_lines / lines,
        date_lines=dates / lines,
        blank_lines=1.0 - counts.lines / counts.raw_lines,
        words=logs[total] / 8.0,
        lines=logs[counts.lines] / 6.0,
        mean_line=np.minimum(total / lines, 100.0) / 50.0,
        longest_line=logs[counts.longest_line] / 6.0,
        prices=of_words(20.0, groups["prices"]),
        exclamations=of_words(20.0, counts.exclamations),
        questions=of_words(20.0, counts.questions),
        you=of_words(10.0, groups["you"]),
        we=of_words(10.0, groups["we"]),
        me=of_words(10.0, groups["me"]),
        past=of_words(10.0, groups["past"]),
        capitals=of_words(1.0, counts.capitals),
        digits=of_words(3.0, counts.digits),
    )
