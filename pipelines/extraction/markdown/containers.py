"""For each element, the item, list, cell, row and table that it lies in.

Belongs here: the nearest containers, in one compiled pass. Does not belong here: how they are written
(lines.py, tables.py).
"""

from __future__ import annotations

import numpy as np

from pipelines.extraction.html import columns as col
from pipelines.extraction.html import tags
from pipelines.kernels.compiled import Array, kernel

# columns: the nearest element of each kind, itself included (-1: none); a table ends the items outside it
ITEM, CELL, ROW, TABLE, DEFINITIONS = range(5)
NUM_COLUMNS = 5


@kernel
def containers(elements: Array) -> Array:
    """int64 [e, NUM_COLUMNS] of elements as tree.parse gives them."""
    found = np.full((elements.shape[0], NUM_COLUMNS), -1, np.int64)
    for e in range(elements.shape[0]):
        parent, kind = elements[e, col.E_PARENT], elements[e, col.E_KIND]
        if parent >= 0:
            for k in range(NUM_COLUMNS):
                found[e, k] = found[parent, k]
        if kind == tags.LI:
            found[e, ITEM] = e
        elif kind == tags.TD:
            found[e, CELL] = e
        elif kind == tags.TR:
            found[e, ROW] = e
        elif kind == tags.TABLE:
            found[e, ITEM] = found[e, CELL] = found[e, ROW] = found[e, DEFINITIONS] = -1
            found[e, TABLE] = e
        elif kind == tags.DL:
            found[e, DEFINITIONS] = e
    return found
