"""The attributes of a tag -> what they say about its element.

Belongs here: where a value ends, what classes, ids, roles and styles say. Does not belong here: the
rest of markup (markup.py), which names mean what (classes.py, names.py), what becomes of the element
(tree.py). Each function reads on from a byte and never past the end.
"""

# ruff: noqa: SIM109 (compiled code compares faster one by one)
from __future__ import annotations

import numpy as np

from pipelines.extraction.html.classes import (
    CLASS_HASHES,
    CLASS_MASKS,
    CLASS_SLOTS,
    HOLDS_CODE,
    HOLDS_FORMULA,
    HOLDS_LINES,
    HOLDS_NUMBERS,
    HOLDS_TEXT,
    IS_UNSEEN,
)
from pipelines.extraction.html.code_marks import style_shows_code
from pipelines.extraction.html.markup import is_space, lower, next_of
from pipelines.extraction.html.names import (
    DIALOG,
    GROUP_BITS,
    NAME_TABLE_HASHES,
    NAME_TABLE_MASKS,
    NAME_TABLE_SLOTS,
)
from pipelines.extraction.html.tags import (
    ARIA_MODAL,
    CLASS,
    CODE_VALUE,
    DATA_FORMULA,
    DATA_LATEX,
    DATA_TEX,
    FNV,
    HIDDEN,
    HREF,
    ID,
    ITEMPROP,
    NAME,
    PRIME,
    ROLE,
    SHADOW,
    SOURCE_VALUE,
    STYLE,
    TRUE_VALUE,
    TYPE,
    find,
    look_up,
    name_hash,
)
from pipelines.kernels.compiled import Array, leaf

# what a tag's attributes say
(
    LINKS,
    HIDES,
    CLOSES_ITSELF,
    IS_MAIN,
    IS_CODE,
    IS_FORMULA,
    IS_INLINE,
    IS_SHOWN,
    IS_GUTTER,
    HIDES_LINE,
    HOLDS_TEX,
    IS_LINES,
    IS_SOURCE,
    IS_LINE_ID,
    IS_TABLE,
    IS_ROW,
    IS_CELL,
    IS_TEX,
) = (1 << bit for bit in range(18))
NO_STYLE, UNSEEN, INLINE_STYLE, INVISIBLE = range(4)  # what a style says
MIN_CODE_STYLE = 32  # bytes of the shortest style that shows code

if GROUP_BITS > 61:
    raise ValueError(
        "names.py: the groups and DIALOG are bits of one signed 64-bit number: 61 groups at most"
    )
_OPENS_DIALOG = 1 << 62  # of a role alone
# what a role says: panels of tabs and parts that open (regions) are shown, open or not; tables of
# elements that are none
_ROLES: dict[int, str] = {
    IS_MAIN: "main",
    IS_SHOWN: "tabpanel region",
    IS_TABLE: "table grid",
    IS_ROW: "row",
    IS_CELL: "cell gridcell columnheader rowheader",
    _OPENS_DIALOG: "dialog alertdialog",
}
_BY_HASH = sorted((name_hash(name), said) for said, names in _ROLES.items() for name in names.split())
_ROLE_HASHES = np.array([hashed for hashed, _ in _BY_HASH], np.uint64)
_ROLES_SAY = np.array([said for _, said in _BY_HASH], np.int64)


@leaf
def _value(data: Array, at: int) -> tuple[int, int, int]:
    """(start, end, where to read on) of an attribute's value: `at` is the byte after =."""
    n = data.size
    while at < n and is_space(data[at]):
        at += 1
    if at < n and (data[at] == 34 or data[at] == 39):
        quote = data[at]
        at += 1
        start = at
        at = next_of(data, at, quote, quote)
        return start, at, at + 1
    start = at
    while at < n and not is_space(data[at]) and data[at] != 62:
        at += 1
    return start, at, at


@leaf
def _name_groups(data: Array, start: int, end: int) -> tuple[int, np.uint64]:
    """Groups of the words of a class or id value (bit mask of names.py), and a hash of its words
    without digits.

    Words end at anything that is no letter, and where a capital follows a small letter.
    """
    groups = 0
    whole = FNV
    word = FNV
    length = 0
    before_small = False
    for i in range(start, end + 1):
        c = data[i] if i < end else 32
        small, capital = 97 <= c <= 122, 65 <= c <= 90
        if length and not (small or (capital and not before_small)):
            at = look_up(NAME_TABLE_HASHES, NAME_TABLE_SLOTS, word)
            if at >= 0:
                groups |= NAME_TABLE_MASKS[at]
            word, length = FNV, 0
        if small or capital:
            word = (word ^ np.uint64(lower(c))) * PRIME
            whole = (whole ^ np.uint64(lower(c))) * PRIME
            length += 1
        elif not 48 <= c <= 57:
            whole = (whole ^ np.uint64(32)) * PRIME
        before_small = small
    return groups, whole


@leaf
def _class_says(data: Array, start: int, end: int) -> int:
    """What known software says by the names in a class value (bits of classes.py)."""
    says, word = 0, FNV
    for i in range(start, end + 1):
        if i == end or is_space(data[i]):
            if word != FNV:
                at = look_up(CLASS_HASHES, CLASS_SLOTS, word)
                if at >= 0:
                    says |= CLASS_MASKS[at]
                word = FNV
        else:
            word = (word ^ np.uint64(data[i])) * PRIME
    return says


@leaf
def _style_says(data: Array, start: int, end: int) -> int:
    """UNSEEN: display: none. INVISIBLE: visibility: hidden. INLINE_STYLE: display: inline, no more."""
    says = NO_STYLE
    for i in range(start, end - 8):
        c = lower(data[i])
        # the value of d i . . . . y, or of v i . . . . . . . y
        if c == 100 and lower(data[i + 1]) == 105 and lower(data[i + 6]) == 121:
            j = i + 7
        elif c == 118 and lower(data[i + 1]) == 105 and i + 10 < end and lower(data[i + 9]) == 121:
            j = i + 10
        else:
            continue
        while j < end and (is_space(data[j]) or data[j] == 58):
            j += 1
        if j + 4 > end:
            continue
        first, second, third = lower(data[j]), lower(data[j + 1]), lower(data[j + 2])
        if c == 100 and first == 110 and second == 111 and third == 110:  # none
            return UNSEEN
        if c == 118 and first == 104 and second == 105 and third == 100:  # hidden
            says = INVISIBLE
        inline = c == 100 and first == 105 and second == 110 and third == 108 and j + 6 <= end
        if inline and (j + 6 == end or is_space(data[j + 6]) or data[j + 6] == 59 or data[j + 6] == 33):
            says = INLINE_STYLE
    return says


@leaf
def _value_hash(data: Array, start: int, end: int) -> np.uint64:
    """FNV-1a of a value in small letters."""
    value = FNV
    for i in range(start, end):
        value = (value ^ np.uint64(lower(data[i]))) * PRIME
    return value


@leaf
def is_formula_image(data: Array, start: int, end: int) -> bool:
    """Whether an image's tag may show a formula: it says tex, as in latex and ?tex=, math, mula (as
    in formula), equa, cht=tx& or begins a value with a dollar sign.

    Only a hint (`text`, `vertex` and `context` are none); whether it does is told by its alternative
    text and address.
    """
    for i in range(start, end - 4):
        c = lower(data[i])
        if c == 116:  # t e x, no further t
            if lower(data[i + 1]) == 101 and lower(data[i + 2]) == 120 and lower(data[i + 3]) != 116:
                before = lower(data[i - 1])
                if before != 110 and before != 114:
                    return True
        elif c == 109:  # m a t h, m u l a
            second, third, fourth = lower(data[i + 1]), lower(data[i + 2]), lower(data[i + 3])
            if second == 97 and third == 116 and fourth == 104:
                return True
            if second == 117 and third == 108 and fourth == 97:
                return True
        elif c == 101:  # e q u a
            if lower(data[i + 1]) == 113 and lower(data[i + 2]) == 117 and lower(data[i + 3]) == 97:
                return True
        elif (c == 61 and data[i + 1] == 116 and data[i + 2] == 120 and data[i + 3] == 38) or (
            c == 36 and (data[i - 1] == 34 or data[i - 1] == 39)
        ):  # =tx&
            return True
    return False


@leaf
def attributes(data: Array, at: int) -> tuple[int, int, np.uint64, int]:
    """(where the tag ends, groups of its names, hash of its class, what else it says): `at` is the
    byte after the tag's name. With the groups goes DIALOG (role=dialog or alertdialog, aria-modal).

    What else: LINKS (href), HIDES (hidden, display: none, a class for what is unseen), HIDES_LINE
    (visibility: hidden), CLOSES_ITSELF (/>), what a role says (_ROLES), IS_CODE, IS_GUTTER and
    IS_FORMULA (classes; type=math/...), IS_INLINE (display: inline), IS_SHOWN (content that a script
    moves to its place: ids of React's stream, shadowrootmode), HOLDS_TEX (data-formula, data-tex,
    data-latex), IS_LINES (a class: code, if lines follow), IS_TEX (a class: a formula, if text alone
    follows), IS_SOURCE (name=code, type=syntaxhighlighter), IS_LINE_ID (the id is L and a number).
    """
    n = data.size
    groups, path, says = 0, FNV, 0
    while at < n and data[at] != 62:
        if is_space(data[at]):
            at += 1
            continue
        if data[at] == 47:
            if at + 1 < n and data[at + 1] == 62:
                says |= CLOSES_ITSELF
            at += 1
            continue
        key = FNV
        while at < n and not is_space(data[at]) and data[at] != 61 and data[at] != 62 and data[at] != 47:
            key = (key ^ np.uint64(lower(data[at]))) * PRIME
            at += 1
        while at < n and is_space(data[at]):
            at += 1
        start = end = at
        if at < n and data[at] == 61:
            start, end, at = _value(data, at + 1)
        if key == CLASS or key == ID or key == ROLE or key == ITEMPROP:
            found, whole = _name_groups(data, start, end)
            groups |= found
            if key == CLASS:
                path = (path ^ whole) * PRIME
                known = _class_says(data, start, end)
                if known:
                    if known & HOLDS_FORMULA:
                        says |= IS_FORMULA
                    if known & HOLDS_CODE:
                        says |= IS_CODE
                    if known & IS_UNSEEN:
                        says |= HIDES
                    if known & HOLDS_NUMBERS:
                        says |= IS_GUTTER
                    if known & HOLDS_LINES:
                        says |= IS_LINES
                    if known & HOLDS_TEXT:
                        says |= IS_TEX
            elif key == ID and end - start >= 2 and data[start] == 76 and 48 <= data[start + 1] <= 57:  # L1
                says |= IS_LINE_ID
            elif key == ID and end - start >= 3 and data[start] == 83 and data[start + 1] == 58:  # S:
                says |= IS_SHOWN
            elif key == ROLE:
                role = find(_ROLE_HASHES, _value_hash(data, start, end))
                if role >= 0:
                    said = _ROLES_SAY[role]
                    says |= said & ~_OPENS_DIALOG
                    groups |= DIALOG if said & _OPENS_DIALOG else 0
        elif key == ARIA_MODAL:
            if _value_hash(data, start, end) == TRUE_VALUE:
                groups |= DIALOG
        elif key == HREF:
            says |= LINKS
        elif key == HIDDEN:
            says |= HIDES
        elif key == STYLE:
            style = _style_says(data, start, end)
            if style == UNSEEN:
                says |= HIDES
            elif style == INLINE_STYLE:
                says |= IS_INLINE
            elif style == INVISIBLE:
                says |= HIDES_LINE
            if end - start >= MIN_CODE_STYLE and style_shows_code(data, start, end):
                says |= IS_CODE
        elif key == SHADOW:
            says |= IS_SHOWN
        elif (key == DATA_FORMULA or key == DATA_TEX or key == DATA_LATEX) and end > start:
            says |= HOLDS_TEX
        elif key == TYPE and end - start > 5 and data[start] == 109 and data[start + 4] == 47:  # math/
            says |= IS_FORMULA
        elif (key == NAME and _value_hash(data, start, end) == CODE_VALUE) or (
            key == TYPE and _value_hash(data, start, end) == SOURCE_VALUE
        ):
            says |= IS_SOURCE
    return at + 1, groups, path, says
