"""The normal form and tokens by a plain reading of their definitions: no tables, no arrays.

Belongs here: what the compiled forms in normal_form.py and tokens.py must equal, character by
character in Python. Does not belong here: anything that a stage calls.
"""

from __future__ import annotations

import unicodedata
from typing import NamedTuple

from pipelines.kernels.hashing64 import MIX, STEP
from pipelines.kernels.normal_form import ALONE, ALONE_RANGES, DIGIT, LETTER, SEPARATOR

WORD = (1 << 64) - 1


class Token(NamedTuple):
    """A token: its folded characters, its class, and its first byte and the byte behind it."""

    text: str
    group: int
    start: int
    end: int


def fold(char: str) -> tuple[int, int]:
    """(folded code point, class) of one character."""
    if ord(char) > 0xFFFF:
        return ord(char), ALONE if 0x20000 <= ord(char) < 0x40000 else SEPARATOR
    low = unicodedata.normalize("NFKC", char).lower()
    if len(low) != 1 or ord(low) > 0xFFFF:
        low = char.lower() if len(char.lower()) == 1 else char
    kind = unicodedata.category(low)
    if any(first <= ord(low) <= last for first, last in ALONE_RANGES):
        return ord(low), ALONE if kind[0] in "LNM" else SEPARATOR
    if kind == "Nd":
        return ord("0") + unicodedata.decimal(low), DIGIT
    return ord(low), LETTER if kind[0] in "LM" else SEPARATOR


def tokens(text: str) -> list[Token]:
    """Runs of letters, runs of digits and characters that stand alone, in order."""
    found: list[Token] = []
    previous, at = SEPARATOR, 0
    for char in text:
        value, group = fold(char)
        end = at + len(char.encode())
        if group not in (SEPARATOR, ALONE) and group == previous:
            found[-1] = found[-1]._replace(text=found[-1].text + chr(value), end=end)
        elif group != SEPARATOR:
            found.append(Token(chr(value), group, at, end))
        previous, at = group, end
    return found


def avalanche(h: int) -> int:
    """As hashing64.avalanche, over Python's integers."""
    h = (h ^ h >> 32) * int(MIX) & WORD
    return h ^ h >> 29


def token_value(text: str) -> int:
    """The value of a token: its folded bytes, eight at a time."""
    data, value = text.encode(), 0
    for start in range(0, len(data), 8):
        value = (value ^ value >> 32) * int(MIX) & WORD ^ int.from_bytes(data[start : start + 8], "little")
    return value


def token_hash(text: str) -> int:
    """The hash of a token, as shingles take it."""
    return avalanche(token_value(text) * int(STEP) & WORD)
