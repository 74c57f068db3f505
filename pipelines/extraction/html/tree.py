"""UTF-8 markup -> elements and blocks of text, in one compiled pass.

Belongs here: the stack of open elements and the open block, and what each tag does to them. Does
not belong here: reading characters and tags (markup.py), counts (runs.py), implied end tags
(nesting.py), which blocks are main text (blocks/), titles and dates (page_metadata.py).

A block is a run of text between the starts and ends of block-level elements, or two line breaks.
The rules are those of the HTML standard that decide where text belongs: raw text elements, void
elements, end tags that are implied, comments. Nothing recurses and nothing grows without bound:
markup of n bytes costs O(n), and elements, blocks, segments and depth are bounded.
"""

# ruff: noqa: SIM109 (compiled code compares faster one by one)
from __future__ import annotations

import numpy as np

from pipelines.extraction.html.columns import (
    B_CHARS,
    B_ELEMENT,
    B_FIRST,
    B_HASH,
    B_LAST,
    B_SPLIT,
    B_WORD,
    C_BLOCKS,
    C_DEPTH,
    C_ELEMENTS,
    C_HTML,
    C_METAS,
    C_SEGMENTS,
    E_DEPTH,
    E_KIND,
    E_OWN,
    E_PARENT,
    E_PATH,
    NUM_BLOCK_COLUMNS,
    NUM_ELEMENT_COLUMNS,
    NUM_OPEN_COLUMNS,
    S_BREAK,
    S_LINK,
    S_PRE,
    SKIPPED,
)
from pipelines.extraction.html.markup import (
    CLOSES_ITSELF,
    HIDES,
    IS_MAIN,
    LINKS,
    attributes,
    skip_declaration,
    skip_raw,
    tag_name,
)
from pipelines.extraction.html.nesting import depth_after_end, depth_before_start
from pipelines.extraction.html.runs import end_word, read_text, skip_text
from pipelines.extraction.html.tags import (
    BODY,
    BR,
    CUSTOM,
    FNV,
    HR,
    HTML,
    INLINE,
    MAIN,
    META,
    PRE,
    PRIME,
    RAW,
    SKIP,
    TAG_HASHES,
    TAG_KINDS,
    TITLE,
    VOID,
    A,
    find,
    is_block,
)
from pipelines.kernels.compiled import Array, kernel, leaf

MAX_ELEMENTS = 60_000  # block-level elements that are opened; what follows is left out
MAX_BLOCKS = 20_000  # blocks that are kept; what follows is left out
MAX_SEGMENTS = 120_000  # runs of text between any two tags
MAX_DEPTH = 512  # open elements; below, tags are text borders only
MAX_METAS = 64  # meta tags that are read


@kernel
def _doubled(rows: Array) -> Array:
    """The rows, and as many empty ones behind them."""
    wider = np.zeros((2 * rows.shape[0], rows.shape[1]), np.int64)
    wider[: rows.shape[0]] = rows
    return wider


@leaf
def _open_block(block: Array, first_segment: int, split: bool) -> None:
    """The open block is a new one that holds nothing."""
    for k in range(NUM_OPEN_COLUMNS):
        block[k] = 0
    block[B_FIRST], block[B_SPLIT] = first_segment, split
    block[B_WORD] = block[B_HASH] = np.int64(FNV)


@leaf
def _close_block(
    block: Array, element: int, last_segment: int, title_words: Array, blocks: Array, counts: Array
) -> None:
    """The open block is written behind `blocks` (where there is room for one), if it holds anything
    and the bound allows it."""
    end_word(block, title_words)
    if block[B_CHARS]:
        block[B_ELEMENT], block[B_LAST] = element, last_segment
        if counts[C_BLOCKS] < MAX_BLOCKS:
            for k in range(NUM_BLOCK_COLUMNS):
                blocks[counts[C_BLOCKS], k] = block[k]
        counts[C_BLOCKS] += 1


@kernel
def parse(data: Array, title_words: Array) -> tuple[Array, Array, Array, Array, Array]:
    """(elements, blocks, segments, metas, counts) of UTF-8 markup (uint8 [n]).

    elements int64 [e, 5], blocks int64 [b, 17], segments int64 [s, 3] and counts int64 [6]:
    columns.py. metas int64 [m]: where `<meta` tags start. `title_words`: sorted hashes of the
    title's words (runs.py; uint64), counted in each block.
    """
    n = data.size
    elements = np.zeros((1024, NUM_ELEMENT_COLUMNS), np.int64)
    blocks = np.zeros((1024, NUM_BLOCK_COLUMNS), np.int64)
    segments = np.zeros((4096, 3), np.int64)
    metas = np.zeros(MAX_METAS, np.int64)
    counts = np.zeros(6, np.int64)
    counts[C_HTML] = -1
    kinds = np.zeros(MAX_DEPTH, np.int64)
    names = np.zeros(MAX_DEPTH, np.uint64)
    flags = np.zeros(MAX_DEPTH, np.int64)
    owners = np.zeros(MAX_DEPTH, np.int64)  # the nearest block-level element
    depth, num_segments, num_elements = 1, 0, 1
    kinds[0] = elements[0, E_KIND] = BODY
    elements[0, E_PARENT], elements[0, E_PATH] = -1, 1
    block = np.zeros(NUM_OPEN_COLUMNS, np.int64)
    _open_block(block, 0, False)
    breaks, after_break = 0, False  # line breaks since the last text
    at = 0
    while at < n:
        # text up to the next tag
        start, flag = at, flags[depth - 1]
        skipped = (flag & SKIPPED) != 0
        if skipped:
            at = skip_text(data, at)
        else:
            at, seen = read_text(data, at, (flag & S_LINK) != 0, title_words, block)
            if at > start:
                if num_segments < MAX_SEGMENTS:
                    if num_segments == segments.shape[0]:
                        segments = _doubled(segments)
                    segments[num_segments, 0], segments[num_segments, 1] = start, at
                    segments[num_segments, 2] = flag | (S_BREAK if after_break else 0)
                    num_segments += 1
                counts[C_SEGMENTS] += 1
            if seen:
                breaks, after_break = 0, False
        if at >= n:
            break
        # a tag: its name and attributes
        tag_start = at
        at += 1
        if data[at] == 33 or data[at] == 63:
            at = skip_declaration(data, at)
            continue
        ending = data[at] == 47
        name_start = at + ending
        name_end, name, dashed = tag_name(data, name_start)
        found = find(TAG_HASHES, name)
        kind = TAG_KINDS[found] if found >= 0 else (CUSTOM if dashed else INLINE)
        at, groups, path, says = attributes(data, name_end)
        # tags that hold no text of the page
        if kind == RAW or kind == TITLE:
            if not ending and not says & CLOSES_ITSELF:
                at = skip_raw(data, at, name_start, name_end)
            continue
        if kind == META:
            if not ending and counts[C_METAS] < MAX_METAS:
                metas[counts[C_METAS]] = tag_start
                counts[C_METAS] += 1
            continue
        if kind == HTML:
            if not ending and counts[C_HTML] < 0:
                counts[C_HTML] = tag_start
            continue
        if kind == VOID or (kind == BODY and ending) or (kind == BR and skipped):
            continue
        # the open block ends at block-level tags, and at a second line break
        block_level = is_block(kind)
        if kind == BR:
            end_word(block, title_words)
            breaks, after_break = breaks + 1, True
        if block_level or (breaks >= 2 and kind == BR and not flag & S_PRE):
            if counts[C_BLOCKS] == blocks.shape[0] and blocks.shape[0] < MAX_BLOCKS:
                blocks = _doubled(blocks)
            _close_block(block, owners[depth - 1], num_segments, title_words, blocks, counts)
            _open_block(block, num_segments, kind == BR)
            breaks, after_break = 0, False
        if kind == BR or kind == HR or kind == BODY:
            continue
        # elements end and begin
        if ending:
            depth = depth_after_end(kinds, names, flags, depth, kind, name)
            continue
        if not (block_level and skipped):
            depth = depth_before_start(kinds, depth, kind)
        if says & CLOSES_ITSELF:
            continue
        if depth >= MAX_DEPTH:
            counts[C_DEPTH] += 1
            continue
        owner = owners[depth - 1]
        if block_level:
            counts[C_ELEMENTS] += 1
            if num_elements < MAX_ELEMENTS:
                if num_elements == elements.shape[0]:
                    elements = _doubled(elements)
                above = (np.uint64(elements[owner, E_PATH]) ^ name) * PRIME
                elements[num_elements, E_PATH] = np.int64((above ^ path) * PRIME)
                elements[num_elements, E_KIND] = MAIN if says & IS_MAIN else kind
                elements[num_elements, E_DEPTH] = elements[owner, E_DEPTH] + 1
                elements[num_elements, E_PARENT], elements[num_elements, E_OWN] = owner, groups
                owner = num_elements
                num_elements += 1
        flag = flags[depth - 1]
        if kind == A and says & LINKS:
            flag |= S_LINK
        if kind == PRE:
            flag |= S_PRE
        if kind == SKIP or says & HIDES:
            flag |= SKIPPED
        kinds[depth], names[depth], flags[depth], owners[depth] = kind, name, flag, owner
        depth += 1
    if counts[C_BLOCKS] == blocks.shape[0] and blocks.shape[0] < MAX_BLOCKS:
        blocks = _doubled(blocks)
    _close_block(block, owners[depth - 1], num_segments, title_words, blocks, counts)
    num_blocks = min(counts[C_BLOCKS], MAX_BLOCKS)
    return (
        elements[:num_elements],
        blocks[:num_blocks],
        segments[:num_segments],
        metas[: counts[C_METAS]],
        counts,
    )
