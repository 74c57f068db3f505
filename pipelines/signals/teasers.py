"""Blocks of a page that announce another: a title, and a line or two below it.

Belongs here: what such a block is, counting while in_words.py reads. Does not belong here: how likely
a page is one that lists others (page_kinds.py), thresholds (filtering/policies/*.yaml).

A block stands between blank lines. A section of a news site is made of such blocks; so are some
articles of many short points, which is why a policy asks for the form of the whole page too.
"""

from __future__ import annotations

from typing import NamedTuple

from pipelines.kernels.compiled import inlined, int64

TITLE_WORDS = 25  # of a title, which ends no sentence, at most
LINES, LINE_WORDS, BLOCK_WORDS = 4, 60, 80
"""Below the title at most: lines, words of one, words of all."""
LEAST_BLOCKS = 5  # in a text: fewer announce nothing


class Teasers(NamedTuple):
    """num: blocks that announce; words: in them. Of the block being read: its lines, its words, those
    of its first line and of its longest, and whether the first may be a title."""

    num: int
    words: int
    lines: int
    block_words: int
    title_words: int
    longest: int
    titled: bool


@inlined
def no_teasers() -> Teasers:
    """Before the first line."""
    return Teasers(int64(0), int64(0), int64(0), int64(0), int64(0), int64(0), False)


@inlined
def after_block_line(teasers: Teasers, words: int, ended: bool) -> Teasers:
    """The numbers after a line of that many words; `ended`: in a mark that no title ends in. A line
    without words ends the block."""
    num, in_all, lines, block, title, longest, titled = teasers
    if words > 0:
        if lines == 0:
            title, titled = words, not ended and words <= TITLE_WORDS
        return Teasers(num, in_all, lines + 1, block + words, title, max(longest, words), titled)
    below = block - title
    if lines and titled and lines <= LINES + 1 and below <= BLOCK_WORDS and longest <= LINE_WORDS:
        num, in_all = num + 1, in_all + block
    return Teasers(num, in_all, int64(0), int64(0), int64(0), int64(0), False)


@inlined
def teaser_share(teasers: Teasers, num_words: int) -> float:
    """Share of the words in blocks that announce; 0 for fewer than LEAST_BLOCKS."""
    return teasers.words / max(num_words, 1) if teasers.num >= LEAST_BLOCKS else 0.0
