"""Instructions against numpy over every byte value."""

from __future__ import annotations

import numpy as np

from pipelines.kernels.compiled import Array, kernel
from pipelines.kernels.simd import BLOCK_BYTES, class_masks, leading_zeros, load_word, trailing_zeros


@kernel
def masks(data: Array, at: int) -> tuple[np.uint64, np.uint64, np.uint64]:
    return class_masks(data, at)


@kernel
def word(data: Array, at: int) -> np.uint64:
    return load_word(data, at)


@kernel
def zeros(value: np.uint64) -> tuple[int, int]:
    return leading_zeros(value), trailing_zeros(value)


def bits(flags: np.ndarray) -> int:
    return int.from_bytes(np.packbits(flags, bitorder="little").tobytes(), "little")


def test_masks_name_letters_digits_and_bytes_beyond_ascii() -> None:
    data = np.random.default_rng(0).permutation(256).astype(np.uint8)
    for at in range(0, 256 - BLOCK_BYTES + 1, 7):
        block = data[at : at + BLOCK_BYTES]
        letters = ((block | 0x20) >= ord("a")) & ((block | 0x20) <= ord("z"))
        digits = (block >= ord("0")) & (block <= ord("9"))
        assert masks(data, at) == (bits(letters), bits(digits), bits(block >= 128))


def test_words_are_little_endian_from_any_byte() -> None:
    data = np.arange(1, 20, dtype=np.uint8)
    for at in range(12):
        assert word(data, at) == int.from_bytes(data[at : at + 8].tobytes(), "little")


def test_zeros_are_counted_from_either_end() -> None:
    for k in range(64):
        assert zeros(np.uint64(1 << k)) == (63 - k, k)
    assert zeros(np.uint64(0)) == (64, 64)
