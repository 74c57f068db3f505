"""Forms and words of a page written down plainly, with Python's strings and regular expressions.

Belongs here: what form_counts.py and page_words.py must equal, and the words by name, which training
reads (tools/train_page_kinds.py). Does not belong here: anything that a stage calls.
"""

from __future__ import annotations

import re
from collections import Counter

from pipelines.signals.form_counts import (
    BULLETS,
    CHARS,
    ELLIPSES,
    ENDS,
    LONG,
    MIDDLE,
    SHORT,
    TITLE,
    FormCounts,
)
from pipelines.signals.forms import is_date

_NUMBER, _PRICE = re.compile(r"\d[\d.,]*"), re.compile(r"([$£€]) ?0")
_WORD = re.compile(r"[a-z]+(?:'[a-z]+)?|[$£€]0|0%")


def plain_words(text: str) -> Counter[str]:
    """How often each word stands in a text; prices and percentages are words too, whatever their
    number."""
    lower = _NUMBER.sub("0", text[:CHARS].lower().replace("\u2019", "'"))
    return Counter(_WORD.findall(_PRICE.sub(r"\g<1>0", lower)))


def plain_counts(text: str) -> tuple[FormCounts, int]:
    """(counts, lines that are a date) of one text."""
    raw = text[:CHARS].split("\n")
    lines = [line for line in map(str.strip, raw) if line]
    split = [line.split() for line in lines]
    words = [word for line in split for word in line]
    sizes = list(map(len, split))
    ended = [line.endswith(tuple(ENDS)) for line in lines]
    counts = FormCounts(
        raw_lines=len(raw),
        lines=len(lines),
        words=len(words),
        short_lines=sum(n <= SHORT for n in sizes),
        middle_lines=sum(SHORT < n <= MIDDLE for n in sizes),
        long_lines=sum(n > LONG for n in sizes),
        words_in_long=sum(n for n in sizes if n > LONG),
        words_in_titles=sum(n for n, end in zip(sizes, ended, strict=True) if n <= TITLE and not end),
        ended_lines=sum(ended),
        ellipsis_lines=sum(line.endswith(ELLIPSES) for line in lines),
        bullet_lines=sum(line.startswith(tuple(BULLETS)) for line in lines),
        longest_line=max(sizes, default=0),
        exclamations=text.count("!", 0, CHARS),
        questions=text.count("?", 0, CHARS),
        capitals=sum(map(str.istitle, words)),
        digits=sum(any(map(str.isdigit, word)) for word in words),
    )
    return counts, sum(map(is_date, lines))
