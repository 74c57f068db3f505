"""Markup -> main text, title, date and hints.

Belongs here: the order of the steps and how chosen blocks become lines. Does not belong here: bytes
and charsets (charset.py), the parts of a page (html/), what is measured and what is chosen (blocks/),
the table (documents.py).

All bounds that decide are deterministic: characters, elements, depth.
"""

from __future__ import annotations

import functools
import html
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pipelines.extraction.blocks.model import BlockModel, block_model
from pipelines.extraction.html import columns as col
from pipelines.extraction.html import tags, tree
from pipelines.extraction.html.runs import text_words
from pipelines.extraction.page_metadata import MAX_TAG, read_metadata, title_of

Array = np.ndarray[Any, Any]

MAX_CHARS = 4_000_000  # characters of markup that are read; the rest is cut
MAX_CELL = 80  # characters of a table cell up to which it shares a line with its neighbours
MAX_TWICE = 200  # characters of a line up to which it is not written twice in a row
_CONTROLS = bytes([*range(9), *range(14, 32), 127])  # dropped: no text holds them


@dataclass(slots=True)
class Page:
    """What a page gave. `text` is "" where nothing reads like main text; `cut` names bounds that
    were reached."""

    text: str = ""
    title: str = ""
    date: str = ""
    language: str = ""
    robots: str = ""
    cut: list[str] = field(default_factory=list)


@functools.cache
def compile_kernels() -> None:
    """Compile, or load, what a page needs: once a process, before any page is under the clock."""
    extract("<title>t</title><p>A page.</p><pre>code</pre>")


def extract(markup: str, model: BlockModel | None = None) -> Page:
    """The main text of a page, chosen by `model` (None: the shipped one). Never raises because of
    the markup."""
    page = Page()
    if len(markup) > MAX_CHARS:
        markup, page.cut = markup[:MAX_CHARS], ["chars"]
    title = title_of(markup)
    data = markup.encode("utf-8", "replace").translate(None, _CONTROLS)
    elements, blocks, segments, metas, counts = tree.parse(np.frombuffer(data, np.uint8), text_words(title))
    if (
        counts[col.C_ELEMENTS] > tree.MAX_ELEMENTS
        or counts[col.C_BLOCKS] > tree.MAX_BLOCKS
        or counts[col.C_SEGMENTS] > tree.MAX_SEGMENTS
    ):
        page.cut.append("nodes")
    if counts[col.C_DEPTH]:
        page.cut.append("depth")
    root = int(counts[col.C_HTML])
    found = read_metadata(
        markup, title, _tag(data, root) if root >= 0 else "", [_tag(data, at) for at in metas.tolist()]
    )
    page.title, page.date, page.language, page.robots = found.title, found.date, found.language, found.robots
    page.text = _text(data, elements, blocks[(model or block_model()).choose(elements, blocks)], segments)
    return page


def _tag(data: bytes, start: int) -> str:
    """The start tag at a byte offset."""
    end = data.find(b">", start, start + MAX_TAG)
    return data[start : end if end >= 0 else start + MAX_TAG].decode("utf-8", "replace")


def block_text(data: bytes, segments: list[list[int]]) -> str:
    """The text of one block from its segments (start, end, flags): entities decoded, spaces joined,
    breaks as lines."""
    pieces: list[str] = []
    for start, end, flags in segments:
        piece = data[start:end].decode("utf-8", "replace")
        if flags & col.S_PRE:
            pieces.append(("\n" if flags & col.S_BREAK and pieces else "") + piece)
        else:
            pieces.append(("\x01" if flags & col.S_BREAK and pieces else "") + piece)
    text = "".join(pieces)
    if "&" in text:
        text = html.unescape(text)
    if "\u200b" in text or "\ufeff" in text:
        text = text.replace("\u200b", "").replace("\ufeff", "")
    if segments and segments[0][2] & col.S_PRE:
        return text.replace("\r\n", "\n").expandtabs(4).strip("\n").rstrip()
    if "\x01" not in text:
        return " ".join(text.split())
    return "\n".join(line for line in (" ".join(line.split()) for line in text.split("\x01")) if line)


def _text(data: bytes, elements: Array, blocks: Array, segments: Array) -> str:
    """The chosen blocks as lines: short cells of a table row share one, an empty line goes before a
    heading."""
    lines: list[str] = []
    last, last_row = "", -1
    owners = blocks[:, col.B_ELEMENT]
    kinds, parents = elements[owners, col.E_KIND].tolist(), elements[owners, col.E_PARENT].tolist()
    for kind, parent, first, end in zip(
        kinds, parents, blocks[:, col.B_FIRST].tolist(), blocks[:, col.B_LAST].tolist(), strict=True
    ):
        text = block_text(data, segments[first:end].tolist())
        row = parent if kind == tags.TD and len(text) <= MAX_CELL and "\n" not in text else -1
        if not text or (text == last and len(text) < MAX_TWICE and row < 0):
            continue
        if row >= 0 and row == last_row:
            lines[-1] += " " + text
        else:
            if kind == tags.HEADING and lines:
                lines.append("")
            lines.append(text)
        last, last_row = text, row
    return "\n".join(lines).strip("\n")
