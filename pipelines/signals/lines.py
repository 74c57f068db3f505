"""Lines of a text, as FineWeb and Gopher count them: blank, short, ended, seen before.

Belongs here: the line that is being read, and what the lines of a text add up to. Does not belong
here: the lines of str.splitlines (c4.py, in_words.py), how a character is read.

Lines are counted in three ways, as the rules' authors did: FineWeb splits at line feeds and leaves
blank lines out; Gopher's repetition splits at runs of line feeds; Gopher's quality and C4 split as
`str.splitlines` and keep empty lines. The first two are here.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pipelines.kernels.compiled import Array, Value, inlined, int64, kernel
from pipelines.kernels.hashing64 import FNV_START, avalanche
from pipelines.kernels.utf8 import decode_valid
from pipelines.signals.characters import SPACE, classes_of
from pipelines.signals.hash_set import HashSet, mix, seen

LINE_FEED, CARRIAGE_RETURN = 10, 13
SHORT_LINE = 30  # characters; FineWeb


class Line(NamedTuple):
    """The line that is being read. hash: over its characters or words; chars; blank: white space
    so far; ended: whether it ends a sentence as it stands; start: its first byte; solid: the byte
    behind its last word."""

    hash: np.uint64
    chars: int
    blank: bool
    ended: bool
    start: int
    solid: int


class Lines(NamedTuple):
    """What the lines of a text add up to. `split`, `doubled` and `doubled_chars`: Gopher's lines,
    those that were there before, their characters. The others are of FineWeb's lines: characters of
    those that were there before; their number, characters, the longest; how many are short, end a
    sentence, end in `read more`."""

    split: int
    doubled: int
    doubled_chars: int
    fineweb_doubled_chars: int
    num: int
    chars: int
    longest: int
    short: int
    terminal: int
    readmore: int


@inlined
def new_line(start: int) -> Line:
    """An empty line that begins at a byte."""
    return Line(FNV_START, int64(0), True, False, int64(start), int64(start))


@inlined
def longer(line: Line, value: Value, chars: int, blank: bool, ended: bool, solid: int) -> Line:
    """The line with one more character or word, hashed as `value`."""
    return Line(mix(line.hash, value), line.chars + chars, blank, ended, line.start, solid)


@inlined
def no_lines() -> Lines:
    """Before the first line."""
    none = int64(0)
    return Lines(none, none, none, none, none, none, none, none, none, none)


@kernel
def after_line(lines: Lines, line: Line, readmore: bool, hashes: HashSet) -> Lines:
    """The numbers after a line that ends here. An empty line changes nothing."""
    if not line.chars:
        return lines
    twice = seen(hashes, avalanche(line.hash))
    doubled, doubled_chars = lines.doubled, lines.doubled_chars
    fineweb_doubled_chars = lines.fineweb_doubled_chars
    num, chars, longest = lines.num, lines.chars, lines.longest
    short, terminal, readmores = lines.short, lines.terminal, lines.readmore
    if twice:
        doubled += 1
        doubled_chars += line.chars
    if not line.blank:
        if twice:
            fineweb_doubled_chars += line.chars
        num += 1
        chars += line.chars
        longest = max(longest, line.chars)
        short += line.chars <= SHORT_LINE
        terminal += line.ended
        readmores += readmore
    return Lines(
        lines.split + 1,
        doubled,
        doubled_chars,
        fineweb_doubled_chars,
        num,
        chars,
        longest,
        short,
        terminal,
        readmores,
    )


@kernel
def split_at_runs(data: Array, start: int, end: int, all_feeds: bool, lines: Lines) -> tuple[int, int]:
    """(lines, lines that were there before) as Gopher splits: a run of line feeds at either end of
    the text has an empty line outside of it. `all_feeds`: the text is nothing but line feeds."""
    outside = 0 if end == start else int(data[start] == LINE_FEED) + int(data[end - 1] == LINE_FEED)
    split = 2 if all_feeds else max(lines.split + outside, 1)
    return split, lines.doubled + (outside == 2)


@kernel
def count_feeds(data: Array, start: int, end: int) -> int:
    """Line feeds in data[start:end]."""
    feeds = 0
    for byte in data[start:end]:
        feeds += byte == LINE_FEED
    return feeds


@kernel
def end_of_text(data: Array, start: int, end: int, table: Array, in_characters: bool) -> int:
    """Where str.strip() ends the text data[start:end]."""
    while end > start:
        back = end - 1
        while data[back] & 0xC0 == 0x80:
            back -= 1
        point, _ = decode_valid(data, back)
        if not classes_of(table, point, in_characters) & SPACE:
            break
        end = back
    return end
