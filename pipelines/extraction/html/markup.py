"""Bytes of markup -> characters, tags, attributes: where each ends, and what it says.

Belongs here: the rules of HTML's tokenizer that decide where text begins again (comments, raw text
elements, quoted values, entities). Does not belong here: open elements (nesting.py, tree.py),
counts (runs.py). Each function reads on from a byte and never past the end.
"""

# ruff: noqa: SIM109, SIM110 (compiled code compares faster one by one)
from __future__ import annotations

import numpy as np

from pipelines.extraction.html.classes import (
    CLASS_HASHES,
    CLASS_MASKS,
    HOLDS_CODE,
    HOLDS_FORMULA,
    HOLDS_LINES,
    HOLDS_NUMBERS,
    IS_UNSEEN,
)
from pipelines.extraction.html.code_marks import style_shows_code
from pipelines.extraction.html.names import DIALOG, GROUP_BITS, NAME_TABLE_HASHES, NAME_TABLE_MASKS
from pipelines.extraction.html.tags import (
    ALERT_DIALOG_VALUE,
    ARIA_MODAL,
    CLASS,
    DATA_FORMULA,
    DATA_TEX,
    DIALOG_VALUE,
    FNV,
    HIDDEN,
    HREF,
    ID,
    ITEMPROP,
    NAME,
    PRIME,
    ROLE,
    SHADOW,
    STYLE,
    TRUE_VALUE,
    TYPE,
    find,
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
) = (1 << bit for bit in range(14))
NO_STYLE, UNSEEN, INLINE_STYLE, INVISIBLE = range(4)  # what a style says
NO_BREAK_SPACE, IDEOGRAPHIC_SPACE, ZERO_WIDTH_SPACE, BYTE_ORDER_MARK = 0xA0, 0x3000, 0x200B, 0xFEFF
MIN_CODE_STYLE = 32  # bytes of the shortest style that shows code
MAX_ENTITY = 10  # bytes from & to ; of an entity

if GROUP_BITS > 61:
    raise ValueError(
        "names.py: the groups and DIALOG are bits of one signed 64-bit number: 61 groups at most"
    )


@leaf
def lower(c: int) -> int:
    return c + 32 if 65 <= c <= 90 else c


@leaf
def is_space(c: int) -> bool:
    return c == 32 or (9 <= c <= 13)


@leaf
def starts_tag(data: Array, at: int) -> bool:
    """Whether a tag, comment or declaration starts here: < and a letter, /, ! or ?."""
    if data[at] != 60 or at + 1 >= data.size:
        return False
    c = data[at + 1]
    return (65 <= c <= 90) or (97 <= c <= 122) or c == 47 or c == 33 or c == 63


@leaf
def _entity(data: Array, at: int) -> tuple[int, int]:
    """(bytes, code point) of the entity at &. Named ones count as &, but for &nbsp;; what is no
    entity is the sign & alone."""
    n = data.size
    j = at + 1
    value, numeric, hexadecimal = 0, j < n and data[j] == 35, False
    if numeric:
        j += 1
        if j < n and lower(data[j]) == 120:
            hexadecimal = True
            j += 1
    while j < n and j < at + MAX_ENTITY and ((48 <= data[j] <= 57) or (97 <= lower(data[j]) <= 122)):
        c = lower(data[j])
        if numeric:
            value = value * (16 if hexadecimal else 10) + (c - 48 if c <= 57 else c - 87)
        j += 1
    if j >= n or data[j] != 59:
        return 1, 38
    size = j + 1 - at
    if numeric:
        return size, value
    return size, NO_BREAK_SPACE if size == 6 and lower(data[at + 1]) == 110 and data[at + 2] == 98 else 38


@leaf
def character(data: Array, at: int) -> tuple[int, int]:
    """(bytes, code point) of the character at a byte. Beyond the basic plane the code point is
    0x20000: Han, or as rare as Han."""
    c = np.int64(data[at])
    if c >= 0xF0:
        return 4, 0x20000
    if c >= 0xE0 and at + 2 < data.size:
        return 3, ((c & 15) << 12) | ((data[at + 1] & 63) << 6) | (data[at + 2] & 63)
    if c >= 0xC0 and at + 1 < data.size:
        return 2, ((c & 31) << 6) | (data[at + 1] & 63)
    if c == 38:
        return _entity(data, at)
    return 1, int(c)


@leaf
def is_blank(point: int) -> bool:
    """Whether a character is not seen: spaces, controls, the zero-width space and the byte order
    mark."""
    return (
        point <= 32
        or point == NO_BREAK_SPACE
        or point == IDEOGRAPHIC_SPACE
        or point == ZERO_WIDTH_SPACE
        or point == BYTE_ORDER_MARK
    )


@leaf
def skip_declaration(data: Array, at: int, foreign: bool) -> int:
    """Where a comment, CDATA section, doctype or processing instruction ends: `at` is that of ! or
    ?.

    A CDATA section is one in SVG and MathML alone (`foreign`); elsewhere it ends at the first >, as
    any unknown declaration.
    """
    n = data.size
    if data[at] == 33 and at + 2 < n and data[at + 1] == 45 and data[at + 2] == 45:
        at += 3
        if at < n and data[at] == 62:  # <!-->
            return at + 1
        if at + 1 < n and data[at] == 45 and data[at + 1] == 62:  # <!--->
            return at + 2
        start = at
        while at < n and not (
            data[at] == 62
            and (
                (at - start >= 2 and data[at - 1] == 45 and data[at - 2] == 45)
                or (at - start >= 3 and data[at - 1] == 33 and data[at - 2] == 45 and data[at - 3] == 45)
            )
        ):
            at += 1
    elif foreign and data[at] == 33 and at + 7 < n and data[at + 1] == 91 and data[at + 2] == 67:  # <![CDATA[
        while at < n and not (data[at] == 62 and data[at - 1] == 93 and data[at - 2] == 93):
            at += 1
    else:
        while at < n and data[at] != 62:
            at += 1
    return at + 1


@leaf
def tag_name(data: Array, at: int) -> tuple[int, np.uint64, bool]:
    """(where it ends, hash of its lower-case bytes, whether it holds a dash) of the name of a
    tag."""
    name, dashed = FNV, False
    while at < data.size and not is_space(data[at]) and data[at] != 62 and data[at] != 47:
        c = lower(data[at])
        dashed |= c == 45
        name = (name ^ np.uint64(c)) * PRIME
        at += 1
    return at, name, dashed


@leaf
def _begins(data: Array, at: int, name_start: int, size: int) -> bool:
    """Whether the name at `name_start` stands at a byte too, in any case, and ends there."""
    end = at + size
    if end >= data.size or not (is_space(data[end]) or data[end] == 62 or data[end] == 47):
        return False
    for k in range(size):
        if lower(data[at + k]) != lower(data[name_start + k]):
            return False
    return True


@leaf
def skip_script(data: Array, at: int, name_start: int, size: int) -> int:
    """As skip_raw, for a script: within <!-- and -->, a <script> and its end tag are text."""
    n, escaped, nested = data.size, False, False
    while at < n:
        if data[at] == 60 and at + 3 < n:
            if data[at + 1] == 33 and data[at + 2] == 45 and data[at + 3] == 45:
                escaped = True
            elif data[at + 1] == 47 and _begins(data, at + 2, name_start, size):
                if not nested:
                    return at
                nested = False
            elif escaped and _begins(data, at + 1, name_start, size):
                nested = True
        elif data[at] == 62 and data[at - 1] == 45 and data[at - 2] == 45:
            escaped = nested = False
        at += 1
    return n


@leaf
def skip_raw(data: Array, at: int, name_start: int, name_end: int) -> int:
    """Where the end tag of the raw text element starts whose name stands at those bytes; the end of
    the data where there is none."""
    n, size = data.size, name_end - name_start
    if size == 6 and lower(data[name_start]) == 115 and lower(data[name_start + 1]) == 99:  # script
        end = skip_script(data, at, name_start, size)
        if end < n:
            return end
    while at < n:
        if data[at] == 60 and at + 2 + size <= n and data[at + 1] == 47:
            k = 0
            while k < size and lower(data[at + 2 + k]) == lower(data[name_start + k]):
                k += 1
            if k == size:
                return at
        at += 1
    return n


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
        while at < n and data[at] != quote:
            at += 1
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
            at = find(NAME_TABLE_HASHES, word)
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
                at = find(CLASS_HASHES, word)
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
def is_formula_image(data: Array, start: int, end: int) -> bool:
    """Whether an image's tag may show a formula: it says tex, as in latex and ?tex=, math, mula (as
    in formula) or cht=tx&.

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
        elif c == 61 and data[i + 1] == 116 and data[i + 2] == 120 and data[i + 3] == 38:  # =tx&
            return True
    return False


@leaf
def _value_hash(data: Array, start: int, end: int) -> np.uint64:
    """FNV-1a of a value in small letters."""
    value = FNV
    for i in range(start, end):
        value = (value ^ np.uint64(lower(data[i]))) * PRIME
    return value


@leaf
def attributes(data: Array, at: int) -> tuple[int, int, np.uint64, int]:
    """(where the tag ends, groups of its names, hash of its class, what else it says): `at` is the
    byte after the tag's name. With the groups goes DIALOG (role=dialog or alertdialog, aria-modal).

    What else: LINKS (href), HIDES (hidden, display: none, a class for what is unseen), HIDES_LINE
    (visibility: hidden), CLOSES_ITSELF (/>), IS_MAIN (role=main), IS_CODE, IS_GUTTER and IS_FORMULA
    (classes; type=math/...), IS_INLINE (display: inline), IS_SHOWN (content that a script moves to
    its place: ids of React's stream, shadowrootmode), HOLDS_TEX (data-formula, data-tex), IS_LINES (a
    class: code, if lines follow), IS_SOURCE (name=code, type=syntaxhighlighter), IS_LINE_ID (the id
    is L and a number).
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
            elif key == ID and end - start >= 2 and data[start] == 76 and 48 <= data[start + 1] <= 57:  # L1
                says |= IS_LINE_ID
            elif key == ID and end - start >= 3 and data[start] == 83 and data[start + 1] == 58:  # S:
                says |= IS_SHOWN
            elif (
                key == ROLE
                and end - start == 4
                and data[start] == 109
                and data[start + 1] == 97
                and data[start + 2] == 105
            ):  # main
                says |= IS_MAIN
            elif (
                key == ROLE and end - start == 8 and data[start] == 116 and data[start + 3] == 112
            ):  # tabpanel
                says |= IS_SHOWN
            elif key == ROLE:
                value = _value_hash(data, start, end)
                if value == DIALOG_VALUE or value == ALERT_DIALOG_VALUE:
                    groups |= DIALOG
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
        elif (key == DATA_FORMULA or key == DATA_TEX) and end > start:
            says |= HOLDS_TEX
        elif key == TYPE and end - start > 5 and data[start] == 109 and data[start + 4] == 47:  # math/
            says |= IS_FORMULA
        elif key == TYPE and end - start == 17 and data[start] == 115 and data[start + 6] == 104:
            says |= IS_SOURCE
        elif (
            key == NAME
            and end - start == 4
            and data[start] == 99
            and data[start + 1] == 111
            and data[start + 2] == 100
            and data[start + 3] == 101
        ):  # code
            says |= IS_SOURCE
    return at + 1, groups, path, says
