"""How text is cut before merges: character classes and the pre-token pattern.

Belongs here: what a Han run, a digit and a Latin segment are. Does not belong here: which pieces
exist.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any

# Unified ideographs, radicals, compatibility forms, 々 and 〇: what a Chinese word may be made of.
HAN = (
    "\u2e80-\u2fdf\u3005\u3007\u3021-\u3029\u3038-\u303b\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\U00020000-\U0003ffff"
)
# With CJK punctuation, bopomofo, enclosed, vertical and full-width forms: kept out of the first
# class. Kana and Hangul are alphabets like Greek and Cyrillic and stand there, as they do in
# LLaMA's 32,000: they cost Chinese no character.
CJK = HAN + "\u3000-\u303f\u3100-\u312f\u31a0-\u31ef\u3200-\u33ff\ufe30-\ufe4f\uff00-\uffef"

HAN_RUN = re.compile(f"[{HAN}]+")
CJK_RUN = re.compile(f"[{CJK}]+")

# One digit; a run of Han; letters with at most one character before them; other signs with a space
# before and line ends after; line ends; spaces, of which the last is left to a letter or sign that
# follows. Nothing is dropped, so the pieces of a text concatenate to it.
LETTER = rf"[\p{{L}}\p{{M}}&&[^{HAN}]]"
SIGN = rf"[^\s\p{{L}}\p{{M}}\p{{Nd}}{HAN}]"
PATTERN = "|".join(
    [
        r"\p{Nd}",
        f"[{HAN}]+",
        rf"(?:[^\r\n\p{{L}}\p{{M}}\p{{Nd}}{HAN}])?{LETTER}+",
        rf" ?{SIGN}+[\r\n]*",
        r"\s*[\r\n]+",
        rf"\s+(?![^\s\p{{Nd}}{HAN}])",
        r"\s+",
    ]
)


def pre_tokenizer() -> Any:
    """The `tokenizers` pre-tokenizer of PATTERN."""
    from tokenizers import Regex
    from tokenizers.pre_tokenizers import Split

    return Split(Regex(PATTERN), behavior="isolated")


def is_cjk(char: str) -> bool:
    return CJK_RUN.match(char) is not None


def is_text(char: str) -> bool:
    """Whether a character may be a piece: not a control, private, unassigned or surrogate code
    point."""
    return unicodedata.category(char) not in ("Cc", "Cs", "Co", "Cn")


def filler(cjk: bool) -> Any:
    """Code points that fill a class which the sample could not: Han by block, or other scripts in
    order."""
    if cjk:
        blocks = [
            (0x4E00, 0xA000),
            (0x3400, 0x4DC0),
            (0x20000, 0x2A6E0),
            (0x2A700, 0x2EBE1),
            (0x30000, 0x323B0),
        ]
    else:
        blocks = [(0xA1, 0x2E80), (0xA000, 0xA960), (0xAB00, 0xAC00), (0x10000, 0x20000), (0xAC00, 0xD7A4)]
    for start, end in blocks:
        for code in range(start, end):
            char = chr(code)
            if is_text(char) and unicodedata.category(char) not in ("Nd", "Zs", "Zl", "Zp"):
                yield char
