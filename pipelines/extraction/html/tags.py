"""What the elements of HTML do, and the hashes by which compiled code knows names.

Belongs here: the kinds of elements, which tag is of which kind, the names that are looked up,
hashing. Does not belong here: reading markup (markup.py), which end tags are implied (nesting.py).
"""

from __future__ import annotations

import numpy as np

from pipelines.kernels.compiled import Array, leaf
from pipelines.kernels.hashing64 import FNV_PRIME, FNV_START

# What an element does. One number a tag; the order is part of the model (blocks/features.py counts on it).
INLINE, VOID, BR, A, SKIP, RAW, NOSCRIPT, PLAINTEXT, META, TITLE, CUSTOM, IMAGE = range(12)
FORMULA, READING, BASE, SUP, SUB, CODE = range(12, 18)  # READING, BASE: of ruby
P, HEADING, LI, DT, TD, TR, TBODY, TABLE, LIST, DIV, ARTICLE = range(18, 29)
NAV, FOOTER, ASIDE, HEADER, FORM, PRE, QUOTE, FIGURE, SECTION, MAIN, BODY, HTML, DL, HR = range(29, 43)
_NAMES: dict[int, str] = {
    VOID: "area base col embed input link param source track wbr keygen head",
    IMAGE: "img image",
    SKIP: "svg template object canvas audio video button select map datalist dialog",
    RAW: "script style iframe textarea xmp noembed noframes",
    NOSCRIPT: "noscript",
    PLAINTEXT: "plaintext",
    FORMULA: "math mjx-container m:math mml:math math:math ns0:math",
    READING: "rt rp rtc",
    BASE: "rb",
    SUP: "sup",
    SUB: "sub",
    CODE: "code kbd samp tt",
    HEADING: "h1 h2 h3 h4 h5 h6",
    DT: "dt dd",
    TD: "td th",
    TBODY: "tbody thead tfoot",
    LIST: "ul ol menu",
    DIV: "div center fieldset legend details summary hgroup address caption dir marquee",
    FIGURE: "figure figcaption",
    PRE: "pre listing",
    BR: "br",
    A: "a",
    P: "p",
    LI: "li",
    TR: "tr",
    TABLE: "table",
    ARTICLE: "article",
    NAV: "nav",
    FOOTER: "footer",
    ASIDE: "aside",
    HEADER: "header",
    FORM: "form",
    QUOTE: "blockquote",
    SECTION: "section",
    MAIN: "main",
    BODY: "body",
    HTML: "html",
    META: "meta",
    TITLE: "title",
    DL: "dl",
    HR: "hr",
}
_TAGS = {name: kind for kind, names in _NAMES.items() for name in names.split()}
FNV, PRIME = FNV_START, FNV_PRIME  # FNV-1a: the hash of nothing, and the factor of each step


def name_hash(name: str) -> int:
    """FNV-1a of the bytes of a name: what the kernels compute while they read."""
    h = int(FNV)
    for byte in name.encode():
        h = (h ^ byte) * int(PRIME) % (1 << 64)
    return h


def _tables() -> tuple[Array, Array]:
    order = sorted(_TAGS, key=name_hash)
    return np.array([name_hash(t) for t in order], np.uint64), np.array([_TAGS[t] for t in order], np.int64)


TAG_HASHES, TAG_KINDS = _tables()  # uint64 sorted, and the kind of each


def slots_of(table: Array) -> Array:
    """Where `look_up` finds the values of a table (uint64 [n], each once): uint16, a power of two of slots,
    at least four a value; the place of the slot's value and one more, 0 where there is none."""
    slots = np.zeros(4 << len(table).bit_length(), np.uint16)
    for place, value in enumerate(table.tolist()):
        slot = (value ^ value >> 32) % len(slots)
        while slots[slot]:
            slot = (slot + 1) % len(slots)
        slots[slot] = place + 1
    return slots


TAG_SLOTS = slots_of(TAG_HASHES)
CLASS, ID, HREF, STYLE, HIDDEN, ROLE, ITEMPROP, TYPE, SHADOW = (
    np.uint64(name_hash(name))
    for name in ["class", "id", "href", "style", "hidden", "role", "itemprop", "type", "shadowrootmode"]
)
ARIA_MODAL = np.uint64(name_hash("aria-modal"))
TRUE_VALUE = np.uint64(name_hash("true"))
CODE_VALUE, SOURCE_VALUE = np.uint64(name_hash("code")), np.uint64(name_hash("syntaxhighlighter"))
DATA_FORMULA, DATA_TEX, DATA_LATEX = (
    np.uint64(name_hash(name)) for name in ("data-formula", "data-tex", "data-latex")
)
NAME = np.uint64(name_hash("name"))
NOSCRIPT_NAME, SVG_NAME, FOREIGN_OBJECT_NAME, DESC_NAME, XMP_NAME, TH_NAME, BUTTON_NAME = (
    np.uint64(name_hash(name)) for name in ("noscript", "svg", "foreignobject", "desc", "xmp", "th", "button")
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
def look_up(table: Array, slots: Array, value: np.uint64) -> int:
    """As `find`, with the table's slots (`slots_of`): for large tables that every tag is looked up in."""
    mask = slots.size - 1
    slot = np.int64(value ^ (value >> np.uint64(32))) & mask
    place = np.int64(slots[slot]) - 1
    while place >= 0 and table[place] != value:
        slot = (slot + 1) & mask
        place = np.int64(slots[slot]) - 1
    return int(place)


@leaf
def is_block(kind: int) -> bool:
    """Whether text before, in and after the element stands in blocks of its own."""
    return kind >= P
