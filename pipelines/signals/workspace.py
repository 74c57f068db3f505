"""What both units work with while they read the texts of a buffer: arrays as long as the longest.

Belongs here: how much room the longest text needs. Does not belong here: what is kept there
(hash_set.py, repetition.py).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pipelines.kernels.compiled import Array, inlined, int64
from pipelines.kernels.hashing64 import U64
from pipelines.signals.hash_set import HashSet
from pipelines.signals.repetition import Room, make_room


class Workspace(NamedTuple):
    """Arrays of a HashSet, and the room for tokens and their n-grams."""

    keys: Array
    stamps: Array
    room: Room


@inlined
def longest_text(offsets: Array) -> int:
    """Bytes of the longest text."""
    longest = int64(0)
    for doc in range(len(offsets) - 1):
        longest = max(longest, offsets[doc + 1] - offsets[doc])
    return longest


@inlined
def make_workspace(offsets: Array) -> Workspace:
    """Room for the longest text. A token, like a line, has a byte and a separator at least, or
    three bytes."""
    num_tokens = longest_text(offsets) // 2 + 2
    size = int64(16)
    while size < 2 * num_tokens:
        size *= 2
    return Workspace(np.zeros(size, np.uint64), np.zeros(size, np.uint32), make_room(num_tokens, size))


@inlined
def empty_set(space: Workspace, doc: int, feeds: int) -> HashSet:
    """An empty set for the lines and paragraphs of text `doc`, which has that many line feeds: as
    many slots as they need, so that small texts stay in the first cache."""
    size = int64(16)
    while size < min(2 * (feeds + 2), len(space.keys)):
        size *= 2
    return HashSet(space.keys, space.stamps, np.uint32(doc + 1), U64(size - 1))
