"""From what a text adds up to, to a row of columns.

Belongs here: the columns that both units fill by one formula. Does not belong here: those that
differ (in_words.py, in_characters.py write them).
"""

from __future__ import annotations

from typing import NamedTuple

from pipelines.kernels.compiled import Array, inlined
from pipelines.signals.columns import COUNT, SHARE
from pipelines.signals.lines import Lines
from pipelines.signals.paragraphs import Paragraphs


class Totals(NamedTuple):
    """Numbers of one text. tokens, and those with a letter, and the characters of all; chars of the
    text as it is counted, and of which kind; newlines; marks that rules count; sentences; a bit for
    each stop word."""

    tokens: int
    alphabetic_tokens: int
    token_chars: int
    chars: int
    newlines: int
    alphabetic: int
    alphanumeric: int
    digits: int
    han: int
    hashes: int
    ellipses: int
    brackets: int
    curly: int
    sentences: int
    stop_mask: int


@inlined
def bits_of(mask: int) -> int:
    """How many bits are set."""
    found = 0
    while mask:
        found += 1
        mask &= mask - 1
    return found


@inlined
def write_totals(
    totals: Totals,
    lines: Lines,
    split: int,
    doubled: int,
    paragraphs: Paragraphs,
    counts: Array,
    shares: Array,
) -> None:
    """Fill one row of counts (int32 [COUNT]) and of shares (float64 [SHARE]). `split`, `doubled`:
    Gopher's lines, those that were there before."""
    tokens, chars, num_lines = max(totals.tokens, 1), max(totals.chars, 1), max(lines.num, 1)
    counts[COUNT.num_tokens] = totals.tokens
    counts[COUNT.num_lines] = lines.num
    counts[COUNT.num_sentences] = totals.sentences
    counts[COUNT.stop_words] = bits_of(totals.stop_mask)
    counts[COUNT.max_line_length] = lines.longest
    shares[SHARE.hash_ratio] = totals.hashes / tokens
    shares[SHARE.ellipsis_ratio] = totals.ellipses / tokens
    shares[SHARE.terminal_lines] = lines.terminal / num_lines
    shares[SHARE.short_lines] = lines.short / num_lines
    shares[SHARE.readmore_lines] = lines.readmore / num_lines
    shares[SHARE.mean_line_length] = lines.chars / num_lines
    shares[SHARE.alphabetic_tokens] = totals.alphabetic_tokens / tokens
    shares[SHARE.duplicate_lines] = doubled / split
    shares[SHARE.duplicate_line_chars] = lines.doubled_chars / chars
    shares[SHARE.fineweb_duplicate_line_chars] = lines.fineweb_doubled_chars / max(chars - totals.newlines, 1)
    shares[SHARE.duplicate_paragraphs] = paragraphs.doubled / paragraphs.num
    shares[SHARE.duplicate_paragraph_chars] = paragraphs.doubled_chars / chars
    shares[SHARE.newline_ratio] = totals.newlines / tokens
    shares[SHARE.alphanumeric] = totals.alphanumeric / chars
    shares[SHARE.alphabetic] = totals.alphabetic / chars
    shares[SHARE.digits] = totals.digits / max(totals.alphanumeric, 1)
    shares[SHARE.han] = totals.han / max(totals.token_chars, 1)
    shares[SHARE.brackets] = totals.brackets / chars
    shares[SHARE.curly_brackets] = totals.curly / chars
    shares[SHARE.letters_per_token] = totals.alphabetic / tokens
