"""Texts as one byte a character, as patterns of personal data read them.

Belongs here: which byte stands for a character. Does not belong here: the patterns
(personal_patterns.py), what a text holds at all (traces.py).
"""

from __future__ import annotations

import numpy as np

# The Han characters that a pattern names, simplified and traditional: a group is one byte, from 0x80.
_NAMED = (
    " 电電 话話 手 机機 传傳 真 热熱 线線 座 联聯 系繫 方 式 致 拨撥 打"
    " 号號 码碼 转轉 微 信 扣 群 加 企 鹅鵝 护護 照 通 行 证證 身 份"
    " 邮郵 箱 件 地 址 字 节節 版 本 第 章 条條 订訂 单單 编編 序 列 流"
    " 水 货貨 书書 期 型 大 小 服 务務 器 主 网網 关關 访訪 问問 解 析"
    " 来來 自 元 美 人 次 个個 万萬 亿億 吨噸 米 克 年 月 正 为為 是"
    " ¥￥€£"
)
HAN_BYTES = {char: 0x80 + k for k, group in enumerate(_NAMED.split()) for char in group}
_OTHER, _NOTHING = ord("?"), 0
_NOT_SEEN = [0xAD, 0x180E, 0xFEFF, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070)]
_SPACES = [0xA0, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000]
_HYPHENS = [*range(0x2010, 0x2014), 0x2212]  # a dash (U+2014) ends a number, as other marks do


def _byte_table() -> np.ndarray:
    table = np.full(0x10000, _OTHER, np.uint8)
    table[1:0x80] = np.arange(1, 0x80)
    table[0xFF01:0xFF5F] = np.arange(0x21, 0x7F)  # full-width forms of ASCII
    table[_NOT_SEEN], table[_SPACES], table[_HYPHENS] = _NOTHING, ord(" "), ord("-")
    table[[0x3001, 0x3002]] = ord(",")
    for char, byte in HAN_BYTES.items():
        table[ord(char)] = byte
    return table


_TABLE = _byte_table()


def in_bytes(text: str) -> tuple[bytearray, np.ndarray | None]:
    """(one byte for each character that is seen, the place in `text` of each; None where that is the
    byte's own place).

    ASCII is itself and stands for its full-width forms; the Han characters that a pattern names have
    bytes of their own; every other character is "?", which is in no pattern.
    """
    if text.isascii() and "\0" not in text:
        return bytearray(text.encode()), None
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    found = _TABLE[np.minimum(points, 0xFFFF)]
    if found.all():
        return bytearray(found.tobytes()), None
    seen = np.flatnonzero(found)
    return bytearray(found[seen].tobytes()), seen
