"""Markup -> main text, title, date and hints.

Belongs here: the order of the steps. Does not belong here: bytes and charsets (charset.py), the parts
of a page (html/), what is measured and what is chosen (blocks/), how it is written (markdown/), the
table (documents.py).

All bounds that decide are deterministic: characters, elements, depth.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pipelines.extraction.blocks.model import BlockModel, block_model
from pipelines.extraction.html import columns as col
from pipelines.extraction.html import tree
from pipelines.extraction.html.runs import text_words
from pipelines.extraction.markdown.lines import page_text
from pipelines.extraction.page_metadata import MAX_TAG, read_metadata, title_of

Array = np.ndarray[Any, Any]

MIN_NOSCRIPT = 1000  # bytes of noscript elements from which they may hold the page
MAX_CHARS = 4_000_000  # characters of markup that are read; the rest is cut
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
    octets, words = np.frombuffer(data, np.uint8), text_words(title)
    parsed = tree.parse(octets, words, False)
    if parsed[4][col.C_NOSCRIPT] > max(MIN_NOSCRIPT, parsed[1][:, col.B_CHARS].sum()):
        without_scripts = tree.parse(octets, words, True)
        if without_scripts[1][:, col.B_CHARS].sum() > 2 * parsed[1][:, col.B_CHARS].sum():
            parsed = without_scripts  # the page is in its noscript element
    elements, blocks, segments, metas, counts = parsed
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
    chosen = (model or block_model()).choose(elements, blocks)
    page.text = page_text(data, elements, blocks, segments, chosen)
    return page


def _tag(data: bytes, start: int) -> str:
    """The start tag at a byte offset."""
    end = data.find(b">", start, start + MAX_TAG)
    return data[start : end if end >= 0 else start + MAX_TAG].decode("utf-8", "replace")
