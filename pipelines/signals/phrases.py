"""Phrases in bytes, in any case of their ASCII letters.

Belongs here: comparing. Does not belong here: which phrases (c4.py, in_words.py, in_characters.py).
"""

from __future__ import annotations

import numpy as np

from pipelines.kernels.compiled import Array, inlined, kernel


def phrase(text: str) -> Array:
    """A phrase as the functions below take it: lower case, uint8."""
    return np.frombuffer(text.encode(), np.uint8)


@kernel
def ends_with(data: Array, start: int, end: int, wanted: Array) -> bool:
    """Whether the bytes of data[start:end] end in `wanted`."""
    size = len(wanted)
    if end - start < size:
        return False
    for k in range(size):
        c = data[end - size + k]
        if 65 <= c <= 90:
            c |= np.uint8(32)
        if c != wanted[k]:
            return False
    return True


@inlined
def stands_at(data: Array, start: int, end: int, at: int, wanted: Array) -> bool:
    """Whether `wanted` stands at byte `at` of data[start:end]."""
    return at >= start and at + len(wanted) <= end and ends_with(data, at, at + len(wanted), wanted)
