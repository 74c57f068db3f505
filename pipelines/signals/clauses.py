"""Clauses of a text that is counted in characters: how much of it is sentences, and how even they are.

Belongs here: the marks between clauses, counting while in_characters.py reads. Does not belong here:
ends of sentences (in_characters.py), thresholds (filtering/policies/*.yaml).

A title, a menu entry or a tag has no comma and no full stop; a sentence of more than a few words has.
So the tokens of lines with such a mark tell how much there is to read on a page of titles with one
motto. Question and exclamation marks say nothing: titles end in them. What stands in brackets does not
either: titles list their keywords there. Classical verse has clauses of one length.
"""

from __future__ import annotations

from typing import NamedTuple

from pipelines.kernels.compiled import inlined, int64
from pipelines.signals.characters import ALNUM, ALONE, END

MARKS = ",;、。—"
"""NFKC-folded; a full stop of ASCII is one too where a Han character stands before it."""
OPENING, CLOSING = "([{【", ")]}】"
EVEN = (4, 8)
"""Tokens of a clause of verse, fewest and most: lines of four, five and seven characters."""
LEAST_CLAUSES = 4  # in a text: fewer say nothing of evenness
_COMMA, _SEMICOLON, _LISTING, _STOP, _DASH = map(ord, MARKS)
_ROUND, _SQUARE, _CURLY, _LENTICULAR = map(ord, OPENING)
_ROUND_END, _SQUARE_END, _CURLY_END, _LENTICULAR_END = map(ord, CLOSING)
_DOT, _COLON = ord("."), ord(":")
_BITS, _MOST = 12, (1 << 12) - 1  # of a count in `sizes`; clauses that are counted


class Clauses(NamedTuple):
    """tokens: of lines with a mark; num: clauses, at most _MOST; sizes: how many have each length of
    EVEN, _BITS for each. Of what is being read: tokens before the line, and before the clause;
    whether the line has a mark; brackets that are open; whether the last character was a token by
    itself."""

    tokens: int
    num: int
    sizes: int
    line_first: int
    first: int
    marked: bool
    depth: int
    alone: bool


@inlined
def no_clauses() -> Clauses:
    """Before the first character."""
    return Clauses(int64(0), int64(0), int64(0), int64(0), int64(0), False, int64(0), False)


@inlined
def after_mark(clauses: Clauses, point: int, classes: int, num_tokens: int) -> Clauses:
    """The numbers after one more character that ends no line; `num_tokens`: tokens up to it."""
    tokens, num, sizes, line_first, first, marked, depth, alone = clauses
    if classes & ALNUM:
        return Clauses(tokens, num, sizes, line_first, first, marked, depth, (classes & ALONE) != 0)
    mark = point in (_COMMA, _SEMICOLON, _LISTING, _STOP, _DASH) or (point == _DOT and alone)
    if mark or point == _COLON or classes & END:
        num, sizes = with_clause(num, sizes, num_tokens - first)
        first = num_tokens
    if point in (_ROUND, _SQUARE, _CURLY, _LENTICULAR):
        depth += 1
    elif point in (_ROUND_END, _SQUARE_END, _CURLY_END, _LENTICULAR_END):
        depth = max(depth - 1, int64(0))
    marked = marked or (mark and depth == 0)
    return Clauses(tokens, num, sizes, line_first, first, marked, depth, False)


@inlined
def after_clause_line(clauses: Clauses, num_tokens: int) -> Clauses:
    """The numbers after the end of a line."""
    num, sizes = with_clause(clauses.num, clauses.sizes, num_tokens - clauses.first)
    tokens = clauses.tokens + (num_tokens - clauses.line_first if clauses.marked else int64(0))
    return Clauses(tokens, num, sizes, num_tokens, num_tokens, False, int64(0), False)


@inlined
def with_clause(num: int, sizes: int, length: int) -> tuple[int, int]:
    """(num, sizes) with one more clause of that many tokens; none of no token, none above _MOST."""
    if length > 0 and num < _MOST:
        num += 1
        if EVEN[0] <= length <= EVEN[1]:
            sizes += int64(1) << (_BITS * (length - EVEN[0]))
    return num, sizes


@inlined
def evenness(clauses: Clauses) -> float:
    """Share of clauses of the most frequent length of EVEN; 0 for fewer than LEAST_CLAUSES."""
    if clauses.num < LEAST_CLAUSES:
        return 0.0
    best = int64(0)
    for k in range(EVEN[1] - EVEN[0] + 1):
        best = max(best, (clauses.sizes >> (_BITS * k)) & _MOST)
    return best / clauses.num
