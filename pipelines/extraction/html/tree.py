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

from pipelines.extraction.html.attributes import (
    CLOSES_ITSELF,
    HIDES,
    HIDES_LINE,
    HOLDS_TEX,
    IS_CELL,
    IS_CODE,
    IS_FORMULA,
    IS_GUTTER,
    IS_INLINE,
    IS_LINE_ID,
    IS_LINES,
    IS_MAIN,
    IS_ROW,
    IS_SHOWN,
    IS_SOURCE,
    IS_TABLE,
    IS_TEX,
    LINKS,
    attributes,
    is_formula_image,
)
from pipelines.extraction.html.code_marks import begins_with_line, is_text_alone, noscript_is_read
from pipelines.extraction.html.columns import (
    C_BLOCKS,
    C_DEPTH,
    C_ELEMENTS,
    C_HTML,
    C_METAS,
    C_NOSCRIPT,
    C_SEGMENTS,
    E_KIND,
    E_PARENT,
    E_PATH,
    FOREIGN,
    NUM_BLOCK_COLUMNS,
    NUM_COUNTS,
    NUM_ELEMENT_COLUMNS,
    NUM_OPEN_COLUMNS,
    S_BREAK,
    S_CODE,
    S_FORMULA,
    S_LINK,
    S_PLAIN,
    S_PRE,
    S_SUB,
    S_SUP,
    SKIPPED,
)
from pipelines.extraction.html.markup import asks, skip_declaration, skip_raw, tag_name
from pipelines.extraction.html.nesting import depth_after_end, depth_before_start
from pipelines.extraction.html.rows import (
    MAX_BLOCKS,
    MAX_ELEMENTS,
    add_element,
    add_segment,
    close_block,
    count_formula,
    doubled,
    heads,
    open_block,
    read_raw,
)
from pipelines.extraction.html.runs import end_word, read_text, skip_text
from pipelines.extraction.html.tags import (
    BODY,
    BR,
    BUTTON_NAME,
    CODE,
    CUSTOM,
    DESC_NAME,
    DIV,
    FNV,
    FOREIGN_OBJECT_NAME,
    FORMULA,
    HR,
    HTML,
    IMAGE,
    INLINE,
    LI,
    LIST,
    MAIN,
    META,
    NOSCRIPT,
    NOSCRIPT_NAME,
    PLAINTEXT,
    PRE,
    PRIME,
    RAW,
    READING,
    SKIP,
    SUB,
    SUP,
    SVG_NAME,
    TABLE,
    TAG_HASHES,
    TAG_KINDS,
    TAG_SLOTS,
    TD,
    TH_NAME,
    TITLE,
    TR,
    VOID,
    XMP_NAME,
    A,
    P,
    is_block,
    look_up,
)
from pipelines.kernels.compiled import Array, kernel

MAX_DEPTH = 512  # open elements; below, tags are text borders only
MAX_METAS = 64  # meta tags that are read


@kernel
def parse(data: Array, title_words: Array, with_noscript: bool) -> tuple[Array, Array, Array, Array, Array]:
    """(elements, blocks, segments, metas, counts) of UTF-8 markup (uint8 [n]).

    elements int64 [e, 6], blocks int64 [b, 17], segments int64 [s, 3] and counts int64 [7]:
    columns.py. metas int64 [m]: where `<meta` tags start. `title_words`: sorted hashes of the
    title's words (runs.py; uint64), counted in each block. `with_noscript`: whether noscript
    elements hold text, as where no script runs.
    """
    n = data.size
    elements = np.zeros((1024, NUM_ELEMENT_COLUMNS), np.int64)
    blocks = np.zeros((1024, NUM_BLOCK_COLUMNS), np.int64)
    segments = np.zeros((4096, 3), np.int64)
    metas = np.zeros(MAX_METAS, np.int64)
    counts = np.zeros(NUM_COUNTS, np.int64)
    counts[C_HTML] = -1
    kinds = np.zeros(MAX_DEPTH, np.int64)
    names = np.zeros(MAX_DEPTH, np.uint64)
    flags = np.zeros(MAX_DEPTH, np.int64)
    in_line = np.zeros(MAX_DEPTH, np.bool_)  # block-level, but declared inline
    owners = np.zeros(MAX_DEPTH, np.int64)  # the nearest block-level element
    depth, num_segments, num_elements = 1, 0, 1
    kinds[0] = elements[0, E_KIND] = BODY
    elements[0, E_PARENT], elements[0, E_PATH] = -1, 1
    block = np.zeros(NUM_OPEN_COLUMNS, np.int64)
    open_block(block, 0, False)
    breaks, after_break = 0, False  # line breaks since the last text
    numbered = False  # whether a cell of line numbers stands in the open row
    formula, formula_start = 0, 0  # place of the open element that shows a formula (0: none)
    at = 0
    while at < n:
        if num_segments + 3 >= segments.shape[0]:
            segments = doubled(segments)
        # text up to the next tag
        start, flag = at, flags[depth - 1]
        skipped, in_pre, linked = (flag & SKIPPED) != 0, (flag & S_PRE) != 0, (flag & S_LINK) != 0
        if skipped:
            at = skip_text(data, at)
        else:
            at, seen = read_text(data, at, linked, title_words, block)
            if at > start:
                broken = S_BREAK if after_break else 0
                num_segments = add_segment(segments, num_segments, start, at, flag | broken)
                counts[C_SEGMENTS] += 1
            if seen:
                breaks, after_break = 0, False
        if at >= n:
            break
        # a tag: its name and attributes
        tag_start = at
        at += 1
        if data[at] == 33 or data[at] == 63:
            at = skip_declaration(data, at, (flag & FOREIGN) != 0)
            continue
        ending = data[at] == 47
        name_start = at + ending
        name_end, name, dashed = tag_name(data, name_start)
        found = look_up(TAG_HASHES, TAG_SLOTS, name)
        kind = TAG_KINDS[found] if found >= 0 else (CUSTOM if dashed else INLINE)
        at, groups, path, says = attributes(data, name_end)
        # tags that hold no text of the page, and formulas in one tag
        if kind == NOSCRIPT:
            kind = INLINE if with_noscript or ending or noscript_is_read(data, at) else RAW
        shows_formula = False
        if kind == RAW or kind == TITLE:
            if not ending and not says & CLOSES_ITSELF:
                raw_start = at
                at = skip_raw(data, at, name_start, name_end)
                if name == NOSCRIPT_NAME:
                    counts[C_NOSCRIPT] += at - raw_start
                shows_formula = (says & IS_FORMULA) != 0
                shows_code = name == XMP_NAME or (says & IS_SOURCE and path != FNV)  # of a class
                if shows_code and not skipped and not in_pre and num_elements < MAX_ELEMENTS:
                    if counts[C_BLOCKS] + 1 >= blocks.shape[0] and blocks.shape[0] < MAX_BLOCKS:
                        blocks = doubled(blocks)
                    owner = owners[depth - 1]
                    close_block(block, owner, num_segments, title_words, blocks, counts)
                    open_block(block, num_segments, False)
                    if num_elements == elements.shape[0]:
                        elements = doubled(elements)
                    path = (((np.uint64(elements[owner, E_PATH]) ^ name) * PRIME) ^ path) * PRIME
                    add_element(elements, num_elements, owner, PRE, path, groups, tag_start)
                    num_segments = add_segment(segments, num_segments, raw_start, at, flag | S_PRE | S_PLAIN)
                    counts[C_SEGMENTS] += 1
                    counts[C_ELEMENTS] += 1
                    read_raw(data, raw_start, at, title_words, block)
                    close_block(block, num_elements, num_segments, title_words, blocks, counts)
                    num_elements += 1
                    open_block(block, num_segments, False)
                    breaks, after_break = 0, False
        elif kind == IMAGE:
            shows_formula = is_formula_image(data, name_end, at)
        if shows_formula and not skipped and not in_pre:
            broken = S_FORMULA | S_BREAK if after_break else S_FORMULA
            num_segments = add_segment(segments, num_segments, tag_start, min(at, n), flag | broken)
            counts[C_SEGMENTS] += 1
            count_formula(block, linked, data, tag_start, min(at, n), title_words)
            breaks, after_break = 0, False
        if kind == RAW or kind == TITLE or kind == IMAGE or kind == VOID:
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
        if (kind == BODY and ending) or (kind == BR and skipped):
            continue
        if (
            says & (IS_TABLE | IS_ROW | IS_CELL)
            and not ending
            and (kind == DIV or kind == INLINE or kind == LIST or kind == LI)
        ):
            kind = TABLE if says & IS_TABLE else (TR if says & IS_ROW else TD)
        # elements end
        if kind == TR or kind == TABLE:
            numbered = False
        gutter = kind == TD and not ending and not in_pre
        gutter = gutter and (says & IS_GUTTER or (says & IS_LINE_ID and name == TH_NAME)) != 0
        shows_code = (says & IS_CODE) != 0 or ((says & IS_LINES) != 0 and begins_with_line(data, at))
        if not ending and ((shows_code and is_block(kind)) or (kind == TD and numbered and not gutter)):
            kind = PRE
        numbered |= gutter
        block_level, nests = is_block(kind), kind != BR and kind != HR and kind != BODY
        is_inline = (says & IS_INLINE) != 0 and (kind == DIV or kind == P)
        last_owner, last_depth = owners[depth - 1], depth
        if nests and ending:
            depth = depth_after_end(kinds, names, flags, depth, kind, name)
            is_inline = depth < last_depth and in_line[depth]
        elif nests and not (formula and block_level):
            if block_level and flag & FOREIGN:  # SVG ends where a page goes on
                while depth > 1 and flags[depth - 1] & FOREIGN:
                    depth -= 1
            depth = depth_before_start(kinds, depth, kind)
        if formula and depth <= formula:
            broken = S_FORMULA | S_BREAK if after_break else S_FORMULA
            end = at if ending and depth == formula else tag_start
            inherited = flags[formula - 1]
            num_segments = add_segment(segments, num_segments, formula_start, end, inherited | broken)
            counts[C_SEGMENTS] += 1
            count_formula(block, (inherited & S_LINK) != 0, data, formula_start, end, title_words)
            formula, breaks, after_break = 0, 0, False
        # the open block ends at block-level tags, at a second line break, and where code ends
        if kind == BR:
            end_word(block, title_words)
            breaks, after_break = breaks + 1, True
            splits = breaks >= 2 and not in_pre and not flag & S_CODE
        elif in_pre:
            splits = not flags[depth - 1] & S_PRE
        else:
            still_skipped = skipped and flags[depth - 1] & SKIPPED
            ends_block = ending and depth < last_depth and is_block(kinds[depth])
            splits = (block_level or ends_block) and not is_inline and not formula and not still_skipped
        if splits:
            if counts[C_BLOCKS] == blocks.shape[0] and blocks.shape[0] < MAX_BLOCKS:
                blocks = doubled(blocks)
            close_block(block, last_owner, num_segments, title_words, blocks, counts)
            open_block(block, num_segments, kind == BR)
            breaks, after_break = 0, False
        # elements begin
        if kind == PLAINTEXT and not ending:
            if counts[C_BLOCKS] == blocks.shape[0] and blocks.shape[0] < MAX_BLOCKS:
                blocks = doubled(blocks)
            close_block(block, last_owner, num_segments, title_words, blocks, counts)
            open_block(block, num_segments, False)
            break
        if not nests or ending:
            continue
        if says & CLOSES_ITSELF and (kind != SKIP or name == SVG_NAME or flags[depth - 1] & FOREIGN):
            continue
        if depth >= MAX_DEPTH:
            counts[C_DEPTH] += 1
            continue
        owner, flag = owners[depth - 1], flags[depth - 1]
        if (block_level or kind == CUSTOM) and not is_inline and not formula and not flag & S_PRE:
            counts[C_ELEMENTS] += 1
            if num_elements < MAX_ELEMENTS:
                if num_elements == elements.shape[0]:
                    elements = doubled(elements)
                path = (((np.uint64(elements[owner, E_PATH]) ^ name) * PRIME) ^ path) * PRIME
                of_kind = MAIN if says & IS_MAIN else kind
                add_element(elements, num_elements, owner, of_kind, path, groups, tag_start)
                owner = num_elements
                num_elements += 1
        if kind == A and says & LINKS:
            flag |= S_LINK
        elif kind == SUP:
            flag |= S_SUP
        elif kind == SUB:
            flag |= S_SUB
        elif kind == CODE:
            flag |= S_CODE
        elif kind == PRE:
            flag |= S_PRE
        holds_formula = kind == FORMULA or (says & IS_FORMULA != 0 and kind != PRE)
        holds_formula |= says & HOLDS_TEX != 0 and kind != TD
        holds_formula |= says & IS_TEX != 0 and kind == INLINE and is_text_alone(data, at)
        if holds_formula:
            if not flag & (SKIPPED | S_PRE):
                formula, formula_start = depth, tag_start
            flag |= SKIPPED
        if kind == FORMULA or name == SVG_NAME:
            flag |= FOREIGN
        elif name == FOREIGN_OBJECT_NAME or name == DESC_NAME:  # HTML within SVG
            flag &= ~FOREIGN
        opens_panel = name == BUTTON_NAME and (heads(elements, owner) or asks(data, at))
        unseen = (kind == SKIP and not opens_panel) or says & HIDES != 0
        if kind == READING or gutter or (unseen and not says & IS_SHOWN):
            flag |= SKIPPED
        if says & HIDES_LINE and (not block_level or kind == P):  # larger parts are shown once loaded
            flag |= SKIPPED
        kinds[depth], names[depth], flags[depth], owners[depth] = kind, name, flag, owner
        in_line[depth] = is_inline
        depth += 1
    if formula:
        inherited = flags[formula - 1]
        num_segments = add_segment(segments, num_segments, formula_start, n, inherited | S_FORMULA)
        count_formula(block, (inherited & S_LINK) != 0, data, formula_start, n, title_words)
    if at < n:  # behind <plaintext> nothing is a tag
        num_segments = add_segment(segments, num_segments, at, n, S_PRE | S_PLAIN)
        read_raw(data, at, n, title_words, block)
    if counts[C_BLOCKS] == blocks.shape[0] and blocks.shape[0] < MAX_BLOCKS:
        blocks = doubled(blocks)
    close_block(block, owners[depth - 1], num_segments, title_words, blocks, counts)
    num_blocks = min(counts[C_BLOCKS], MAX_BLOCKS)
    return (
        elements[:num_elements],
        blocks[:num_blocks],
        segments[:num_segments],
        metas[: counts[C_METAS]],
        counts,
    )
