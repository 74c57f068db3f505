"""Numbers about the form of a page: how long its lines are, how they end, what stands in them.

Belongs here: what is counted. Does not belong here: what the numbers say about a page
(page_kinds.py), rules with thresholds of their own (rules.py). A page that lists others has many short
lines, few that end a sentence, and dates between them; an article has not.

A word stands between white space. Only the first CHARS characters are read, so that a book costs as
much as a page.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

CHARS = 8_000  # read of a text, from its beginning
SHORT, MIDDLE, LONG = 5, 15, 40  # words of a line
TITLE = 12  # words of a line that may be a title

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
MAX_DATE = 60  # characters of a line that may be a date
_ENDS = tuple(".!?。！？…⋯;；:：\"'”’」』)）")
_ELLIPSES = ("...", "…", "⋯")
_BULLETS = ("-", "*", "•", "·", "●", "■", "➢")
_YOU, _WE, _ME, _PAST = (
    ("you", "your", "yours"),
    ("we", "our", "ours"),
    ("i", "my", "me"),
    ("was", "were", "had", "said"),
)


class Forms(NamedTuple):
    """All shares, or numbers brought near 0 to 1. Shares of lines leave blank lines out."""

    short_lines: float
    """Share of lines of at most SHORT words."""
    middle_lines: float
    """Share of lines of more than SHORT and at most MIDDLE words."""
    long_lines: float
    """Share of lines of more than LONG words."""
    words_in_long: float
    """Share of words that stand in lines of more than LONG words."""
    words_in_titles: float
    """Share of words that stand in lines of at most TITLE words that end no sentence."""
    ended_lines: float
    """Share of lines that end in a mark."""
    ellipsis_lines: float
    """Share of lines that end in an ellipsis."""
    bullet_lines: float
    """Share of lines that begin with a bullet."""
    date_lines: float
    """Share of lines that are a date or a time."""
    blank_lines: float
    """Share of blank lines among all lines."""
    words: float
    """Logarithm of the number of words, by 8."""
    lines: float
    """Logarithm of the number of lines, by 6."""
    mean_line: float
    """Words of a line, at most 100, by 50."""
    longest_line: float
    """Logarithm of the words of the longest line, by 6."""
    prices: float
    """Prices for twenty words, at most 1."""
    exclamations: float
    """Exclamation marks for twenty words, at most 1."""
    questions: float
    """Question marks for twenty words, at most 1."""
    you: float
    """`you`, `your` for ten words, at most 1."""
    we: float
    """`we`, `our` for ten words, at most 1."""
    me: float
    """`I`, `my`, `me` for ten words, at most 1."""
    past: float
    """`was`, `were`, `had`, `said` for ten words, at most 1."""
    capitals: float
    """Share of words that begin with a capital letter and go on without one."""
    digits: float
    """Words with a digit, three times their share, at most 1."""


def is_date(line: str) -> bool:
    """Whether a line, stripped, is nothing but a date or a time."""
    if len(line) > MAX_DATE or (not any(map(str.isdigit, line)) and not line.endswith("ago")):
        return False
    return _DATE.fullmatch(line) is not None


def date_lines(text: str) -> float:
    """Share of lines, blank ones left out, that are a date or a time; of the first CHARS characters."""
    lines = [line for line in map(str.strip, text[:CHARS].split("\n")) if line]
    return sum(map(is_date, lines)) / max(len(lines), 1)


def forms_of(text: str, counts: Mapping[str, int]) -> Forms:
    """The numbers of one text; `counts` of its words, lower-cased, as page_kinds.counts_of gives
    them."""
    raw = text[:CHARS].split("\n")
    lines = [line for line in map(str.strip, raw) if line]
    split = [line.split() for line in lines]
    sizes = list(map(len, split))
    ended = [line.endswith(_ENDS) for line in lines]
    num_lines, num_words = max(len(lines), 1), max(sum(sizes), 1)

    def of_words(times: float, count: int) -> float:
        return min(times * count / num_words, 1.0)

    def of_counts(words: Sequence[str]) -> float:
        return of_words(10.0, sum(counts.get(word, 0) for word in words))

    return Forms(
        short_lines=sum(n <= SHORT for n in sizes) / num_lines,
        middle_lines=sum(SHORT < n <= MIDDLE for n in sizes) / num_lines,
        long_lines=sum(n > LONG for n in sizes) / num_lines,
        words_in_long=sum(n for n in sizes if n > LONG) / num_words,
        words_in_titles=sum(n for n, end in zip(sizes, ended, strict=True) if n <= TITLE and not end)
        / num_words,
        ended_lines=sum(ended) / num_lines,
        ellipsis_lines=sum(line.endswith(_ELLIPSES) for line in lines) / num_lines,
        bullet_lines=sum(line.startswith(_BULLETS) for line in lines) / num_lines,
        date_lines=sum(map(is_date, lines)) / num_lines,
        blank_lines=1.0 - len(lines) / len(raw),
        words=math.log1p(num_words) / 8.0,
        lines=math.log1p(len(lines)) / 6.0,
        mean_line=min(num_words / num_lines, 100.0) / 50.0,
        longest_line=math.log1p(max(sizes, default=0)) / 6.0,
        prices=of_words(20.0, sum(counts.get(price, 0) for price in ("$0", "£0", "€0"))),
        exclamations=of_words(20.0, text.count("!", 0, CHARS)),
        questions=of_words(20.0, text.count("?", 0, CHARS)),
        you=of_counts(_YOU),
        we=of_counts(_WE),
        me=of_counts(_ME),
        past=of_counts(_PAST),
        capitals=of_words(1.0, sum(sum(map(str.istitle, words)) for words in split)),
        digits=of_words(
            3.0, sum(not word.isalpha() and any(map(str.isdigit, word)) for words in split for word in words)
        ),
    )
