"""Texts as bytes: Arrow strings as buffers, and the code points in them.

Belongs here: what reads UTF-8 and knows nothing of what a character means. Does not belong here:
folding and classes of characters (normal_form.py), HTML's entities (extraction/html/markup.py).
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from pipelines.kernels.compiled import Array, inlined, int64
from pipelines.kernels.hashing64 import U32, U64


def text_buffers(texts: pa.Array | pa.ChunkedArray) -> tuple[Array, Array]:
    """(bytes uint8, offsets int64 [n + 1]) of a string array, without a copy where it is already
    large; null is empty."""
    if isinstance(texts, pa.ChunkedArray):
        texts = texts.combine_chunks()
    if texts.null_count:
        texts = texts.fill_null("")
    wide = texts.cast(pa.large_string())
    _, offsets, data = wide.buffers()
    if offsets is None or not len(wide):
        return np.zeros(0, np.uint8), np.zeros(len(wide) + 1, np.int64)
    ends = np.frombuffer(offsets, np.int64)[wide.offset : wide.offset + len(wide) + 1]
    return np.frombuffer(data, np.uint8) if data is not None else np.zeros(0, np.uint8), ends


@inlined
def decode(data: Array, i: int, end: int) -> tuple[np.uint32, int]:
    """(code point uint32, width in bytes) at byte i of valid UTF-8. A sequence that `end` cuts
    reads as one byte, so nothing is read beyond it."""
    at = U64(i)
    c = U32(data[at])
    if c < 0x80:
        return c, 1
    if c < 0xE0 and i + 1 < end:
        return U32((c & U32(0x1F)) << U32(6) | U32(data[at + U64(1)] & 0x3F)), 2
    if c < 0xF0 and i + 2 < end:
        low = U32(data[at + U64(1)] & 0x3F) << U32(6) | U32(data[at + U64(2)] & 0x3F)
        return U32((c & U32(0x0F)) << U32(12) | low), 3
    if i + 3 < end:
        low = U32(data[at + U64(2)] & 0x3F) << U32(6) | U32(data[at + U64(3)] & 0x3F)
        return U32((c & U32(0x07)) << U32(18) | U32(data[at + U64(1)] & 0x3F) << U32(12) | low), 4
    return c, 1


@inlined
def decode_valid(data: Array, i: int) -> tuple[int, int]:
    """(code point int64, width in bytes) at byte i, for loops whose text ends where a character
    ends: rules and the tokenizer read valid UTF-8 only, and `decode`'s bounds cost them time."""
    c = int64(data[i])
    if c < 0x80:
        return c, 1
    if c < 0xE0:
        return (c & 0x1F) << 6 | int64(data[i + 1] & 0x3F), 2
    if c < 0xF0:
        return (c & 0x0F) << 12 | int64(data[i + 1] & 0x3F) << 6 | int64(data[i + 2] & 0x3F), 3
    high = (c & 0x07) << 18 | int64(data[i + 1] & 0x3F) << 12
    return high | int64(data[i + 2] & 0x3F) << 6 | int64(data[i + 3] & 0x3F), 4
