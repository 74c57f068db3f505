"""Which tokens of a page its gold text covers.

Belongs here: longest common blocks of two sequences, as difflib finds them, in compiled code. Does
not belong here: what tokens are (gold.py), labels of blocks (training.py).
"""

from __future__ import annotations

import numpy as np

from pipelines.kernels.compiled import Array, kernel


def covered(found: list[str], gold: list[str]) -> Array:
    """Whether each token of `found` lies in one of the longest common blocks with `gold`; bool
    [n].

    The blocks are those of `difflib.SequenceMatcher(None, found, gold, autojunk=False)`: the longest
    run that both share, then the same before it and behind it.
    """
    codes: dict[str, int] = {}
    a = np.array([codes.setdefault(token, len(codes)) for token in found], np.int64)
    b = np.array([codes.setdefault(token, len(codes)) for token in gold], np.int64)
    if not len(a) or not len(b):
        return np.zeros(len(a), np.bool_)
    order = np.argsort(b, kind="stable")
    starts = np.searchsorted(b[order], np.arange(len(codes) + 1))
    return _covered(a, order, starts, len(b))


@kernel
def _covered(a: Array, order: Array, starts: Array, num_gold: int) -> Array:
    """order: places of the gold tokens by code, ascending within a code; starts: where each code
    begins in it."""
    out = np.zeros(a.size, np.bool_)
    lengths = np.zeros(num_gold + 1, np.int64)  # of the run that ends before a place of the gold
    rows = np.full(num_gold + 1, -1, np.int64)  # for which token of `a` a length holds
    stack = [(0, a.size, 0, num_gold)]
    stamp = 0  # tells one search from another
    while stack:
        a_low, a_high, b_low, b_high = stack.pop()
        best, best_a, best_b = 0, a_low, b_low
        for i in range(a_low, a_high):
            first, k = starts[a[i]], starts[a[i] + 1] - 1
            while k >= first:  # from behind, so that lengths of the token before are still there
                j = order[k]
                k -= 1
                if j >= b_high:
                    continue
                if j < b_low:
                    break
                size = 1
                if j > b_low and rows[j] == stamp + i - 1 and i > a_low:
                    size = lengths[j] + 1
                lengths[j + 1], rows[j + 1] = size, stamp + i
                if size > best or (size == best and best_a + best == i + 1):
                    best, best_a, best_b = size, i + 1 - size, j + 1 - size
        stamp += a.size + 1
        if best:
            out[best_a : best_a + best] = True
            if a_low < best_a and b_low < best_b:
                stack.append((a_low, best_a, b_low, best_b))
            if best_a + best < a_high and best_b + best < b_high:
                stack.append((best_a + best, a_high, best_b + best, b_high))
    return out
