"""Tables of data -> rows between pipes.

Belongs here: which table holds data and which only arranges a page, its rows. Does not belong here:
the text of a cell (inline.py), which tables are main text (whole.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipelines.extraction.html import columns as col
from pipelines.extraction.html import tags
from pipelines.extraction.markdown import containers as con

Array = np.ndarray[Any, Any]
MAX_CELL_CHARS = 1500  # visible characters of a cell; a longer one holds text of its own
MAX_CELL_BLOCKS = 12
MIN_PARTS = 3  # blocks of a cell that may hold a page's text
MOST = 0.5  # share of the characters of a table without heads, above which such a cell does
MAX_SPAN = 50  # columns of one cell
MAX_ROWS = 65534  # of one cell, as in browsers
NO_CELL = -1
MIN_WITH_FORMS = 3  # rows of a table with forms in its cells
MIN_REGULAR = 0.5  # share of the rows that have the width which is most frequent
_NOT_IN_DATA = (
    tags.TABLE,
    tags.NAV,
    tags.ARTICLE,
    tags.MAIN,
    tags.HEADER,
    tags.FOOTER,
    tags.ASIDE,
)
_SPAN = re.compile(rb"\b(?:aria-)?colspan\s{0,3}=\s{0,3}[\"']?(\d{1,2})", re.IGNORECASE)
_ROWS = re.compile(rb"\b(?:aria-)?rowspan\s{0,3}=\s{0,3}[\"']?(\d{1,4})", re.IGNORECASE)
_HEAD = re.compile(rb"<th\b|[^>]{1,999}?\brole\s{0,3}=\s{0,3}[\"']?columnheader", re.IGNORECASE)
# a table that only sets text, or (of LaTeXML) the parts of equations, side by side
_LAYOUT = re.compile(rb"\bltx_eqn_table\b|\brole\s{0,3}=\s{0,3}[\"']?(?:presentation|none)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class DataTable:
    """`cells`: elements of the cells, row by row, with the columns that each spans (NO_CELL: a place
    that a cell of a row above takes); `first` and `end`: its blocks, those behind the last excluded."""

    element: int
    cells: list[list[tuple[int, int]]]
    headed: bool
    first: int
    end: int


def data_table(
    data: bytes, elements: Array, blocks: Array, inside: Array, element: int, first: int, end: int
) -> DataTable | None:
    """The table of an element whose blocks are first to end; None where it only arranges a page."""
    if _LAYOUT.search(_tag(data, elements, element)):
        return None
    last = element + 1
    stop = elements.shape[0]
    depth = elements[element, col.E_DEPTH]
    while last < stop and elements[last, col.E_DEPTH] > depth:
        last += 1
    kinds = elements[element + 1 : last, col.E_KIND]
    if np.isin(kinds, _NOT_IN_DATA).any():
        return None
    places = np.flatnonzero(kinds == tags.TD) + element + 1
    rows: dict[int, list[int]] = {}
    for cell in places.tolist():
        rows.setdefault(int(inside[cell, con.ROW]), []).append(cell)
    if not rows or -1 in rows:
        return None
    tags_of = {cell: _tag(data, elements, cell) for cell in places.tolist()}
    cells = _grid(list(rows.values()), tags_of)
    widths = [sum(span for _, span in row) for row in cells]
    width = max(set(widths), key=lambda w: (widths.count(w), w))
    if max(map(len, rows.values())) < 2 or widths.count(width) < MIN_REGULAR * len(widths):
        return None
    headed = all(_HEAD.match(tags_of[cell]) for cell, _ in cells[0])
    heads = any(_HEAD.match(tags_of[row[0]]) for row in rows.values())
    if len(cells) < 2 and not heads:
        return None
    if len(cells) < MIN_WITH_FORMS and (kinds == tags.FORM).any():
        return None
    owners = inside[blocks[first:end, col.B_ELEMENT], con.CELL]
    chars = blocks[first:end, col.B_CHARS]
    for cell in np.unique(owners[owners >= 0]):
        of_cell = owners == cell
        size, parts = chars[of_cell].sum(), of_cell.sum()
        if size > MAX_CELL_CHARS or parts > MAX_CELL_BLOCKS:
            return None
        if not heads and parts >= MIN_PARTS and size > MOST * chars.sum():
            return None  # a page's text beside its menu
    return DataTable(element, cells, headed and len(cells) > 1, first, end)


def table_lines(
    table: DataTable, texts: Callable[[int], str], apart: Callable[[list[int]], list[str]]
) -> list[str]:
    """The rows of a table that hold anything; `texts` gives the text of a cell by its element, `apart` the
    lines of a row that is not written between pipes ([]: it is), by the elements of its cells."""
    lines: list[str] = []
    for number, row in enumerate(table.cells):
        of_row = apart([cell for cell, _ in row if cell != NO_CELL])
        if of_row:
            lines += of_row
            continue
        shown: list[str] = []
        for cell, span in row:
            text = texts(cell) if cell != NO_CELL else ""
            shown += [text.replace("\n", " ").replace("|", "\\|"), *[""] * (span - 1)]
        if not any(shown):
            continue
        lines.append("| " + " | ".join(shown) + " |")
        if not number and table.headed:
            lines.append("|" + " --- |" * sum(span for _, span in row))
    return lines


def _grid(rows: list[list[int]], tags_of: dict[int, bytes]) -> list[list[tuple[int, int]]]:
    """The rows with the columns that each cell spans, and NO_CELL where one of a row above goes on."""
    taken: dict[int, int] = {}  # of a column: the rows yet to come that a cell above takes
    grid = []
    for row in rows:
        cells: list[tuple[int, int]] = []
        column = 0
        for cell in row:
            column = _skip_taken(taken, cells, column)
            span, down = _SPAN.search(tags_of[cell]), _ROWS.search(tags_of[cell])
            width = min(MAX_SPAN, max(1, int(span[1]))) if span else 1
            height = (int(down[1]) or MAX_ROWS) if down else 1  # 0: to the end of the table
            if height > 1:
                taken |= dict.fromkeys(range(column, column + width), height)
            cells.append((cell, width))
            column += width
        _skip_taken(taken, cells, column)
        taken = {place: left - 1 for place, left in taken.items() if left > 1}
        grid.append(cells)
    return grid


def _skip_taken(taken: dict[int, int], cells: list[tuple[int, int]], column: int) -> int:
    """The next column that no cell of a row above takes; the others are NO_CELL in `cells`."""
    while column in taken:
        cells.append((NO_CELL, 1))
        column += 1
    return column


def _tag(data: bytes, elements: Array, element: int) -> bytes:
    start = int(elements[element, col.E_START])
    end = data.find(b">", start, start + 1000)
    return data[start : end if end >= 0 else start + 1000]
