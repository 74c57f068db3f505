"""What the elements of HTML do, and the hashes by which compiled code knows names.

Belongs here: the kinds of elements, which tag is of which kind, the names that are looked up,
hashing. Does not belong here: reading markup (markup.py), which end tags are implied (nesting.py).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pipelines.extraction.html.leaf import leaf

Array = np.ndarray[Any, Any]

# What an element does. One number a tag; the order is part of the model (features.py counts on it).
(INLINE, VOID, BR, A, SKIP, RAW, P, HEADING, LI, DT, TD, TR, TBODY, TABLE, LIST, DIV, ARTICLE, NAV, FOOTER, ASIDE, HEADER, FORM, PRE, QUOTE,
 FIGURE, SECTION, MAIN, BODY, HTML, META, TITLE, CUSTOM, DL, HR) = range(34)  # fmt: skip
_TAGS: dict[str, int] = {
    **dict.fromkeys(
        ("area", "base", "col", "embed", "img", "input", "link", "param", "source", "track", "wbr", "keygen"),
        VOID,
    ),
    **dict.fromkeys(
        (
            "svg",
            "math",
            "template",
            "object",
            "canvas",
            "audio",
            "video",
            "button",
            "select",
            "map",
            "datalist",
            "dialog",
        ),
        SKIP,
    ),
    **dict.fromkeys(("script", "style", "noscript", "iframe", "textarea", "xmp", "noembed", "noframes"), RAW),
    **dict.fromkeys(("h1", "h2", "h3", "h4", "h5", "h6"), HEADING),
    **dict.fromkeys(("dt", "dd"), DT),
    **dict.fromkeys(("td", "th"), TD),
    **dict.fromkeys(("tbody", "thead", "tfoot"), TBODY),
    **dict.fromkeys(("ul", "ol", "menu"), LIST),
    **dict.fromkeys(
        (
            "div",
            "center",
            "fieldset",
            "legend",
            "details",
            "summary",
            "hgroup",
            "address",
            "caption",
            "dir",
            "marquee",
        ),
        DIV,
    ),
    **dict.fromkeys(("figure", "figcaption"), FIGURE),
    **dict.fromkeys(("pre", "listing", "plaintext"), PRE),
    **{
        "br": BR,
        "a": A,
        "p": P,
        "li": LI,
        "tr": TR,
        "table": TABLE,
        "article": ARTICLE,
        "nav": NAV,
        "footer": FOOTER,
        "aside": ASIDE,
    },
    **{
        "header": HEADER,
        "form": FORM,
        "blockquote": QUOTE,
        "section": SECTION,
        "main": MAIN,
        "body": BODY,
        "html": HTML,
        "meta": META,
    },
    **{"title": TITLE, "dl": DL, "hr": HR, "head": VOID},
}
_FNV, _PRIME = 0xCBF29CE484222325, 0x100000001B3
FNV, PRIME = np.uint64(_FNV), np.uint64(_PRIME)  # FNV-1a: the hash of nothing, and the factor of each step


def name_hash(name: str) -> int:
    """FNV-1a of the bytes of a lower-case name: what the kernels compute while they read."""
    h = _FNV
    for byte in name.encode():
        h = (h ^ byte) * _PRIME % (1 << 64)
    return h


def _tables() -> tuple[Array, Array]:
    order = sorted(_TAGS, key=name_hash)
    return np.array([name_hash(t) for t in order], np.uint64), np.array([_TAGS[t] for t in order], np.int64)


TAG_HASHES, TAG_KINDS = _tables()  # uint64 sorted, and the kind of each
CLASS, ID, HREF, STYLE, HIDDEN, ROLE, ITEMPROP = (
    np.uint64(name_hash(name)) for name in ("class", "id", "href", "style", "hidden", "role", "itemprop")
)


@leaf
def find(table: Array, value: np.uint64) -> int:
    """Where a value stands in a sorted table; -1: nowhere."""
    low, high = 0, table.size
    while low < high:
        middle = (low + high) >> 1
        if table[middle] < value:
            low = middle + 1
        else:
            high = middle
    return low if low < table.size and table[low] == value else -1


@leaf
def is_block(kind: int) -> bool:
    """Whether text before, in and after the element stands in blocks of its own."""
    return kind >= P and kind != META and kind != TITLE
