"""Characters in repeated n-grams, by one compiled kernel.

Belongs here: the kernel. Does not belong here: what a token is (rules.py).
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True)
def repeated(ids: NDArray[np.uint32], lengths: NDArray[np.int32], gap: int) -> NDArray[np.float64]:
    """Characters in the most frequent n-gram (n = 2..4) and in n-grams seen before (n = 5..10): nine numbers.

    `ids`: one number for each token, equal for equal tokens; `lengths`: characters of each token; `gap`: characters between the tokens of
    a top n-gram (1 where words are joined by a space). As in Gopher (Rae et al. 2021, table A1) and datatrove: the top n-gram counts
    length x occurrences; a repeated n-gram of 5 or more is counted and skipped whole, so that no character counts twice. N-grams are
    compared by 64-bit hashes.
    """
    n = len(ids)
    out = np.zeros(9)
    size = 16
    while size < 2 * n:
        size *= 2
    mask = np.uint64(size - 1)
    keys = np.zeros(size, np.uint64)
    counts = np.zeros(size, np.int64)
    starts = np.zeros(size, np.int64)
    for order in range(2, 11):
        if n < order:
            break
        keys[:] = 0
        counts[:] = 0
        best, best_length = 0, 0
        best_start = n
        total = 0
        i = 0
        while i <= n - order:
            key = np.uint64(order)
            length = 0
            for k in range(i, i + order):
                key = (key ^ np.uint64(ids[k])) * np.uint64(0x9E3779B97F4A7C15)
                key ^= key >> np.uint64(29)
                length += lengths[k]
            key |= np.uint64(1)  # 0 marks a free slot
            slot = (key >> np.uint64(7)) & mask
            while keys[slot] != 0 and keys[slot] != key:
                slot = (slot + np.uint64(1)) & mask
            seen = keys[slot] == key
            keys[slot] = key
            counts[slot] += 1
            if order <= 4:
                length += gap * (order - 1)
                if counts[slot] == 1:
                    starts[slot] = i
                # Of equally frequent n-grams the one that came first, as a counter has it.
                if counts[slot] > best or (counts[slot] == best and starts[slot] < best_start):
                    best, best_length, best_start = counts[slot], length, starts[slot]
                i += 1
            elif seen:
                total += length
                i += order
            else:
                i += 1
        out[order - 2] = best * best_length if order <= 4 else total
    return out
