"""Tables of bits that tell most 64-bit hashes of a large set from those of a small one.

Belongs here: building such a table and asking it. Does not belong here: what is done with a hash
that may be in the set (dedup/bands.py, contamination/matching.py compare it whole).
"""

from __future__ import annotations

import numpy as np

from pipelines.kernels.compiled import Array, inlined, kernel
from pipelines.kernels.hashing64 import U64


@kernel
def _mark(keys: Array, table: Array) -> None:
    mask = U64(len(table) - 1)
    for key in keys:
        table[(key >> U64(6)) & mask] |= U64(1) << (key & U64(63))


def bit_table(keys: Array) -> Array:
    """Bits that tell most other keys apart from `keys` (uint64): key k sets bit k mod their number;
    uint64, a power of two of words. 32 bits a key, at most 128 MiB."""
    bits = min(30, max(12, 5 + len(keys).bit_length()))
    table = np.zeros(1 << (bits - 6), np.uint64)
    _mark(keys, table)
    return table


@inlined
def may_hold(table: Array, mask: np.uint64, key: np.uint64) -> np.uint64:
    """1 where `key` may be among the keys of a `bit_table`, 0 where it is not. `mask`: the number
    of its words less one."""
    return table[(key >> U64(6)) & mask] >> (key & U64(63)) & U64(1)
