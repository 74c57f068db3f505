"""Chosen blocks -> the text of a page in light Markdown.

Belongs here: the order of lines, list markers, empty lines, lines that are left out. Does not belong
here: text within a block (inline.py), code (code.py), rows (tables.py), which blocks are main text
(extraction/blocks/).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np

from pipelines.extraction.html import columns as col
from pipelines.extraction.html import tags
from pipelines.extraction.markdown import containers as con
from pipelines.extraction.markdown.code import (
    Code,
    code_of,
    fenced,
    is_line_numbers,
    is_prose,
    label_of,
    raw_code,
    split_tag,
)
from pipelines.extraction.markdown.inline import Notation, inline_text
from pipelines.extraction.markdown.tables import DataTable, table_lines
from pipelines.extraction.markdown.whole import whole_structure

Array = np.ndarray[Any, Any]
MAX_CELL = 80  # characters of a cell of a layout table up to which it shares a line with its neighbours
MAX_TWICE = 200  # characters of navigation up to which it is not written twice in a row
MAX_ITEM_BLOCKS = 4  # of a list's item; an item of more is a part of the page
MAX_ITEM_CHARS = 1500
MAX_TAGS = 2000  # bytes of tags before the first text of a code block, in which its language is looked for
MATH = "math"  # language of code that is a displayed formula (GitLab, GitHub, KaTeX's plugins)
MIN_BUTTONS = 3  # times that a link behind text stands in a table, from which it is a button
MAX_LABEL = 20  # characters of a language or a button beside code
INDENT = "  "
_CODE_ALONE = (tags.P, tags.DIV, tags.QUOTE)  # elements that one line of code makes a block of code
_FRAMES = (tags.DIV, tags.FIGURE, tags.HEADER, tags.CUSTOM)  # elements in which such labels stand
_START = re.compile(rb"\b(?:start|value)\s{0,3}=\s{0,3}[\"']?(\d{1,6})", re.IGNORECASE)


def block_text(data: bytes, segments: list[list[int]]) -> str:
    """The text of one block from its segments (start, end, flags), without fences."""
    if segments and segments[0][2] & col.S_PRE:
        return _code(data, segments, "<pre>", "")
    return inline_text(data, segments)


def page_text(data: bytes, elements: Array, blocks: Array, segments: Array, chosen: Array) -> str:
    """The text of a page: arguments as tree.parse gives them, and which blocks are main text (bool
    [n])."""
    if not chosen.any():
        return ""
    inside = con.containers(elements)
    taken, tables = whole_structure(data, elements, blocks, segments, chosen, inside)
    return _Page(data, elements, blocks, segments, inside, tables).text(np.flatnonzero(taken).tolist())


def _code(data: bytes, segments: list[list[int]], tags_before: str, around: str) -> Code:
    """The code of segments; `tags_before`: from the start tag of their element up to the first text."""
    first, end = segments[0][0], segments[-1][1]
    if segments[0][2] & col.S_PLAIN:
        return raw_code(data[first:end].decode("utf-8", "replace"), tags_before)
    tag, inner = split_tag(tags_before)  # the inner ones may say that the first text is a number
    return code_of(inner + data[first:end].decode("utf-8", "replace"), tag, around)


def _buttons(cells: Iterable[list[tuple[str, bool]]], num_rows: int) -> set[str]:
    """Links that stand behind other text in the cells of most rows of a table, such as "Buy now"."""
    behind = Counter(text for cell in cells for text, linked in cell[1:] if linked)
    return {text for text, times in behind.items() if times >= max(MIN_BUTTONS, num_rows / 2)}


class _Page:
    """The arrays of a page, and its lines so far."""

    def __init__(
        self,
        data: bytes,
        elements: Array,
        blocks: Array,
        segments: Array,
        inside: Array,
        tables: dict[int, DataTable],
    ) -> None:
        self.data, self.elements, self.segments = data, elements, segments
        self.tables, self.inside = tables, inside
        owners = blocks[:, col.B_ELEMENT]
        self.owners = owners.tolist()
        self.kinds, self.parents = (
            elements[owners, col.E_KIND].tolist(),
            elements[owners, col.E_PARENT].tolist(),
        )
        self.items, self.table_of = inside[owners, con.ITEM].tolist(), inside[owners, con.TABLE].tolist()
        self.first, self.end = blocks[:, col.B_FIRST].tolist(), blocks[:, col.B_LAST].tolist()
        self.linked = (blocks[:, col.B_LINKED] == blocks[:, col.B_CHARS]).tolist()
        self.chars, self.split = blocks[:, col.B_CHARS].tolist(), blocks[:, col.B_SPLIT].tolist()
        self.holds_code = bool((segments[:, 2] & (col.S_PRE | col.S_CODE)).any())
        self.notation = Notation(data)
        self.lines: list[str] = []
        # the last line, where it is code: its text, and the row of a table or the block that it is of
        self.last_code, self.code_row, self.code_block = Code(""), -1, -1
        self.numbers: dict[int, int] = {}  # of the items of ordered lists

    def text(self, places: list[int]) -> str:
        """The lines of the blocks at those places."""
        lists = self._lists(places)
        last, last_row, last_item = "", -1, -1
        written: set[int] = set()
        for i in places:
            table = self.tables.get(self.table_of[i]) if self.tables else None
            if table is not None and self.inside[self.owners[i], con.CELL] >= 0:
                if table.element not in written:
                    written.add(table.element)
                    self.lines += self._table(table)
                last, last_row, last_item = "", -1, -1
                continue
            runs = self._runs(i)
            item = self.items[i] if lists else -1
            begins_item = item in lists and item not in written
            alone = self.kinds[i] in _CODE_ALONE and not begins_item and not self.linked[i]
            if runs[0][2] & col.S_PRE or self._is_code(runs, alone):
                if begins_item and self._begins(item, i):
                    depth, marker = lists[item]
                    self.lines.append(INDENT * depth + marker.rstrip())
                    written.add(item)
                self._add_code(i, runs)
                last, last_row, last_item = "", -1, item
                continue
            text = inline_text(self.data, runs, self.notation)
            if self._frames_code(i, text):
                continue
            kind, parent = self.kinds[i], self.parents[i]
            row = parent if kind == tags.TD and len(text) <= MAX_CELL and "\n" not in text else -1
            if not text:
                continue
            again = text == last and len(text) < MAX_TWICE and row < 0
            if again and (self.linked[i] or kind == tags.HEADING):
                continue
            if row >= 0 and row == last_row:
                self.lines[-1] += " " + text
            elif item in lists:
                self._add_item(item, lists[item], text, item != last_item and item not in written)
                written.add(item)
            else:
                if kind == tags.HEADING and self.lines:
                    self.lines.append("")
                self.lines.append(text)
            last, last_row, last_item = text, row, item
        return "\n".join(self.lines).strip("\n")

    def _runs(self, i: int) -> list[list[int]]:
        runs: list[list[int]] = self.segments[self.first[i] : self.end[i]].tolist()
        return runs

    def _tag(self, element: int) -> bytes:
        start = int(self.elements[element, col.E_START])
        end = self.data.find(b">", start, start + 1000)
        return self.data[start : end + 1 if end >= 0 else start + 1000]

    def _table(self, table: DataTable) -> list[str]:
        texts: dict[int, list[tuple[str, bool]]] = {}  # of a cell: its texts, and whether each is a link
        for i in range(table.first, table.end):
            runs = self._runs(i)
            if runs[0][2] & col.S_PRE:
                text: str = self._code_of(i, runs)
            else:
                text = inline_text(self.data, runs, self.notation)
            if text:
                texts.setdefault(int(self.inside[self.owners[i], con.CELL]), []).append(
                    (text, self.linked[i])
                )
        buttons = _buttons(texts.values(), len(table.cells))

        def in_line(cell: int) -> str:
            shown = (t for t, linked in texts.get(cell, ()) if not (linked and t in buttons))
            return " ".join(" ".join(t.split()) if isinstance(t, Code) else t for t in shown)

        def apart(cells: list[int]) -> list[str]:
            parts = [text for cell in cells for text, _ in texts.get(cell, ())]
            codes = [text for text in parts if isinstance(text, Code) and not is_prose(text)]
            one_cell = sum(cell in texts for cell in cells) == 1 and len(table.cells[0]) > 1
            if not any("\n" in code for code in codes) and not (one_cell and len(codes) == len(parts)):
                return []
            return [fenced(text) if isinstance(text, Code) and not is_prose(text) else text for text in parts]

        return table_lines(table, in_line, apart)

    def _code_of(self, i: int, runs: list[list[int]]) -> Code:
        """The code of a preformatted block, with the language that its elements name."""
        owner = self.owners[i]
        start = int(self.elements[owner, col.E_START])  # the tags before the first text are read too
        around = [self.data[start : runs[0][0]][:MAX_TAGS].decode("utf-8", "replace")]
        if not runs[0][2] & col.S_PRE:
            around.insert(0, "<code>")
        up = int(self.elements[owner, col.E_PARENT])
        while up > 0 and len(around) < 4:
            if self.elements[up, col.E_KIND] not in (tags.TR, tags.TBODY):
                around.append(self._tag(up).decode("utf-8", "replace"))
            up = int(self.elements[up, col.E_PARENT])
        return _code(self.data, runs, around[0], "".join(reversed(around[1:])))

    def _add_code(self, i: int, runs: list[list[int]]) -> None:
        code = self._code_of(i, runs)
        owner = self.owners[i]
        in_cell = self._tag(owner)[:3].lower() in (b"<td", b"<th") and bool(runs[0][2] & col.S_PRE)
        row = int(self.inside[owner, con.ROW]) if in_cell else -1
        between = self._lines_between(i, row) if self.lines and self.last_code else -1
        if between >= 0:
            code = Code(self.last_code + "\n" * (1 + between) + code, self.last_code.language)
            self.lines.pop()
        elif not code or (is_line_numbers(code) and self._beside_code(i)):
            return
        if code.language == MATH:
            self.lines.append(f"$${code}$$")
        else:
            self.lines.append(str(code) if is_prose(code) else fenced(code))
        self.last_code, self.code_row, self.code_block = code, row, i

    def _lines_between(self, i: int, row: int) -> int:
        """Empty lines between the code that was written last and that of block i, in a row of a table
        (-1: in none), where both are one: lines in rows of one table, or parts of one element that two
        line breaks have parted; -1 where they are not."""
        last = self.code_block
        if row >= 0 and self.code_row >= 0 and self.table_of[i] == self.table_of[last]:
            rows = self.elements[self.code_row + 1 : row, col.E_KIND] == tags.TR
            return int(rows.sum())
        if row < 0 and last == i - 1 and self.split[i] and self.owners[i] == self.owners[last]:
            return 1
        return -1

    def _begins(self, item: int, i: int) -> bool:
        """Whether no block before block i lies in an item."""
        return not i or self.items[i - 1] != item

    def _is_code(self, runs: list[list[int]], alone: bool) -> bool:
        """Whether a block is nothing but <code>, of several lines unless it stands `alone`."""
        if not alone and not any(flags & col.S_BREAK for _, _, flags in runs[1:]):
            return False
        return all(
            flags & col.S_CODE or self.data[start:end].isspace() for start, end, flags in runs
        ) and any(flags & col.S_CODE for _, _, flags in runs)

    def _frames_code(self, i: int, text: str) -> bool:
        """Whether a text beside code is its language, a button or its line numbers."""
        if not self.holds_code or (len(text) > MAX_LABEL and not text[0].isdigit()):
            return False
        is_label = self.kinds[i] in _FRAMES and label_of(text) is not None
        if not is_label and not ((len(text.split()) > 1 or text.startswith("12")) and is_line_numbers(text)):
            return False
        behind = i + 1
        while self._labels(behind):  # of one bar
            behind += 1
        return self._holds_code(i - 1) or self._holds_code(behind)

    def _labels(self, i: int) -> bool:
        """Whether a block in a frame is nothing but the name of a language or a button."""
        if i >= len(self.kinds) or self.kinds[i] not in _FRAMES or self.chars[i] > MAX_LABEL:
            return False
        return label_of(inline_text(self.data, self._runs(i), self.notation)) is not None

    def _holds_code(self, i: int) -> bool:
        """Whether a block is code of several lines or preformatted."""
        if not 0 <= i < len(self.kinds):
            return False
        return self.kinds[i] == tags.PRE or self._is_code(self._runs(i), False)

    def _beside_code(self, i: int) -> bool:
        """Whether more code stands in the row of a table that a block lies in."""
        row = self.inside[self.owners[i], con.ROW]
        return any(
            0 <= j < len(self.owners)
            and self.kinds[j] == tags.PRE
            and (row < 0 or self.inside[self.owners[j], con.ROW] == row)
            for j in (i - 1, i + 1)
        )

    def _lists(self, places: list[int]) -> dict[int, tuple[int, str]]:
        """(depth, marker) of each item that is written as one, by element.

        A list is one whose items are mostly short and without headings; others arrange the page.
        """
        held: dict[int, list[int]] = {}
        for i in places:
            if self.items[i] >= 0:
                held.setdefault(self.items[i], []).append(i)
        if not held:
            return {}
        fits: dict[int, list[bool]] = {}
        parents = self.elements[:, col.E_PARENT]
        for item, own in held.items():
            fit = (
                len(own) <= MAX_ITEM_BLOCKS
                and sum(self.chars[i] for i in own) <= MAX_ITEM_CHARS
                and all(self.kinds[i] != tags.HEADING for i in own)
            )
            fits.setdefault(int(parents[item]), []).append(fit)
        lists = {element for element, votes in fits.items() if 2 * sum(votes) > len(votes)}
        found: dict[int, tuple[int, str]] = {}
        for item in held:
            parent = int(parents[item])
            if parent in lists:
                depth, up = 0, int(parents[parent])
                while up > 0:
                    above = int(self.inside[up, con.ITEM])
                    if above < 0 or int(parents[above]) not in lists:
                        break
                    depth, up = depth + 1, int(parents[int(parents[above])])
                found[item] = depth, self._marker(item, parent)
        return found

    def _marker(self, item: int, parent: int) -> str:
        """`- `, or the item's number in an ordered list."""
        if self._tag(parent)[1:3].lower() != b"ol":
            return "- "
        if item not in self.numbers:
            start = _START.search(self._tag(parent))
            number = int(start[1]) if start else 1
            of_list = (self.elements[:, col.E_PARENT] == parent) & (self.elements[:, col.E_KIND] == tags.LI)
            for other in np.flatnonzero(of_list).tolist():
                value = _START.search(self._tag(other))
                number = int(value[1]) if value else number
                self.numbers[other] = number
                number += 1
        return f"{self.numbers[item]}. "

    def _add_item(self, item: int, form: tuple[int, str], text: str, begins: bool) -> None:
        depth, marker = form
        lines = text.split("\n")
        head = marker if begins else INDENT
        self.lines.append(INDENT * depth + head + lines[0])
        self.lines += [INDENT * (depth + 1) + line for line in lines[1:]]
