"""The order in which the sequences of a source are read: a keyed bijection, computed, never stored.

Belongs here: index -> position and back, for one pass over one source. Does not belong here: how
much of a source is read (plan/mixture.py), reading it (loader.py).

Blocks of 2,048 sequences are permuted; then sequences are permuted within windows of eight permuted
blocks. So each pass reads every sequence once, in an order that depends on (seed, source, pass)
alone, and what is read at one time lies in eight contiguous ranges: remote reads stay sequential.
"""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt

BLOCK = 2048
WINDOW = 8
ROUNDS = 6

Index = npt.NDArray[np.int64]
_M1, _M2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_S27, _S30, _S31 = np.uint64(27), np.uint64(30), np.uint64(31)


class Bijection:
    """A keyed permutation of range(n): a balanced Feistel network with cycle walking."""

    def __init__(self, n: int, *key: object) -> None:
        if n < 1:
            raise ValueError(f"a permutation of {n} things")
        self.n = n
        self._half = np.uint64(max(1, ((n - 1).bit_length() + 1) // 2))
        self._mask = np.uint64((1 << int(self._half)) - 1)
        material = hashlib.blake2b("\0".join(str(k) for k in key).encode(), digest_size=8 * ROUNDS).digest()
        self._keys = np.frombuffer(material, dtype="<u8").astype(np.uint64)

    def _round(self, value: npt.NDArray[np.uint64], key: np.uint64) -> npt.NDArray[np.uint64]:
        """The mixing function of splitmix64, cut to half a word."""
        x = value + key
        x = (x ^ (x >> _S30)) * _M1
        x = (x ^ (x >> _S27)) * _M2
        return (x ^ (x >> _S31)) & self._mask

    def _once(
        self, x: npt.NDArray[np.uint64], keys: npt.NDArray[np.uint64], backward: bool
    ) -> npt.NDArray[np.uint64]:
        left, right = x >> self._half, x & self._mask
        for key in keys[::-1] if backward else keys:
            if backward:
                left, right = right ^ self._round(left, key), left
            else:
                left, right = right, left ^ self._round(right, key)
        return (left << self._half) | right

    def _walk(self, index: Index, backward: bool) -> Index:
        x = np.asarray(index, dtype=np.int64).astype(np.uint64)
        out = self._once(x, self._keys, backward)
        limit = np.uint64(self.n)
        outside = np.flatnonzero(out >= limit)
        while outside.size:
            out[outside] = self._once(out[outside], self._keys, backward)
            outside = outside[out[outside] >= limit]
        return out.astype(np.int64)

    def forward(self, index: Index) -> Index:
        """Where each index goes."""
        return self._walk(index, backward=False)

    def inverse(self, position: Index) -> Index:
        """Which index goes to each position."""
        return self._walk(position, backward=True)


class PassOrder:
    """The order of one pass over a source of n sequences; `key` is (seed, source name, pass
    number)."""

    def __init__(self, n: int, *key: object) -> None:
        self.n, self._key = n, key
        self._blocks = -(-n // BLOCK)
        self._missing = self._blocks * BLOCK - n  # sequences by which the last block is short
        self._order = Bijection(self._blocks, *key, "blocks")
        self._short = int(self._order.inverse(np.array([self._blocks - 1]))[0])  # rank of the short block
        self._windows: dict[int, Bijection] = {}

    def _window(self, window: int) -> tuple[Bijection, int]:
        """The permutation within a window, and the index of the window's first sequence."""
        first = self._start(window * WINDOW)
        if window not in self._windows:
            if len(self._windows) > 64:
                self._windows.clear()
            end = self._start(min(self._blocks, (window + 1) * WINDOW))
            self._windows[window] = Bijection(end - first, *self._key, "window", window)
        return self._windows[window], first

    def _start(self, rank: int) -> int:
        """Index of the first sequence of the block at `rank`, counted in permuted order."""
        return rank * BLOCK - (self._missing if rank > self._short else 0)

    def _rank(self, index: Index) -> Index:
        """The rank of the block that holds each index of permuted block order."""
        rank = index // BLOCK
        return np.where(
            index < self._start(self._short + 1),
            np.minimum(rank, self._short),
            (index + self._missing) // BLOCK,
        )

    def _starts(self, rank: Index) -> Index:
        return rank * BLOCK - np.where(rank > self._short, self._missing, 0)

    def _within(self, index: Index, backward: bool) -> Index:
        window = self._rank(index) // WINDOW
        out = np.empty_like(index)
        for w in np.unique(window):
            chosen = window == w
            bijection, first = self._window(int(w))
            local = index[chosen] - first
            out[chosen] = first + (bijection.inverse(local) if backward else bijection.forward(local))
        return out

    def position(self, index: Index) -> Index:
        """The sequences read at `index` (0 .. n-1) of the pass."""
        moved = self._within(np.asarray(index, dtype=np.int64), backward=False)
        rank = self._rank(moved)
        return self._order.forward(rank) * BLOCK + moved - self._starts(rank)

    def index(self, position: Index) -> Index:
        """When each sequence is read: the inverse of `position`."""
        position = np.asarray(position, dtype=np.int64)
        rank = self._order.inverse(position // BLOCK)
        return self._within(self._starts(rank) + position % BLOCK, backward=True)
