"""Structure that is taken as a whole: tables, the terms of definitions, formulas and code of their own.

Belongs here: which blocks join those that the model has chosen, or leave them. Does not belong here:
the model (extraction/blocks/), how structure is written (lines.py, tables.py).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pipelines.extraction.html import columns as col
from pipelines.extraction.html import tags
from pipelines.extraction.html.displayed import BEGINS, NO_FORMULA, formulas_in
from pipelines.extraction.markdown import containers as con
from pipelines.extraction.markdown.tables import DataTable, data_table

Array = np.ndarray[Any, Any]
MIN_SHARE = 0.3  # of a table's tokens that are chosen, from which the table is taken
NEAR = 3  # blocks from main text on each side, up to which a table or formula among it belongs to it
MIN_LAST = 3  # lines of code from which it belongs to the main text right before it
MIN_HEAD = 3  # columns with a head from which a table is data whatever its links
MAX_LINKED = 0.5  # share of a table's characters in links, up to which it joins the text around it


def whole_structure(
    data: bytes, elements: Array, blocks: Array, segments: Array, chosen: Array, inside: Array
) -> tuple[Array, dict[int, DataTable]]:
    """(the blocks to write, bool [n]; the data tables among them, by element)."""
    taken = chosen.copy()
    if not chosen.any():
        return taken, {}
    owners = blocks[:, col.B_ELEMENT]
    formulas = formulas_in(np.frombuffer(data, np.uint8), blocks, segments, True)
    _add_alike(taken, formulas != NO_FORMULA, elements, blocks)
    _add_formulas(taken, (formulas == BEGINS) | _shows_formula(blocks, segments))
    _add_code(taken, data, blocks, segments)
    _add_panels(taken, elements, blocks)
    _add_definitions(taken, blocks, elements[owners, col.E_KIND], inside[owners, con.DEFINITIONS])
    of_table = inside[owners, con.TABLE]
    tables: dict[int, DataTable] = {}
    if (of_table < 0).all():
        return taken, tables
    paths: set[int] = set()  # of tables that are taken
    places = np.flatnonzero(of_table >= 0)
    for element in np.unique(of_table[places]).tolist():
        of_this = places[of_table[places] == element]
        first, end = int(of_this[0]), int(of_this[-1]) + 1
        tokens = blocks[of_this, col.B_TOKENS]
        share = float(tokens[taken[of_this]].sum() / max(1, tokens.sum()))
        among = share < MIN_SHARE and int(elements[element, col.E_PATH]) in paths
        among |= share == 0 and (
            _is_among(taken, first, end) or _continues(taken, elements, owners, of_table, first, element)
        )
        if (share == 0 and not among) or len(of_this) != end - first:
            continue
        table = data_table(data, elements, blocks, inside, element, first, end)
        if table is None:
            continue
        chars = blocks[of_this, col.B_CHARS].sum()
        linked = blocks[of_this, col.B_LINKED].sum() > MAX_LINKED * chars and not _has_head(table)
        if among and (linked or len(table.cells) < 2):
            continue
        taken[of_this] = among or share >= MIN_SHARE
        if taken[first]:
            tables[element] = table
            paths.add(int(elements[element, col.E_PATH]))
    return taken, tables


def _is_among(taken: Array, first: int, end: int) -> bool:
    """Whether main text stands close by on both sides."""
    return bool(taken[max(0, first - NEAR) : first].any() and taken[end : end + NEAR].any())


def _continues(taken: Array, elements: Array, owners: Array, of_table: Array, first: int, table: int) -> bool:
    """Whether the block right before a table, or the table that it lies in, is main text and stands
    beside it in one element: so does the last part of an article."""
    if not first or not taken[first - 1]:
        return False
    parents = elements[:, col.E_PARENT]
    around = int(parents[of_table[first - 1] if of_table[first - 1] >= 0 else owners[first - 1]])
    above = int(parents[table])
    return around >= 0 and (around == above or (above >= 0 and around == int(parents[above])))


def _has_head(table: DataTable) -> bool:
    """Whether a table names its columns, three or more: links in it lead from data, not over the site."""
    return table.headed and sum(span for _, span in table.cells[0]) >= MIN_HEAD


def _shows_formula(blocks: Array, segments: Array) -> Array:
    """Whether each block has an element that shows a formula; bool [n]."""
    before = np.zeros(len(segments) + 1, np.int64)
    np.cumsum((segments[:, 2] & col.S_FORMULA) != 0, out=before[1:])
    shows: Array = before[blocks[:, col.B_LAST]] > before[blocks[:, col.B_FIRST]]
    return shows


def _add_formulas(taken: Array, holds: Array) -> None:
    """Blocks that hold a formula among main text."""
    for place in np.flatnonzero(holds & ~taken).tolist():
        if _is_among(taken, place, place + 1):
            taken[place] = True


def _add_code(taken: Array, data: bytes, blocks: Array, segments: Array) -> None:
    """Blocks of code among main text: preformatted text, and <code> of several lines."""
    holds = np.zeros(len(segments) + 1, np.int64)
    np.cumsum((segments[:, 2] & (col.S_PRE | col.S_CODE)) != 0, out=holds[1:])
    if not holds[-1]:
        return
    some = (holds[blocks[:, col.B_LAST]] > holds[blocks[:, col.B_FIRST]]) & ~taken
    for place in np.flatnonzero(some).tolist():
        runs = segments[blocks[place, col.B_FIRST] : blocks[place, col.B_LAST]].tolist()
        if not _is_among(taken, place, place + 1):
            ends = runs[0][2] & col.S_PRE and place and taken[place - 1]  # behind the last paragraph
            taken[place] = bool(ends) and _num_lines(data[runs[0][0] : runs[-1][1]]) >= MIN_LAST
            continue
        if runs[0][2] & col.S_PRE or (
            any(flags & col.S_BREAK for _, _, flags in runs[1:])
            and all(flags & col.S_CODE or data[start:end].isspace() for start, end, flags in runs)
        ):
            taken[place] = True


def _add_alike(taken: Array, formulas: Array, elements: Array, blocks: Array) -> None:
    """Code and what holds formulas, without links, at the path of others of their kind that are taken:
    of the next answer, or of the last example."""
    owners = blocks[:, col.B_ELEMENT]
    paths, plain = elements[owners, col.E_PATH], blocks[:, col.B_LINKED] == 0
    for kind in (formulas, elements[owners, col.E_KIND] == tags.PRE):
        left = np.flatnonzero(kind & plain & ~taken) if kind.any() else ()
        if len(left):
            of_taken = set(paths[kind & taken].tolist())
            taken[[i for i in left if paths[i] in of_taken]] = True


def _add_panels(taken: Array, elements: Array, blocks: Array) -> None:
    """Code right before code that is taken, in panels of one element, such as those of tabs."""
    owners = blocks[:, col.B_ELEMENT]
    parents = elements[:, col.E_PARENT]
    is_code = elements[owners, col.E_KIND] == tags.PRE
    above = parents[parents[owners]]
    pairs = is_code[:-1] & is_code[1:] & (above[:-1] == above[1:]) & (above[:-1] > 0) & ~taken[:-1]
    for place in np.flatnonzero(pairs)[::-1].tolist():
        taken[place] = taken[place + 1]


def _num_lines(markup: bytes) -> int:
    return 1 + sum(map(markup.count, (b"\n", b"<br", b"</tr")))


def _add_definitions(taken: Array, blocks: Array, kinds: Array, lists: Array) -> None:
    """The terms of definitions that are taken."""
    for place in np.flatnonzero((kinds == tags.DT) & (lists >= 0) & ~taken)[::-1].tolist():
        if place + 1 < len(taken) and taken[place + 1] and lists[place + 1] == lists[place]:
            taken[place] = True
