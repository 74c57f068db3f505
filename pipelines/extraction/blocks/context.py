"""What a first forest thinks of a block's surroundings -> more numbers about the block.

Belongs here: means of probabilities over the places that a block belongs to (ancestors, list, row,
repeated unit, section, window, page). Does not belong here: numbers that need no probability
(features.py), the choice (model.py).

A heading, an item of a list, a cell or a card of a grid says little by itself; whether it is main
text shows in what the others of its kind and its neighbours are. Nothing here depends on how far
down a page a block stands.
"""

from __future__ import annotations

import numpy as np

from pipelines.extraction.blocks.equal_keys import first_equal
from pipelines.extraction.html import columns as col
from pipelines.extraction.html import tags as tag
from pipelines.kernels.compiled import Array, kernel

LEVELS = 6  # ancestors: the block's own element and five above
OFFSETS = (-4, -3, -2, -1, 1, 2, 3, 4)  # neighbours
WINDOWS = (2, 6, 15)  # blocks on each side that a mean goes over
MAX_WEIGHT = 40.0  # tokens that a block counts at most in a mean
NEAR = 30  # distance in blocks beyond which none is told from another
_OFFSETS, _WINDOWS = np.array(OFFSETS), np.array(WINDOWS)

NAMES: tuple[str, ...] = (
    "chance",
    *(f"chance_{o:+d}" for o in OFFSETS),
    *(f"chance_up{i}" for i in range(LEVELS)),
    *("chance_alike", "chance_alike_most", "chance_alike_parent"),
    *("chance_unit", "chance_units", "chance_unit_before", "chance_unit_after"),
    *(f"chance_window{w}" for w in WINDOWS),
    *("chance_heading", "chance_section", "chance_next_section"),
    *("to_likely_before", "to_likely_after", "inside_likely"),
    *("expected_before", "expected_after", "expected_share", "expected_tokens", "chance_most"),
    *("rank", "likely_share", "page_sure"),
)
NUM_FEATURES = len(NAMES)


@kernel
def context(elements: Array, blocks: Array, chances: Array) -> Array:
    """float32 [n, NUM_FEATURES] in the order of NAMES; chances float64 [n], the rest as tree.parse
    gives it."""
    n, num_elements = blocks.shape[0], elements.shape[0]
    x = np.zeros((n, NUM_FEATURES), np.float32)
    if n == 0:
        return x
    weights = np.minimum(blocks[:, col.B_TOKENS].astype(np.float64), MAX_WEIGHT) + 1.0
    sums = np.zeros((num_elements, 2))  # chance by weight, weight of the subtree
    cum = np.zeros((n + 1, 2))
    own = np.zeros((num_elements, 3))  # by class of path: chance by weight, weight, highest chance
    parents = np.zeros((num_elements, 2))  # by class of the parent's path
    classes = first_equal(elements[:, col.E_PATH].copy())
    expected = np.zeros(n + 1)
    most, sure, tokens = 0.0, 0.0, blocks[:, col.B_TOKENS].sum()
    for i in range(n):
        e, p, w = blocks[i, col.B_ELEMENT], chances[i], weights[i]
        sums[e, 0] += p * w
        sums[e, 1] += w
        cum[i + 1, 0], cum[i + 1, 1] = cum[i, 0] + p * w, cum[i, 1] + w
        expected[i + 1] = expected[i] + p * blocks[i, col.B_TOKENS]
        c = classes[e]
        own[c, 0] += p * w
        own[c, 1] += w
        own[c, 2] = max(own[c, 2], p)
        if elements[e, col.E_PARENT] >= 0:
            c = classes[elements[e, col.E_PARENT]]
            parents[c, 0] += p * w
            parents[c, 1] += w
        most = max(most, p)
        sure += abs(2.0 * p - 1.0) * w
    for e in range(num_elements - 1, 0, -1):
        up = elements[e, col.E_PARENT]
        sums[up, 0] += sums[e, 0]
        sums[up, 1] += sums[e, 1]
    # repeated units: elements of equal path that hold text, in order
    members = np.zeros(num_elements, np.int64)  # by class
    units = np.zeros((num_elements, 2))
    before, after = np.full(num_elements, -1, np.int64), np.full(num_elements, -1, np.int64)
    last = np.full(num_elements, -1, np.int64)
    for e in range(num_elements):
        if sums[e, 1]:
            c = classes[e]
            members[c] += 1
            units[c, 0] += sums[e, 0]
            units[c, 1] += sums[e, 1]
            if last[c] >= 0:
                before[e], after[last[c]] = last[c], e
            last[c] = e
    # sections: from a heading to the next
    section, starts = np.zeros(n, np.int64), np.zeros(n + 2, np.int64)
    num_sections = 0
    for i in range(n):
        if elements[blocks[i, col.B_ELEMENT], col.E_KIND] == tag.HEADING and i:
            num_sections += 1
            starts[num_sections] = i
        section[i] = num_sections
    starts[num_sections + 1] = n
    likely_after = np.full(n, NEAR, np.int64)
    at = n + NEAR
    likely = 0.0
    for i in range(n - 1, -1, -1):
        likely_after[i] = min(at - i, NEAR)
        if chances[i] > 0.5:
            at = i
            likely += weights[i]
    order = np.argsort(chances, kind="mergesort")
    rank = np.zeros(n)
    passed = 0.0
    for k in range(n):
        rank[order[k]] = passed / cum[n, 1]
        passed += weights[order[k]]
    at = -NEAR
    total = max(1e-9, expected[n])
    for i in range(n):
        row, e = x[i], blocks[i, col.B_ELEMENT]
        row[0] = chances[i]
        f = 1
        for k in range(_OFFSETS.size):
            j = i + _OFFSETS[k]
            row[f + k] = chances[j] if 0 <= j < n else -1.0
        f += _OFFSETS.size
        up = e
        for k in range(LEVELS):
            row[f + k] = sums[up, 0] / sums[up, 1]
            up = max(0, elements[up, col.E_PARENT])
        f += LEVELS
        c, parent = classes[e], max(0, elements[e, col.E_PARENT])
        row[f] = own[c, 0] / own[c, 1]
        row[f + 1] = own[c, 2]
        c = classes[parent]
        row[f + 2] = parents[c, 0] / max(1e-9, parents[c, 1])
        f += 3
        # the nearest ancestor that is repeated
        unit = e
        while unit > 0 and members[classes[unit]] < 2:
            unit = elements[unit, col.E_PARENT]
        wider = elements[unit, col.E_PARENT] if unit > 0 else -1
        while wider > 0 and members[classes[wider]] < 2:  # a unit of several blocks, where there is one
            wider = elements[wider, col.E_PARENT]
        if wider > 0:
            unit = wider
        if unit > 0:
            c = classes[unit]
            row[f] = sums[unit, 0] / sums[unit, 1]
            row[f + 1] = units[c, 0] / units[c, 1]
            row[f + 2] = sums[before[unit], 0] / sums[before[unit], 1] if before[unit] >= 0 else -1.0
            row[f + 3] = sums[after[unit], 0] / sums[after[unit], 1] if after[unit] >= 0 else -1.0
        else:
            row[f] = row[f + 1] = row[f + 2] = row[f + 3] = -1.0
        f += 4
        for k in range(_WINDOWS.size):
            low, high = max(0, i - _WINDOWS[k]), min(n, i + _WINDOWS[k] + 1)
            row[f + k] = (cum[high, 0] - cum[low, 0]) / (cum[high, 1] - cum[low, 1])
        f += _WINDOWS.size
        s = section[i]
        low, high = starts[s], starts[s + 1]
        row[f] = chances[low]
        row[f + 1] = (cum[high, 0] - cum[low, 0]) / (cum[high, 1] - cum[low, 1])
        if s < num_sections:
            further = starts[s + 2]
            row[f + 2] = (cum[further, 0] - cum[high, 0]) / (cum[further, 1] - cum[high, 1])
        else:
            row[f + 2] = -1.0
        f += 3
        row[f] = min(i - at, NEAR)
        row[f + 1] = likely_after[i]
        row[f + 2] = row[f] < NEAR and row[f + 1] < NEAR
        f += 3
        if chances[i] > 0.5:
            at = i
        row[f] = expected[i] / total
        row[f + 1] = (expected[n] - expected[i + 1]) / total
        row[f + 2] = expected[n] / max(1.0, tokens)
        row[f + 3] = np.log1p(expected[n])
        row[f + 4] = most
        f += 5
        row[f] = rank[i]
        row[f + 1] = likely / cum[n, 1]
        row[f + 2] = sure / cum[n, 1]
    return x
