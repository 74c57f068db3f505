"""From texts to token ids, fast: our own pre-tokens, word cache and merges, in numba.

Belongs here: an encoder that gives the ids of `tokenizers`, and the check that it does. Does not belong
here: the vocabulary (build.py) and the pattern of pre-tokens (text.py), cutting by it (pretokens.py).

No outside package is needed: the pattern has six character classes, so one pass over code points cuts it,
and most pre-tokens of running text were seen before. The class of each code point is asked of `tokenizers`
itself, so that its Unicode version is ours. Every run compares a sample with `tokenizers` (CHECK_EVERY).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from pipelines.lake import LakeError
from pipelines.tokenizer.pretokens import character_classes, scan
from pipelines.tokenizer.text import PATTERN

CHECK_EVERY = 100  # texts: of each hundredth, the first CHECK_CHARS are encoded by both encoders
CHECK_CHARS = 2_000
MAX_SYMBOLS = 400  # merging is quadratic in a pre-token's symbols: texts with a longer one go to `tokenizers`
CACHE_SLOTS = 1 << 20
CACHE_CHARS = 1 << 23

Array = npt.NDArray[Any]


class EncoderError(LakeError):
    """Our encoder and `tokenizers` give different ids: nothing may be written with them."""


@numba.njit(cache=True, nogil=True)
def _find_pair(keys: Array, key: int) -> int:
    """Slot of a pair in the merge table, or -1."""
    mask = len(keys) - 1
    slot = ((key * 0x9E3779B1) >> 7) & mask
    while keys[slot] != -1:
        if keys[slot] == key:
            return slot
        slot = (slot + 1) & mask
    return -1


@numba.njit(cache=True, nogil=True)
def _merge(
    cps: Array, start: int, end: int, char_ids: Array, first_byte: int, keys: Array, ranks: Array, results: Array, buf: Array
) -> int:
    """Ids of one pre-token into `buf`; returns how many, or -1 where there are too many symbols."""
    count = 0
    for i in range(start, end):
        if count + 4 > MAX_SYMBOLS:
            return -1
        c = cps[i]
        if char_ids[c] >= 0:
            buf[count] = char_ids[c]
            count += 1
        elif c < 0x80:
            buf[count] = first_byte + c
            count += 1
        else:
            if c < 0x800:
                buf[count] = first_byte + (0xC0 | c >> 6)
                count += 1
            else:
                if c < 0x10000:
                    buf[count] = first_byte + (0xE0 | c >> 12)
                    count += 1
                else:
                    buf[count] = first_byte + (0xF0 | c >> 18)
                    buf[count + 1] = first_byte + (0x80 | (c >> 12 & 0x3F))
                    count += 2
                buf[count] = first_byte + (0x80 | (c >> 6 & 0x3F))
                count += 1
            buf[count] = first_byte + (0x80 | (c & 0x3F))
            count += 1
    slots = np.empty(count, np.int64)
    for i in range(count - 1):
        slots[i] = _find_pair(keys, (buf[i] << 16) | buf[i + 1])
    while count > 1:
        best, at = np.int64(1) << 40, -1
        for i in range(count - 1):
            if slots[i] >= 0 and ranks[slots[i]] < best:
                best, at = ranks[slots[i]], i
        if at < 0:
            break
        buf[at] = results[slots[at]]
        for i in range(at + 1, count - 1):
            buf[i] = buf[i + 1]
            slots[i] = slots[i + 1]
        count -= 1
        if at + 1 < count:
            slots[at] = _find_pair(keys, (buf[at] << 16) | buf[at + 1])
        if at > 0:
            slots[at - 1] = _find_pair(keys, (buf[at - 1] << 16) | buf[at])
    return count


@numba.njit(cache=True, nogil=True)
def _encode(
    cps: Array,
    ends: Array,
    classes: Array,
    char_ids: Array,
    first_byte: int,
    keys: Array,
    ranks: Array,
    results: Array,
    slots: Array,
    chars: Array,
    ids: Array,
    used: Array,
    out: Array,
    out_ends: Array,
) -> None:
    """Ids of many texts, one after the other, into `out`; their ends into `out_ends` (-1: not encoded).

    The word cache: `slots` [CACHE_SLOTS, 3] holds (offset + 1, characters, ids) of a pre-token, whose code
    points stand in `chars` and whose ids stand in `ids` from the same offset times four; `used` [2] counts.
    """
    buf = np.empty(MAX_SYMBOLS + 4, np.int64)
    mask, o, start = len(slots) - 1, 0, 0
    for t in range(len(ends)):
        n, i, began, failed = ends[t], start, o, False
        while i < n:
            j = scan(cps, classes, i, n)
            length = j - i
            if length == 1 and char_ids[cps[i]] >= 0:
                out[o] = char_ids[cps[i]]
                o += 1
                i = j
                continue
            h = np.uint64(1469598103934665603)
            for k in range(i, j):
                h = (h ^ np.uint64(cps[k])) * np.uint64(1099511628211)
            slot = np.int64((h ^ (h >> np.uint64(29))) & np.uint64(mask))
            found = False
            while slots[slot, 0] != 0:
                if slots[slot, 1] == length:
                    base = slots[slot, 0] - 1
                    same = True
                    for k in range(length):
                        if chars[base + k] != cps[i + k]:
                            same = False
                            break
                    if same:
                        for k in range(slots[slot, 2]):
                            out[o + k] = ids[4 * base + k]
                        o += slots[slot, 2]
                        found = True
                        break
                slot = (slot + 1) & mask
            if not found:
                count = _merge(cps, i, j, char_ids, first_byte, keys, ranks, results, buf)
                if count < 0:
                    failed = True
                    break
                for k in range(count):
                    out[o + k] = buf[k]
                o += count
                if length <= 32 and used[0] + length <= len(chars) and 2 * used[1] < len(slots):
                    base = used[0]
                    for k in range(length):
                        chars[base + k] = cps[i + k]
                    for k in range(count):
                        ids[4 * base + k] = buf[k]
                    slots[slot, 0], slots[slot, 1], slots[slot, 2] = base + 1, length, count
                    used[0] += length
                    used[1] += 1
            i = j
        if failed:
            o = began
            out_ends[t] = -1
        else:
            out_ends[t] = o
        start = n


class Encoder:
    """Token ids under one tokenizer.json, equal to those of `tokenizers`. No text gives a reserved id.

    A vocabulary that build.py did not make (another pattern, a normalizer, added tokens) is encoded by
    `tokenizers` itself: `fast` is then False.
    """

    def __init__(self, definition: str) -> None:
        from tokenizers import Tokenizer

        self.reference = Tokenizer.from_str(definition)
        self._texts = 0
        value = json.loads(definition)
        model, cut = value["model"], value["pre_tokenizer"] or {}
        vocab: dict[str, int] = model["vocab"]
        self.fast = (
            cut.get("pattern", {}).get("Regex") == PATTERN
            and model["byte_fallback"]
            and not (value["normalizer"] or value["added_tokens"] or model["ignore_merges"])
            and len(vocab) <= 1 << 16
            and all(vocab.get(f"<0x{b:02X}>") == vocab["<0x00>"] + b for b in range(256))
        )
        if self.fast:
            self._tables(vocab, model["merges"])

    def _tables(self, vocab: dict[str, int], merges: list[list[str]]) -> None:
        """Arrays that the compiled loop reads."""
        self._first_byte = vocab["<0x00>"]
        self._char_ids = np.full(0x110000, -1, np.int32)
        for piece, i in vocab.items():
            if len(piece) == 1:
                self._char_ids[ord(piece)] = i
        size = 1 << max(10, (4 * len(merges)).bit_length())
        keys = np.full(size, -1, np.int64)
        ranks, results = np.zeros(size, np.int64), np.zeros(size, np.int64)
        for rank, (a, b) in enumerate(merges):
            key = vocab[a] << 16 | vocab[b]
            slot = ((key * 0x9E3779B1) >> 7) & (size - 1)
            while keys[slot] not in (-1, key):
                slot = (slot + 1) & (size - 1)
            keys[slot], ranks[slot], results[slot] = key, rank, vocab[a + b]
        self._merges = keys, ranks, results
        self._cache = (
            np.zeros((CACHE_SLOTS, 3), np.int64),
            np.zeros(CACHE_CHARS, np.uint32),
            np.zeros(4 * CACHE_CHARS, np.uint16),
            np.zeros(2, np.int64),
        )

    def encode(self, texts: Sequence[str]) -> list[npt.NDArray[np.uint16]]:
        """Token ids of each text, uint16. EncoderError where a sampled text differs from `tokenizers`."""
        if not self.fast:
            return self._reference(texts)
        encoded = self._encode(texts)
        picked = [t[:CHECK_CHARS] for i, t in enumerate(texts, self._texts) if i % CHECK_EVERY == 0]
        self._texts += len(texts)
        for text, mine, theirs in zip(picked, self._encode(picked), self._reference(picked), strict=True):
            if not np.array_equal(mine, theirs):
                raise EncoderError(f"our ids differ from those of tokenizers for {text[:80]!r}: nothing was written; report this text")
        return encoded

    def _reference(self, texts: Sequence[str]) -> list[npt.NDArray[np.uint16]]:
        return [np.array(e.ids, np.uint16) for e in self.reference.encode_batch_fast(list(texts), add_special_tokens=False)]

    def _encode(self, texts: Sequence[str]) -> list[npt.NDArray[np.uint16]]:
        if not texts:
            return []
        cps = np.frombuffer("".join(texts).encode("utf-32-le"), "<u4")
        ends = np.cumsum([len(t) for t in texts])
        out, out_ends = np.empty(4 * len(cps) + 4, np.uint16), np.empty(len(texts), np.int64)
        _encode(cps, ends, character_classes(), self._char_ids, self._first_byte, *self._merges, *self._cache, out, out_ends)
        results: list[npt.NDArray[np.uint16]] = []
        start = 0
        for text, end in zip(texts, out_ends.tolist(), strict=True):
            if end < 0:
                results += self._reference([text])
                continue
            results.append(out[start:end])
            start = end
        return results
