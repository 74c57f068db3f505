"""Markup -> main text, title, date and hints.

Belongs here: the order of the steps. Does not belong here: bytes and charsets (charset.py), the parts
of a page (html/), what is measured and what is chosen (blocks/), how it is written (markdown/), the
table (documents.py).

All bounds that decide are deterministic: characters, elements, depth.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field

import numpy as np

from pipelines.extraction.blocks.hints import hints, own_address
from pipelines.extraction.blocks.model import BlockModel, Parts, block_model
from pipelines.extraction.html import columns as col
from pipelines.extraction.html import rows, tags, tree
from pipelines.extraction.html.runs import text_words
from pipelines.extraction.linked_data import data_text, linked_data
from pipelines.extraction.markdown.lines import block_text, page_text
from pipelines.extraction.page_dates import MARKS_OF_DATES, other_date
from pipelines.extraction.page_metadata import (
    headline,
    read_metadata,
    title_of,
)
from pipelines.extraction.tag_attributes import MAX_TAG, attributes
from pipelines.kernels.marks import ByteMarks, has_controls

MAX_CHARS = 4_000_000  # characters of markup that are read; the rest is cut
MAX_HEADINGS = 3  # of the first level that may be the headline
NEAR_BEFORE, NEAR_BEHIND = 6, 16  # blocks around the headline in which a date is looked for
DATE_DIGITS = 5  # of `May 1, 2024`; a line with fewer has no date
MIN_NOSCRIPT = 1000  # bytes of noscript elements from which they may hold the page
_CONTROLS = bytes([*range(9), *range(14, 32), 127])  # dropped: no text holds them
_SOUGHT = ByteMarks(("canonical", "ld+json", "hreflang", *MARKS_OF_DATES), any_case=True)
_ADDRESS, _DATA, _OTHERS = (1 << bit for bit in range(3))
"""What markup without these marks does not hold and is not searched for, by bits of `_SOUGHT`; the bits above
are those of dates."""


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
    names_others: bool = False  # whether it may name its forms in other languages (alternates.py)


@dataclass(frozen=True, slots=True)
class ParsedPage:
    """A page in parts: its title, the address that it calls its own, its text as bytes, what the model
    reads, the attributes of its html tag and of its meta tags, the texts of its linked data, bounds that
    were reached; `dated`: the markup where scripts or elements of it may hold a date, else ""."""

    title: str
    address: str
    data: bytes
    parts: Parts
    root: dict[str, str]
    metas: list[dict[str, str]]
    linked: list[str]
    dated: str
    cut: list[str]
    names_others: bool


@functools.cache
def compile_kernels() -> None:
    """Compile, or load, what a page needs: once a process, before any page is under the clock."""
    extract("<title>t</title><p>A page.</p><pre>code</pre>")


def parse_page(markup: str) -> ParsedPage:
    """The parts of a page. What a page shows only without scripts is read where it shows next to
    nothing else."""
    cut: list[str] = []
    if len(markup) > MAX_CHARS:
        markup, cut = markup[:MAX_CHARS], ["chars"]
    title = title_of(markup)
    data = markup.encode("utf-8", "replace")
    array = np.frombuffer(data, np.uint8)
    held = _SOUGHT.held(array)
    if has_controls(array):
        data = data.translate(None, _CONTROLS)
        array = np.frombuffer(data, np.uint8)
    words = text_words(title)
    parsed = tree.parse(array, words, False)
    if parsed[4][col.C_NOSCRIPT] > max(MIN_NOSCRIPT, parsed[1][:, col.B_CHARS].sum()):
        without_scripts = tree.parse(array, words, True)
        if without_scripts[1][:, col.B_CHARS].sum() > 2 * parsed[1][:, col.B_CHARS].sum():
            parsed = without_scripts  # the page is in its noscript element
    elements, blocks, segments, metas, counts = parsed
    if (
        counts[col.C_ELEMENTS] > rows.MAX_ELEMENTS
        or counts[col.C_BLOCKS] > rows.MAX_BLOCKS
        or counts[col.C_SEGMENTS] > rows.MAX_SEGMENTS
    ):
        cut.append("nodes")
    if counts[col.C_DEPTH]:
        cut.append("depth")
    root = int(counts[col.C_HTML])
    given = [attributes(_tag(data, at)) for at in metas.tolist()]
    linked = linked_data(markup) if held & _DATA else []
    address = own_address(markup) if held & _ADDRESS else ""
    shared_as = next((meta.get("content", "") for meta in given if meta.get("property") == "og:type"), "")
    return ParsedPage(
        title,
        address,
        data,
        Parts(array, elements, blocks, segments, hints(address, linked, shared_as)),
        attributes(_tag(data, root)) if root >= 0 else {},
        given,
        linked,
        markup if held > _OTHERS | _DATA | _ADDRESS else "",
        cut,
        bool(held & _OTHERS),
    )


def extract(markup: str, model: BlockModel | None = None) -> Page:
    """The main text of a page, chosen by `model` (None: the shipped one). Never raises because of
    the markup."""
    page = parse_page(markup)
    parts = page.parts
    found = read_metadata(page.dated, page.title, page.root, page.metas)
    first, places = _headings(page)
    headings = [_block(page, i) for i in places]
    title = headline(page.title, page.metas, headings)
    if not found.date:
        near = (
            _block(page, i)
            for i in range(max(0, first - NEAR_BEFORE), min(len(parts.blocks), first + NEAR_BEHIND))
            if parts.blocks[i, col.B_DIGITS] >= DATE_DIGITS
        )
        found.date = other_date(page.address, near, page.dated, page.metas)
    chosen = (model or block_model()).choose(parts)
    text = page_text(page.data, parts.elements, parts.blocks, parts.segments, chosen)
    text = data_text(page.linked, text)
    return Page(text, title, found.date, found.language, found.robots, page.cut, page.names_others)


def _headings(page: ParsedPage) -> tuple[int, list[int]]:
    """Which block holds the first heading of the first level (else the first heading, else 0), and
    which hold the first ones of that level."""
    parts = page.parts
    owners = parts.blocks[:, col.B_ELEMENT]
    found = np.flatnonzero(parts.elements[owners, col.E_KIND] == tags.HEADING).tolist()
    starts = parts.elements[owners, col.E_START]
    top = [i for i in found if page.data[starts[i] : starts[i] + 3].lower() == b"<h1"][:MAX_HEADINGS]
    return (top or found or [0])[0], top


def _block(page: ParsedPage, i: int) -> str:
    first, last = page.parts.blocks[i, (col.B_FIRST, col.B_LAST)].tolist()
    return block_text(page.data, page.parts.segments[first:last].tolist())


def _tag(data: bytes, start: int) -> str:
    """The start tag at a byte offset."""
    end = data.find(b">", start, start + MAX_TAG)
    return data[start : end if end >= 0 else start + MAX_TAG].decode("utf-8", "replace")
