"""Which of many keys are equal.

Belongs here: classes of equal hashes, for paths of elements and texts of blocks. Does not belong
here: what is counted in a class (features.py, context.py).
"""

from __future__ import annotations

import numpy as np

from pipelines.kernels.compiled import Array, kernel


@kernel
def first_equal(keys: Array) -> Array:
    """For each key the place of the first that equals it; int64 [n]."""
    order = np.argsort(keys, kind="mergesort")
    classes = np.zeros(keys.size, np.int64)
    first = 0
    for k in range(keys.size):
        if k and keys[order[k]] != keys[order[k - 1]]:
            first = k
        classes[order[k]] = order[first]
    return classes
