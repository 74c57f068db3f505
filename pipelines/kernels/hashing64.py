"""64-bit hashing: constants and the steps that all kernels use.

Belongs here: odd factors, the start of a hash, the final mixing. Does not belong here: what is
hashed. The constants are part of every table that holds hashes: another value changes content
hashes, signatures and blocks.

Sources: GOLDEN is 2^64 / golden ratio (Knuth, The Art of Computer Programming 6.4), MIX a factor of
splitmix64 (Steele, Lea, Flood 2014), STEP that of degski's 64-bit mixer; FNV_START and FNV_PRIME
are the 64-bit offset basis and prime of FNV-1a (Fowler, Noll, Vo).
"""

from __future__ import annotations

import numpy as np

from pipelines.kernels.compiled import inlined

U64, U32 = np.uint64, np.uint32
GOLDEN = U64(0x9E3779B97F4A7C15)
MIX = U64(0xBF58476D1CE4E5B9)
STEP = U64(0xD6E8FEB86659FD93)
FNV_START = U64(0xCBF29CE484222325)
FNV_PRIME = U64(0x100000001B3)


@inlined
def avalanche(h: np.uint64) -> np.uint64:
    """Spread what differs in the low and in the high bits over all 64; the end of a hash."""
    h = (h ^ (h >> U64(32))) * MIX
    return h ^ (h >> U64(29))
