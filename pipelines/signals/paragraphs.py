"""Paragraphs of a stripped text: two line feeds or more close one; a single one is part of it.

Belongs here: the paragraph that is being read, and those that were there before. Does not belong
here: lines (lines.py).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pipelines.kernels.compiled import Value, inlined, int64, kernel
from pipelines.kernels.hashing64 import FNV_START, avalanche
from pipelines.signals.hash_set import PARAGRAPH, HashSet, mix, seen
from pipelines.signals.lines import LINE_FEED


class Paragraphs(NamedTuple):
    """num: closed; doubled, doubled_chars: those that were there before. Of the one that is being
    read: hash, chars, feeds (line feeds behind its last character)."""

    num: int
    doubled: int
    doubled_chars: int
    hash: np.uint64
    chars: int
    feeds: int


@inlined
def no_paragraphs() -> Paragraphs:
    """Before the first character."""
    none = int64(0)
    return Paragraphs(none, none, none, FNV_START, none, none)


@inlined
def closed(paragraphs: Paragraphs, hashes: HashSet) -> Paragraphs:
    """The numbers after the paragraph that is being read ends."""
    doubled, doubled_chars = paragraphs.doubled, paragraphs.doubled_chars
    if paragraphs.chars and seen(hashes, avalanche(paragraphs.hash ^ PARAGRAPH)):
        doubled += 1
        doubled_chars += paragraphs.chars
    return Paragraphs(paragraphs.num + 1, doubled, doubled_chars, FNV_START, int64(0), int64(0))


@inlined
def after_feed(paragraphs: Paragraphs) -> Paragraphs:
    """The numbers after a line feed within the text."""
    return Paragraphs(
        paragraphs.num,
        paragraphs.doubled,
        paragraphs.doubled_chars,
        paragraphs.hash,
        paragraphs.chars,
        paragraphs.feeds + 1,
    )


@inlined
def extended(paragraphs: Paragraphs, value: Value, chars: int) -> Paragraphs:
    """The numbers after a character or word, hashed as `value`, that no line feed precedes."""
    return Paragraphs(
        paragraphs.num,
        paragraphs.doubled,
        paragraphs.doubled_chars,
        mix(paragraphs.hash, value),
        paragraphs.chars + chars,
        int64(0),
    )


@kernel
def _after_feeds(paragraphs: Paragraphs, hashes: HashSet) -> Paragraphs:
    """The numbers where text follows the line feeds."""
    return closed(paragraphs, hashes) if paragraphs.feeds >= 2 else extended(paragraphs, LINE_FEED, 1)


@inlined
def after_text(paragraphs: Paragraphs, value: Value, chars: int, hashes: HashSet) -> Paragraphs:
    """The numbers after a character or word, hashed as `value`."""
    if paragraphs.feeds:
        paragraphs = _after_feeds(paragraphs, hashes)
    return extended(paragraphs, value, chars)
