"""A set of hashes that is emptied for each text: which lines and paragraphs were there before.

Belongs here: the set, and the hash of a line, paragraph or token, value by value. Does not belong
here: n-grams (repetition.py), what a line or a paragraph is.

Two different lines of one hash would count as one. With 64 bits that is not seen in practice: the
tests compare with sets of strings.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pipelines.kernels.compiled import Array, Value, inlined, int64, kernel
from pipelines.kernels.hashing64 import FNV_START, GOLDEN, MIX, U64, avalanche

PARAGRAPH = MIX  # told apart from a line of equal text


class HashSet(NamedTuple):
    """Open addressing in arrays that outlive a text: keys uint64, stamps uint32. A slot is taken
    where its stamp is `generation`; `mask`: slots in use less one."""

    keys: Array
    stamps: Array
    generation: np.uint32
    mask: np.uint64


@inlined
def mix(h: np.uint64, value: Value) -> np.uint64:
    """A hash that starts as FNV_START, after one more value (a code point, or a word's hash)."""
    return (h ^ U64(value)) * GOLDEN


@inlined
def seen(hashes: HashSet, key: np.uint64) -> bool:
    """Whether `key` is in the set; adds it."""
    slot = int64((key >> U64(20)) & hashes.mask)
    while hashes.stamps[slot] == hashes.generation:
        if hashes.keys[slot] == key:
            return True
        slot = int64(U64(slot + 1) & hashes.mask)
    hashes.stamps[slot] = hashes.generation
    hashes.keys[slot] = key
    return False


@kernel
def word_hash(points: Array) -> np.uint64:
    """The hash of a token of these code points (int64)."""
    h = FNV_START
    for point in points:
        h = mix(h, point)
    return avalanche(h)
