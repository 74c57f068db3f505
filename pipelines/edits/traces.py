"""What a text holds of the things that personal data is made of: signs, runs of digits, words before
a number. One compiled pass, so that most patterns are never tried on most texts.

Belongs here: which traces there are, and finding them. Does not belong here: the patterns that need
them (personal_patterns.py), the bytes of a text (one_byte.py).
"""

from __future__ import annotations

import numpy as np

from pipelines.edits.one_byte import HAN_BYTES
from pipelines.kernels.compiled import Array, kernel
from pipelines.kernels.hashing64 import U64

# Bits of what is found, one for each trace.
AT, AT_IN_BRACKETS, DOT, SPACED_AT, PLUS, ADDRESS, CHINA, QQ, WECHAT, PASSPORT, SSN = (
    1 << bit for bit in range(11)
)
NAMED_7, DIGITS_10, DIGITS_15 = (1 << bit for bit in range(11, 14))
"""So many digits, one after the other or with at most MAX_GAP of `-. ()` between two; `named`: behind
a word for a telephone."""
MAX_GAP = 4  # the widest that a pattern has is 3, as in `0571 - 88888888`
MAX_BEHIND = 24  # bytes from the end of such a word to the number, as in `telephone number: +`
_CALL = 1 << 14  # no trace by itself

# What ends at a byte, small letters for both; `~` stands for a space.
_WORDS = {
    AT_IN_BRACKETS: " ".join(f"{a}{sign}{b}" for sign in ("at", "@") for a in "([{<#_" for b in ")]}>#_"),
    DOT: "~dot~",
    SPACED_AT: "~@~",
    _CALL: "电话 手机 传真 热线 座机 方式 致电 拨打 tel phone fax mobile cell call whatsapp",
    CHINA: "86) 86- 86~ 861",
    QQ: " ".join(["群号", *(a + b for a in "q扣企加" for b in "q群扣鹅")]),
    WECHAT: "微信 v信 vx wechat",
    PASSPORT: "护照 行证 passport",
    SSN: "ssn ocial~se",
}
_ENTRIES = sorted(
    (bytes(HAN_BYTES.get(char, ord(char)) for char in word.replace("~", " "))[::-1], bit)
    for bit, words in _WORDS.items()
    for word in words.split(" ")
)  # each backwards, so that those of an equal end stand together
_VALUES = np.array([int.from_bytes(word, "little") for word, _ in _ENTRIES], np.uint64)
_MASKS = np.array([(1 << 8 * len(word)) - 1 for word, _ in _ENTRIES], np.uint64)
_BITS = np.array([bit for _, bit in _ENTRIES], np.int64)
_FIRST = np.searchsorted(np.array([word[0] for word, _ in _ENTRIES]), np.arange(257))
"""The first entry that ends in each byte."""
_SEPARATOR = np.isin(np.arange(256), [ord(char) for char in "-. ()"])


@kernel
def traces_in(data: Array) -> int:
    """The traces that a text holds, as bits; `data`: its bytes as one_byte.in_bytes gives them
    (uint8 [n])."""
    found, word = 0, U64(0)
    run, gap, most = 0, 0, 0  # digits of a number, separators behind the last one, most of any number
    digits, dots = 0, 0  # since the last dot; dots of what may be an address
    called, number = -MAX_BEHIND - 1, 0  # where a word for a telephone ended, where the number began
    for at in range(data.size):
        byte = data[at]
        if 48 <= byte <= 57:
            if not run:
                number = at
            run += 1
            most = max(most, run)
            gap = 0
            if run == 7 and number - called <= MAX_BEHIND:
                found |= NAMED_7
            digits += 1
            if dots >= 3:
                found |= ADDRESS
            if (word & U64(0xFF)) == U64(43) and byte > 48:
                found |= PLUS
        elif _SEPARATOR[byte]:
            gap += 1
            if gap > MAX_GAP:
                run = 0
            if byte != 46 or not digits:
                dots = 0
            elif dots and digits > 3:
                dots = 1
            else:
                dots += 1
            digits = 0
        else:
            run = digits = dots = 0
            if byte == 64:
                found |= AT
        small = byte | 32 if 65 <= byte <= 90 else byte
        word = word << U64(8) | U64(small)
        for k in range(_FIRST[small], _FIRST[small + 1]):
            if word & _MASKS[k] == _VALUES[k]:
                found |= _BITS[k]
                called = at if _BITS[k] == _CALL else called
    if most >= 10:
        found |= DIGITS_10
    if most >= 15:
        found |= DIGITS_15
    return found & ~_CALL
