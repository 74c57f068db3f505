"""From texts to token ids for the shard writer.

Belongs here: the encoder that a worker uses. Does not belong here: the vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

BATCH_BYTES = 4 << 20  # text handed over at once: bounds memory, long enough to amortise the call


class Encoder:
    """Encodes texts with the vocabulary of a tokenizer.json. No text gives a reserved id."""

    def __init__(self, definition: str) -> None:
        from tokenizers import Tokenizer

        self.reference = Tokenizer.from_str(definition)

    def encode(self, texts: Sequence[str]) -> list[npt.NDArray[np.uint16]]:
        """Token ids of each text, uint16."""
        encodings = self.reference.encode_batch_fast(list(texts), add_special_tokens=False)
        return [np.array(e.ids, np.uint16) for e in encodings]
