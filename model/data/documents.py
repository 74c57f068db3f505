"""Which document a position of a token sequence is in.

Belongs here: numbering documents by the tokens that end them. Does not belong here: the masks made
of the numbers (model/network/attention.py), reading sequences (loader.py).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pipelines.shards.format import END_OF_DOCUMENT


def document_numbers(tokens_BL: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
    """[B, L]: how many documents have ended before each position."""
    ended = tokens_BL[:, :-1] == END_OF_DOCUMENT
    return np.pad(np.cumsum(ended, axis=1, dtype=np.int32), ((0, 0), (1, 0)))
