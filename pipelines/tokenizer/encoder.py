"""From texts to token ids, fast: our own pre-tokens, word cache and merges, in numba over UTF-8.

Belongs here: an encoder that gives the ids of `tokenizers`, and the check that it does. Does not
belong here: the vocabulary (build.py) and the pattern of pre-tokens (pattern.py), cutting code points
by it (pretokens.py).

No outside package is needed: the pattern has six character classes, so one pass over the bytes cuts
it (encoder_kernels.py).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from pipelines.cards.tokenizer import RESERVED
from pipelines.kernels.compiled import Array
from pipelines.lake import LakeError
from pipelines.tokenizer.encoder_kernels import CACHE_SLOTS, NEIGHBOUR_BITS, classify, encode, neighbours
from pipelines.tokenizer.pattern import PATTERN
from pipelines.tokenizer.pretokens import character_classes

CHECK_CHARS = 2_000  # of one text of every call, encoded by `tokenizers` too


class EncoderError(LakeError):
    """Our encoder and `tokenizers` give different ids, or a text is not Unicode: nothing may be
    written with them."""


class Encoder:
    """Token ids under one tokenizer.json, equal to those of `tokenizers`. No text gives a reserved
    id.

    A vocabulary that build.py did not make (another pattern, a normalizer) is encoded by
    `tokenizers` itself: `fast` is then False. Its added tokens are taken out, as they would be
    found in text.
    """

    def __init__(self, definition: str) -> None:
        from tokenizers import Tokenizer

        value = json.loads(definition)
        model, cut = value["model"], value["pre_tokenizer"] or {}
        value["added_tokens"], value["post_processor"] = [], None
        self.reference = Tokenizer.from_str(json.dumps(value))
        self._calls = 0
        self._scratch = np.zeros(16, np.uint8), np.zeros(16, np.uint8)
        vocab: dict[str, int] = model["vocab"]
        self.fast = bool(
            cut.get("pattern", {}).get("Regex") == PATTERN
            and model["byte_fallback"]
            and not (value["normalizer"] or model["ignore_merges"])
            and len(vocab) <= 1 << 16
            and len(model["merges"]) < 1 << 20
            and vocab.get(RESERVED[0]) == 0
            and all(vocab.get(f"<0x{b:02X}>") == vocab["<0x00>"] + b for b in range(256))
        )
        if self.fast:
            self._tables(vocab, model["merges"])

    def _tables(self, vocab: dict[str, int], merges: list[list[str]]) -> None:
        """Arrays that the compiled loop reads."""
        self._first_byte = vocab["<0x00>"]
        self._char_ids = np.zeros(0x110000, np.uint16)  # 0, which is reserved: no piece
        for piece, i in vocab.items():
            if len(piece) == 1:
                self._char_ids[ord(piece)] = i
        size = 1 << max(10, (2 * len(merges)).bit_length())
        table = np.full(size, -1, np.int64)
        for rank, (a, b) in enumerate(merges):
            pair = vocab[a] << 16 | vocab[b]
            slot = ((pair * 0x9E3779B1) >> 15) & (size - 1)
            while table[slot] >= 0 and table[slot] >> 20 != pair:
                slot = (slot + 1) & (size - 1)
            table[slot] = pair << 20 | rank
        bits = np.zeros(NEIGHBOUR_BITS, np.uint8)
        for piece in vocab:
            for left, right in pairwise(map(ord, piece)):
                bits[neighbours(left, right)] = 1
        self._inside = np.packbits(bits, bitorder="little")
        bits[:] = 0
        for a, b in merges:
            bits[neighbours(vocab[a], vocab[b])] = 1
        maybe = np.packbits(bits, bitorder="little")
        results = np.array([vocab[a + b] for a, b in merges] or [0], np.uint16)
        space = np.zeros(64 * CACHE_SLOTS + 64, np.uint8)
        skip = -space.ctypes.data % 64  # one line of memory a look-up
        lines = space[skip : skip + 64 * CACHE_SLOTS].view(np.uint64).reshape(CACHE_SLOTS, 8)
        self._merges, self._lines = (table, maybe, results), (lines, lines.view(np.uint16))

    def encode_utf8(
        self, data: Array, offsets: Array, end_id: int = -1
    ) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.int64]]:
        """Token ids of the texts data[offsets[t] : offsets[t + 1]], uint16, one after the other;
        and where each ends, int64 [texts].

        `data` is uint8 and valid UTF-8, `offsets` int64 [texts + 1]. With `end_id`, each text ends
        with that id. EncoderError where a sampled text differs from what `tokenizers` gives.
        """
        texts = len(offsets) - 1
        tokens, ends = self._encode(data, offsets, end_id)
        if self.fast and texts:
            at = self._calls * 7919 % texts  # another text each time, the same in every run
            self._calls += 1
            text = bytes(data[offsets[at] : offsets[at + 1]]).decode()[:CHECK_CHARS]
            sample = np.frombuffer(text.encode(), np.uint8)
            mine, _ = self._encode(sample, np.array([0, len(sample)], np.int64), -1)
            if not np.array_equal(mine, self._reference(text)):
                raise EncoderError(
                    f"our ids differ from those of tokenizers for {text[:80]!r}: "
                    "nothing was written; report this text"
                )
        return tokens, ends

    def encode(self, texts: Sequence[str]) -> list[npt.NDArray[np.uint16]]:
        """Token ids of each text, uint16; as `encode_utf8`. EncoderError for text with half a
        surrogate pair."""
        try:
            encoded = [text.encode() for text in texts]
        except UnicodeEncodeError as error:
            raise EncoderError(
                f"a text holds half a surrogate pair at character {error.start}, "
                "which no UTF-8 can say: mend it first"
            ) from None
        offsets = np.cumsum([0, *map(len, encoded)], dtype=np.int64)
        tokens, ends = self.encode_utf8(np.frombuffer(b"".join(encoded), np.uint8), offsets)
        return np.split(tokens, ends[:-1]) if len(ends) else []

    def _reference(self, text: str) -> npt.NDArray[np.uint16]:
        return np.array(self.reference.encode(text, add_special_tokens=False).ids, np.uint16)

    def _encode(
        self, data: Array, offsets: Array, end_id: int
    ) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.int64]]:
        ends = np.full(len(offsets) - 1, -1, np.int64)
        out = np.empty(int(offsets[-1] - offsets[0]) + len(ends), np.uint16)
        if self.fast:
            if len(data) + 16 > len(
                self._scratch[0]
            ):  # kept from call to call: fresh memory costs more than the copy
                self._scratch = np.zeros(2 * len(data) + 16, np.uint8), np.empty(2 * len(data) + 16, np.uint8)
            padded, kinds = self._scratch
            padded[: len(data)] = data
            padded[len(data) : len(data) + 16] = 0
            words = np.lib.stride_tricks.as_strided(padded[:8].view(np.uint64), (len(data) + 8,), (1,))
            classify(padded, len(data), character_classes(), kinds)
            tables = (kinds, self._inside, self._char_ids, self._first_byte, *self._merges, *self._lines)
            encode(padded, words, offsets, end_id, *tables, out, ends)
        failed = np.flatnonzero(ends < 0)
        if not len(failed):
            return out[: ends[-1] if len(ends) else 0], ends
        tail = [end_id] if end_id >= 0 else []
        pieces, start = [], 0
        for t, end in enumerate(ends.tolist()):
            if end < 0:
                pieces.append(
                    np.array(
                        [*self._reference(bytes(data[offsets[t] : offsets[t + 1]]).decode()), *tail],
                        np.uint16,
                    )
                )
            else:
                pieces.append(out[start:end])
                start = end
        return np.concatenate(pieces), np.cumsum([len(p) for p in pieces], dtype=np.int64)
