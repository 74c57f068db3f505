"""The normal form of a character: its folded code point, and whether it separates, is a letter, a
digit, or a token by itself.

Belongs here: the fold table and its look-up. Does not belong here: tokens (tokens.py), hashes of
texts (text_hashes.py), the characters of the rules (signals/characters.py).

Every code point is folded (lower case, full width to ASCII, compatibility forms of one character)
and is a separator, a letter, a digit, or a character that stands alone (Han, kana, and other
scripts without spaces). The plain definition is reference.fold; tests/pipelines/kernels/
test_normal_form.py proves the table equal to it for every code point.
"""

from __future__ import annotations

import unicodedata
from functools import cache

import numpy as np

from pipelines.kernels.compiled import Array, inlined
from pipelines.kernels.hashing64 import U32

SEPARATOR, LETTER, DIGIT, ALONE = 0, 1, 2, 3
# scripts written without spaces: Thai and Lao, Burmese, Khmer, radicals, kana, Han
ALONE_RANGES = (
    *((0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x2E80, 0x2FDF), (0x3005, 0x3007)),
    *((0x3040, 0x30FF), (0x31F0, 0x31FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF)),
)


@cache
def fold_table() -> Array:
    """For each code point of the first plane: folded code point << 2 | class; uint32 [65536].

    A character that folds to several keeps itself, lower-cased where that is one character.
    """
    table = np.zeros(65536, np.uint32)
    for point in range(65536):
        if 0xD800 <= point < 0xE000:
            continue
        char = chr(point)
        folded = unicodedata.normalize("NFKC", char).lower()
        if len(folded) != 1 or ord(folded) > 0xFFFF:
            folded = char.lower() if len(char.lower()) == 1 else char
        value, kind = ord(folded), unicodedata.category(folded)
        if any(low <= value <= high for low, high in ALONE_RANGES):
            group = ALONE if kind[0] in "LNM" else SEPARATOR
        elif kind == "Nd":
            group, value = DIGIT, ord("0") + unicodedata.decimal(folded)
        else:
            group = LETTER if kind[0] in "LM" else SEPARATOR
        table[point] = value << 2 | group
    return table


@inlined
def fold(table: Array, point: np.uint32) -> np.uint32:
    """Folded code point << 2 | class. Beyond the first plane, the ideographic planes stand alone
    and the rest separates."""
    if point < 65536:
        return table[point]
    if 0x20000 <= point < 0x40000:
        return U32(point << U32(2) | U32(3))
    return U32(point << U32(2))
