"""Small pages of markup, read as the parser and the writer of light Markdown read them."""

from __future__ import annotations

import numpy as np

from pipelines.extraction.html import columns as col
from pipelines.extraction.html import tags, tree
from pipelines.extraction.html.runs import text_words
from pipelines.extraction.markdown.lines import block_text, page_text


def read(markup: str, title: str = "", noscript: bool = False) -> list[tuple[str, int, list[int]]]:
    """(text, kind of its element, counts) of each block."""
    data = markup.encode()
    elements, blocks, segments, _, _ = tree.parse(np.frombuffer(data, np.uint8), text_words(title), noscript)
    runs = segments.tolist()
    return [
        (
            block_text(data, runs[b[col.B_FIRST] : b[col.B_LAST]]),
            int(elements[b[col.B_ELEMENT], col.E_KIND]),
            b.tolist(),
        )
        for b in blocks
    ]


def texts(markup: str, noscript: bool = False) -> list[str]:
    """The text of each block."""
    return [text for text, _, _ in read(markup, noscript=noscript)]


def whole_text(markup: str, left_out: str = "") -> str:
    """The text of a page all of whose blocks are main text, but for those that hold `left_out`."""
    data = markup.encode()
    elements, blocks, segments, _, _ = tree.parse(np.frombuffer(data, np.uint8), text_words(""), False)
    runs = segments.tolist()
    chosen = [not left_out or left_out not in block_text(data, runs[b[1] : b[2]]) for b in blocks.tolist()]
    return page_text(data, elements, blocks, segments, np.array(chosen, bool))


def kinds(markup: str) -> list[tuple[str, str]]:
    """(text, name of its element's kind) of each block."""
    names = {tags.P: "p", tags.PRE: "pre", tags.TD: "td", tags.LI: "li", tags.DIV: "div", tags.BODY: "body"}
    return [(text, names.get(kind, str(kind))) for text, kind, _ in read(markup)]
