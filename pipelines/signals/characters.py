"""What a code point is to a rule: white space, letter, symbol, end of a sentence, Han.

Belongs here: the lists of marks and the tables built from them. Does not belong here: counting
(in_words.py, in_characters.py), thresholds (policies/*.yaml).

There are two tables, one for each unit that a text is counted in. *words*: the classes of datatrove
0.10 (its two lists of punctuation), so that English decisions are equal to its filters'.
*characters*: Chinese, Japanese: what ends a sentence there, which marks may follow, and which
characters are a token by themselves.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.kernels.compiled import Array, inlined, int64

# Classes of a code point: the low 11 bits of a table's entry. The high 21 bits are the lower-cased
# code point.
SPACE, BREAK, ALPHA, ALNUM, DIGIT, SYMBOL, END, CLOSE, HAN, ALONE, STOP = (1 << bit for bit in range(11))
CLASS_BITS = 11
SIZE, HAN_END = 0x20000, 0x323B0  # planes 0 and 1; above up to HAN_END are Han, the rest is of no class

STOP_WORDS = {
    "words": ("the", "be", "to", "of", "and", "that", "have", "with"),  # Gopher
    "characters": tuple(
        "的年在月是和日了於于為为有被人中他與与後后也而由"
    ),  # FineWeb2 cmn_Hani, both scripts
}
BULLETS = {"words": "•-", "characters": "•●○■□▪▫※·➢・-*"}  # datatrove; MAP-CC
CHARACTER_ENDS = ".?!。？！…⋯;；‽⁇⁈⁉"  # what ends a sentence where it is counted in characters
CLOSING = "\"'”’」』﹂﹄〞）)】]》〉〕｣}"  # may follow the mark that ends a sentence, and belong to it
READ_MORE = (  # MAP-CC, completed
    *("readmore", "read more"),
    *("展开", "展開", "更多", "阅读全文", "閱讀全文", "展开全文", "展開全文"),
)

# datatrove's list of what is no word: signs of Latin and Chinese typography, controls, and the
# marks that end a sentence in any script.
_SYMBOLS = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~«´»–—’“”„…∶━►、。〈〉《》「」【】！％（），．１：；？～"
_CONTROLS = (*range(0x00, 0x09), *range(0x0B, 0x20), *range(0x7F, 0xA0))
_TERMINAL = (  # Unicode's Sentence_Terminal, as datatrove has it; (first, last) or one code point
    0x21, 0x2E, 0x3F, 0x589, (0x61D, 0x61F), 0x6D4, (0x700, 0x702), 0x7F9, 0x837, 0x839,
    (0x83D, 0x83E), (0x964, 0x965), (0x104A, 0x104B), 0x1362, (0x1367, 0x1368), 0x166E,
    (0x1735, 0x1736), (0x17D4, 0x17D6), (0x17D9, 0x17DA), 0x1803, 0x1809, (0x1944, 0x1945),
    (0x1AA8, 0x1AAB), (0x1B5A, 0x1B5B), (0x1B5E, 0x1B5F), (0x1B7D, 0x1B7E), (0x1C3B, 0x1C3C),
    (0x1C7E, 0x1C7F), (0x203C, 0x203D), (0x2047, 0x2049), 0x2E2E, 0x2E3C, (0x2E53, 0x2E54),
    0x3002, 0xA4FF, (0xA60E, 0xA60F), 0xA6F3, 0xA6F7, (0xA876, 0xA877), (0xA8CE, 0xA8CF),
    0xA92F, (0xA9C8, 0xA9C9), (0xAA5D, 0xAA5F), (0xAAF0, 0xAAF1), 0xABEB, 0xFE52,
    (0xFE56, 0xFE57), 0xFF01, 0xFF0E, 0xFF1F, 0xFF61, (0x10A56, 0x10A57), (0x10F55, 0x10F59),
    (0x10F86, 0x10F89), (0x11047, 0x11048), (0x110BE, 0x110C1), (0x11141, 0x11143),
    (0x111C5, 0x111C6), 0x111CD, (0x111DE, 0x111DF), (0x11238, 0x11239), (0x1123B, 0x1123C),
    0x112A9, (0x1144B, 0x1144C), (0x115C2, 0x115C3), (0x115C9, 0x115D7), (0x11641, 0x11642),
    (0x1173C, 0x1173E), 0x11944, 0x11946, (0x11A42, 0x11A43), (0x11A9B, 0x11A9C),
    (0x11C41, 0x11C42), (0x11EF7, 0x11EF8), (0x11F43, 0x11F44), (0x16A6E, 0x16A6F), 0x16AF5,
    (0x16B37, 0x16B38), 0x16B44, 0x16E98, 0x1BC9F, 0x1DA88,
)  # fmt: skip
_HAN = ((0x3007, 0x3007), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF))
_KANA = ((0x3041, 0x3096), (0x30A1, 0x30FA), (0x31F0, 0x31FF))
_BREAKS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"  # str.splitlines

UNITS = ("words", "characters")
_CHARACTER_LANGUAGES = ("zh", "ja", "yue", "wuu")


def unit_of(language: str) -> str:
    """How texts of a language are counted: in words, or in characters where words have no spaces
    between them."""
    return "characters" if language in _CHARACTER_LANGUAGES else "words"


def terminal_marks() -> set[str]:
    """The marks that end a line for FineWeb's rule, in any script."""
    marks: set[str] = set()
    for entry in _TERMINAL:
        first, last = entry if isinstance(entry, tuple) else (entry, entry)
        marks |= {chr(point) for point in range(first, last + 1)}
    return marks


def symbols() -> set[str]:
    """The characters of which a word consists that counts as none (datatrove's punctuation)."""
    return {*_SYMBOLS, *map(chr, _CONTROLS), *terminal_marks()}


@cache
def table(unit: str) -> NDArray[np.uint32]:
    """For each code point below SIZE: lower-cased code point << CLASS_BITS | classes; uint32
    [SIZE].

    A character whose lower case is several keeps itself. Texts counted in characters come
    NFKC-folded.
    """
    values = np.zeros(SIZE, np.uint32)
    for point in range(SIZE):
        char = chr(point)
        low = char.lower()
        bits = (
            (SPACE if char.isspace() else 0)
            | (ALPHA if char.isalpha() else 0)
            | (ALNUM if char.isalnum() else 0)
            | (DIGIT if char.isdigit() else 0)
        )
        values[point] = (ord(low) if len(low) == 1 else point) << CLASS_BITS | bits
    ends = terminal_marks() if unit == "words" else set(CHARACTER_ENDS)
    marked: tuple[tuple[int, Any], ...] = (
        (BREAK, _BREAKS),
        (SYMBOL, symbols()),
        (END, ends),
        (CLOSE, CLOSING),
    )
    for bit, chars in marked:
        values[[ord(c) for c in chars]] |= np.uint32(bit)
    for first, last in _HAN:
        values[first : last + 1] |= np.uint32(HAN | (ALONE if unit == "characters" else 0))
    if unit == "characters":
        for first, last in _KANA:
            values[first : last + 1] |= np.uint32(ALONE)
        values[[ord(c) for c in STOP_WORDS[unit]]] |= np.uint32(STOP)
    return values


@inlined
def classes_of(table: Array, point: int, in_characters: bool) -> int:
    """Lower-cased code point << CLASS_BITS | classes, of a `table` of the unit that is named."""
    if point < SIZE:
        return int64(table[point])
    if point < HAN_END:
        return point << CLASS_BITS | ALPHA | ALNUM | HAN | (ALONE if in_characters else 0)
    return point << CLASS_BITS
