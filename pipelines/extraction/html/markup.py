"""Bytes of markup -> characters, tags, attributes: where each ends, and what it says.

Belongs here: the rules of HTML's tokenizer that decide where text begins again (comments, raw text
elements, entities). Does not belong here: what attributes say (attributes.py), open elements
(nesting.py, tree.py), counts (runs.py). Each function reads on from a byte and never past the end.
"""

# ruff: noqa: SIM109, SIM110 (compiled code compares faster one by one)
from __future__ import annotations

import numpy as np

from pipelines.extraction.html.tags import FNV, PRIME
from pipelines.kernels.compiled import Array, leaf
from pipelines.kernels.simd import BLOCK_BYTES, either_mask, trailing_zeros

NO_BREAK_SPACE, IDEOGRAPHIC_SPACE, ZERO_WIDTH_SPACE, BYTE_ORDER_MARK = 0xA0, 0x3000, 0x200B, 0xFEFF
MAX_BUTTON = 2000  # bytes of markup in a button in which a question is looked for
MIN_ASKED = 4  # words of a question
MAX_ENTITY = 10  # bytes from & to ; of an entity


@leaf
def lower(c: int) -> int:
    return c + 32 if 65 <= c <= 90 else c


@leaf
def is_space(c: int) -> bool:
    return c == 32 or (9 <= c <= 13)


@leaf
def next_of(data: Array, at: int, first: int, second: int) -> int:
    """Where the next byte stands that is `first` or `second`; the end of the data where none is."""
    n = data.size
    while at + BLOCK_BYTES <= n:
        found = either_mask(data, at, first, second)
        if found:
            return at + trailing_zeros(found)
        at += BLOCK_BYTES
    while at < n and data[at] != first and data[at] != second:
        at += 1
    return at


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
        at = next_of(data, at, 62, 62)
        while at < n and not (
            (at - start >= 2 and data[at - 1] == 45 and data[at - 2] == 45)
            or (at - start >= 3 and data[at - 1] == 33 and data[at - 2] == 45 and data[at - 3] == 45)
        ):
            at = next_of(data, at + 1, 62, 62)
    elif foreign and data[at] == 33 and at + 7 < n and data[at + 1] == 91 and data[at + 2] == 67:  # <![CDATA[
        while at < n and not (data[at] == 62 and data[at - 1] == 93 and data[at - 2] == 93):
            at += 1
    else:
        at = next_of(data, at, 62, 62)
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
    at = next_of(data, at, 60, 62)
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
        at = next_of(data, at + 1, 60, 62)
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
    at = next_of(data, at, 60, 60)
    while at < n:
        if at + 2 + size <= n and data[at + 1] == 47:
            k = 0
            while k < size and lower(data[at + 2 + k]) == lower(data[name_start + k]):
                k += 1
            if k == size:
                return at
        at = next_of(data, at + 1, 60, 60)
    return n


@leaf
def asks(data: Array, at: int) -> bool:
    """Whether the text from a byte up to the end tag of its button is a question: it ends with its mark,
    and has MIN_ASKED words, a Han character as one."""
    words, marked, in_word = 0, False, False
    stop = min(data.size, at + MAX_BUTTON)
    while at < stop:
        c = int(data[at])
        if c == 60:
            if (
                at + 3 < stop
                and data[at + 1] == 47
                and lower(data[at + 2]) == 98
                and lower(data[at + 3]) == 117
            ):
                return marked and words >= MIN_ASKED  # </bu
            while at < stop and data[at] != 62:
                at += 1
        elif is_space(c):
            in_word = False
        else:
            wide = c == 0xEF and at + 2 < stop and data[at + 1] == 0xBC and data[at + 2] == 0x9F
            words += not in_word or 0xE4 <= c <= 0xE9
            marked, in_word = c == 63 or wide, True
            at += 2 if wide else 0
        at += 1
    return False
