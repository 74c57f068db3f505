"""From texts to token ids, fast: our own pre-tokens, word cache and merges, in numba over UTF-8.

Belongs here: an encoder that gives the ids of `tokenizers`, and the check that it does. Does not
belong here: the vocabulary (build.py) and the pattern of pre-tokens (pattern.py), cutting code points
by it (pretokens.py).

No outside package is needed: the pattern has six character classes, so one pass over the bytes cuts
it, and most pre-tokens of running text were seen before. A pre-token that is in the cache costs one
line of memory: its bytes are compared whole, so that a hash decides nothing. The others are merged
by rank from a table of a megabyte.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.cards.tokenizer import RESERVED
from pipelines.kernels.compiled import Array, inlined, int64, kernel
from pipelines.kernels.hashing64 import GOLDEN
from pipelines.lake import LakeError
from pipelines.tokenizer.pattern import PATTERN
from pipelines.tokenizer.pretokens import DIGIT, HAN_CLASS, LETTER, LINE_END, SIGN, SPACE, character_classes

CHECK_CHARS = 2_000  # of one text of every call, encoded by `tokenizers` too
MAX_SYMBOLS = 512  # merging is quadratic in a pre-token's symbols: texts with a longer one go to `tokenizers`
CACHE_SLOTS = 1 << 18  # 16 MiB
PROBES = 4  # slots that a pre-token may stand in; the last is overwritten where all are taken
KEY_BYTES, LINE_IDS = 40, 9  # the longest pre-token and the most ids that a line of the cache holds
# 128 KiB each: which characters stand side by side in a piece, which ids merge; a false hit costs
# time only
NEIGHBOUR_BITS = 1 << 20
NO_RANK = int64(1) << 40


class EncoderError(LakeError):
    """Our encoder and `tokenizers` give different ids, or a text is not Unicode: nothing may be
    written with them."""


@inlined
def _code_point(data: Array, i: int) -> Any:
    """Code point that begins at byte `i` of valid UTF-8 and is not ASCII."""
    b = int64(data[i])
    c = int64(data[i + 1]) & 0x3F
    if b < 0xE0:
        return (b & 0x1F) << 6 | c
    c = c << 6 | int64(data[i + 2]) & 0x3F
    if b < 0xF0:
        return (b & 0x0F) << 12 | c
    return (b & 0x07) << 18 | c << 6 | int64(data[i + 3]) & 0x3F


@kernel
def _classify(data: Array, n: int, classes: Array, kinds: Array) -> None:
    """Class of the character that each of the first `n` bytes belongs to, into `kinds` uint8
    [n]."""
    i = 0
    while i < n:
        b = data[i]
        if b < 0x80:
            kinds[i] = classes[b]
            i += 1
        else:
            kind = classes[_code_point(data, i)]
            after = i + 2 + (b >= 0xE0) + (b >= 0xF0)
            while i < after:
                kinds[i] = kind
                i += 1


@inlined
def _scan(data: Array, kinds: Array, i: int, n: int) -> int:
    """End of the pre-token that begins at byte `i`, which is not Han: PATTERN by alternatives (the
    twin of pretokens.scan).

    `kinds` is read byte by byte: all bytes of a character have its class.
    """
    kind, b = kinds[i], data[i]
    j = i + 1 + (b >= 0xC0) + (b >= 0xE0) + (b >= 0xF0)
    if kind == DIGIT:
        return j
    if kind == LETTER:
        while j < n and kinds[j] == LETTER:
            j += 1
        return j
    if j < n and kinds[j] == LETTER and kind != LINE_END:
        while j < n and kinds[j] == LETTER:
            j += 1
        return j
    if kind == SIGN or (b == 32 and j < n and kinds[j] == SIGN):
        while j < n and kinds[j] == SIGN:
            j += 1
        while j < n and kinds[j] == LINE_END:
            j += 1
        return j
    last, j = -1, i
    while j < n and (kinds[j] == SPACE or kinds[j] == LINE_END):
        j += 1
        if kinds[j - 1] == LINE_END:
            last = j
    if last >= 0:
        return last
    if j < n and kinds[j] != DIGIT and kinds[j] != HAN_CLASS:
        previous = j - 1
        while data[previous] & 0xC0 == 0x80:
            previous -= 1
        if previous > i:
            return previous
    return j


@inlined
def _neighbours(left: int, right: int) -> int:
    """Bit of two adjacent characters, or ids, in a table of NEIGHBOUR_BITS."""
    return ((left * 0x9E3779B1 + right * 0x85EBCA6B) >> 7) & (NEIGHBOUR_BITS - 1)


@inlined
def _segment(data: Array, kinds: Array, inside: Array, i: int, n: int) -> int:
    """End of the longest stretch of Han from byte `i` whose neighbours all stand side by side
    within some piece.

    No merge joins two characters that are side by side in no piece, so the stretches of a run are
    merged one by one with the ids of the whole. They are short and come back often, where runs are
    long and mostly new.
    """
    c = _code_point(data, i)
    j = i + 3 + (data[i] >= 0xF0)
    while j < n and kinds[j] == HAN_CLASS:
        following = _code_point(data, j)
        bit = _neighbours(c, following)
        if inside[bit >> 3] >> (bit & 7) & 1 == 0:
            break
        c = following
        j += 3 + (data[j] >= 0xF0)
    return j


@inlined
def _rank(table: Array, maybe: Array, pair: int) -> Any:
    """Rank of a pair of ids (left << 16 | right), or NO_RANK. An entry of the table is pair << 20 |
    rank, or -1. `maybe` has its bit."""
    bit = _neighbours(pair >> 16, pair & 0xFFFF)
    if maybe[bit >> 3] >> (bit & 7) & 1 == 0:  # most pairs merge to nothing: a small table says so
        return NO_RANK
    slot = ((pair * 0x9E3779B1) >> 15) & (len(table) - 1)
    while table[slot] >= 0:
        if table[slot] >> 20 == pair:
            return int64(table[slot] & 0xFFFFF)
        slot = (slot + 1) & (len(table) - 1)
    return NO_RANK


@kernel
def _merge(
    data: Array,
    start: int,
    end: int,
    char_ids: Array,
    first_byte: int,
    table: Array,
    maybe: Array,
    results: Array,
    ids: Array,
    ranks: Array,
) -> int:
    """Ids of one pre-token into `ids`; returns how many, or -1 where there are too many symbols.
    `ranks` is scratch."""
    count, i = 0, start
    while i < end:
        if count + 4 > MAX_SYMBOLS:
            return -1
        c, b = int64(data[i]), data[i]
        if b >= 0x80:
            c = _code_point(data, i)
        after = i + 1 + (b >= 0xC0) + (b >= 0xE0) + (b >= 0xF0)
        if char_ids[c] != 0:
            ids[count] = char_ids[c]
            count += 1
        else:
            for k in range(i, after):
                ids[count] = first_byte + data[k]
                count += 1
        i = after
    best, at = NO_RANK, -1
    for i in range(count - 1):
        ranks[i] = _rank(table, maybe, int64(ids[i]) << 16 | ids[i + 1])
        if ranks[i] < best:
            best, at = ranks[i], i
    while at >= 0:
        ids[at] = results[best]
        count -= 1
        for i in range(at + 1, count):
            ids[i] = ids[i + 1]
            ranks[i - 1] = ranks[i]
        if at + 1 < count:
            ranks[at] = _rank(table, maybe, int64(ids[at]) << 16 | ids[at + 1])
        if at > 0:
            ranks[at - 1] = _rank(table, maybe, int64(ids[at - 1]) << 16 | ids[at])
        best, at = NO_RANK, -1
        for i in range(count - 1):
            if ranks[i] < best:
                best, at = ranks[i], i
    return count


@kernel
def _encode(
    data: Array,
    words: Array,
    offsets: Array,
    end_id: int,
    kinds: Array,
    inside: Array,
    char_ids: Array,
    first_byte: int,
    table: Array,
    maybe: Array,
    results: Array,
    lines: Array,
    line_ids: Array,
    out: Array,
    ends: Array,
) -> None:
    """Ids of the texts data[offsets[t] : offsets[t + 1]] into `out`, each with `end_id` after it
    where that is not negative.

    `words` is `data` as eight bytes from every byte on (both are padded). Ends into `ends` (-1: not
    encoded). A line of the cache, uint64 [8]: five words of bytes, then LINE_IDS ids of 16 bits,
    their number and the bytes' length; `line_ids` is the same memory, uint16 [32].
    """
    ids, ranks = np.empty(MAX_SYMBOLS + 4, np.int64), np.empty(MAX_SYMBOLS + 4, np.int64)
    key = np.zeros(5, np.uint64)
    mask, o = len(lines) - 1, 0
    for t in range(len(offsets) - 1):
        i, n, began, failed = offsets[t], offsets[t + 1], o, False
        while i < n:
            if kinds[i] == HAN_CLASS:
                j = _segment(data, kinds, inside, i, n)
            else:
                j = _scan(data, kinds, i, n)
            length = j - i
            if length == 1 or (length == 3 and data[i] >= 0xE0):  # most signs and digits: one character
                c = int64(data[i])
                if length == 3:
                    c = _code_point(data, i)
                if char_ids[c] != 0:
                    out[o] = char_ids[c]
                    o += 1
                    i = j
                    continue
            elif length == 6 and data[i] >= 0xE0 and data[i + 3] >= 0xE0:  # many Han words: two characters
                left, right = (
                    int64(char_ids[_code_point(data, i)]),
                    int64(char_ids[_code_point(data, i + 3)]),
                )
                if left != 0 and right != 0:
                    rank = _rank(table, maybe, left << 16 | right)
                    if rank != NO_RANK:
                        out[o] = results[rank]
                        o += 1
                    else:
                        out[o], out[o + 1] = left, right
                        o += 2
                    i = j
                    continue
            if length > KEY_BYTES:
                count = _merge(data, i, j, char_ids, first_byte, table, maybe, results, ids, ranks)
                if count < 0:
                    failed = True
                    break
                for k in range(count):
                    out[o + k] = ids[k]
                o += count
                i = j
                continue
            h, rest, k = np.uint64(length), length, 0
            while rest >= 8:
                key[k] = words[i + 8 * k]
                h = (h ^ key[k]) * GOLDEN
                h ^= h >> np.uint64(32)
                rest, k = rest - 8, k + 1
            if rest:
                key[k] = words[i + 8 * k] & ((np.uint64(1) << np.uint64(8 * rest)) - np.uint64(1))
                h = (h ^ key[k]) * GOLDEN
                h ^= h >> np.uint64(32)
                k += 1
            slot, found = int64(h & np.uint64(mask)), False
            for _ in range(PROBES):
                held = line_ids[slot, 31]
                if held == 0:
                    break
                if held == length:
                    same = True
                    for w in range(k):
                        if lines[slot, w] != key[w]:
                            same = False
                            break
                    if same:
                        found = True
                        break
                slot = (slot + 1) & mask
            if found:
                count = int(line_ids[slot, 30])
                for w in range(count):
                    out[o + w] = line_ids[slot, 20 + w]
                o += count
                i = j
                continue
            count = _merge(data, i, j, char_ids, first_byte, table, maybe, results, ids, ranks)
            for w in range(count):
                out[o + w] = ids[w]
            o += count
            if count <= LINE_IDS:
                if line_ids[slot, 31] != 0:
                    slot = int64(h & np.uint64(mask))
                for w in range(k):
                    lines[slot, w] = key[w]
                for w in range(count):
                    line_ids[slot, 20 + w] = ids[w]
                line_ids[slot, 30], line_ids[slot, 31] = count, length
            i = j
        if failed:
            o = began
            ends[t] = -1
        else:
            if end_id >= 0:
                out[o] = end_id
                o += 1
            ends[t] = o


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
                bits[_neighbours(left, right)] = 1
        self._inside = np.packbits(bits, bitorder="little")
        bits[:] = 0
        for a, b in merges:
            bits[_neighbours(vocab[a], vocab[b])] = 1
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
            _classify(padded, len(data), character_classes(), kinds)
            tables = (kinds, self._inside, self._char_ids, self._first_byte, *self._merges, *self._lines)
            _encode(padded, words, offsets, end_id, *tables, out, ends)
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
