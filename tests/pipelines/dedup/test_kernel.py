"""The compiled kernels against a plain Python reading of the same definitions, and against datasketch."""

from __future__ import annotations

import unicodedata

import datasketch
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.dedup import kernel

M64 = (1 << 64) - 1
MIXED = st.text(alphabet=st.one_of(st.characters(codec="utf-8"), st.sampled_from("ab Z9１Ａ中文。,\n\u00df\u0130ﬁ𠀀")), max_size=120)
TEXTS = st.one_of(st.just(""), st.just("word"), MIXED, st.text("ab 中9", max_size=3000))


def avalanche(h: int) -> int:
    h = ((h ^ (h >> 32)) * 0xBF58476D1CE4E5B9) & M64
    return h ^ (h >> 29)


def fold(char: str) -> tuple[int, int]:
    if ord(char) > 0xFFFF:
        return ord(char), 3 if 0x20000 <= ord(char) < 0x40000 else 0
    low = unicodedata.normalize("NFKC", char).lower()
    if len(low) != 1 or ord(low) > 0xFFFF:
        low = char.lower() if len(char.lower()) == 1 else char
    kind = unicodedata.category(low)
    if any(a <= ord(low) <= b for a, b in kernel._ALONE_RANGES):
        return ord(low), 3 if kind[0] in "LNM" else 0
    if kind == "Nd":
        return ord("0") + unicodedata.decimal(low), 2
    return ord(low), 1 if kind[0] in "LM" else 0


def tokens(text: str) -> list[list[tuple[int, int]]]:
    runs: list[list[tuple[int, int]]] = []
    previous = 0
    for value, group in map(fold, text):
        if group and group != 3 and group == previous:
            runs[-1].append((value, group))
        elif group:
            runs.append([(value, group)])
        previous = group
    return runs


def base_hashes(text: str) -> list[int]:
    """64-bit hashes of the shingles, in order."""
    numbers = []
    for run in tokens(text):
        h = 0x9E3779B97F4A7C15
        for value, group in run:
            h = ((h ^ (value << 2 | group)) * 0x100000001B3) & M64
        numbers.append(avalanche((h * 0xD6E8FEB86659FD93) & M64))
    size = min(5, len(numbers))
    shingles = []
    for i in range(len(numbers) - size + 1 if size else 0):
        rolling = 0
        for number in numbers[i : i + size]:
            rolling = (rolling * 0xD6E8FEB86659FD93 + number) & M64
        shingles.append(avalanche(rolling))
    return shingles


@settings(max_examples=150, deadline=None)
@given(st.lists(TEXTS, max_size=4), st.sampled_from([16, 224]), st.integers(0, 5))
def test_minhash_equals_datasketch(texts: list[str], num_perm: int, seed: int) -> None:
    minima, counts = kernel.minhash(pa.array(texts, pa.string()), num_perm, seed)
    for row, text in enumerate(texts):
        shingles = base_hashes(text)
        peer = datasketch.MinHash(num_perm=num_perm, seed=seed, scheme="affine32", hashfunc=lambda s: s & 0xFFFFFFFF)
        if shingles:
            peer.update_batch(shingles)
        assert np.array_equal(minima[row], peer.hashvalues)
        assert counts[row] == len(shingles)


def test_very_long_document_needs_no_more_workspace() -> None:
    text = "".join(chr(0x4E00 + i * 7919 % 20000) for i in range(50_000))
    minima, counts = kernel.minhash(pa.array([text, "a"]), 224, 1)
    peer = datasketch.MinHash(num_perm=224, seed=1, scheme="affine32", hashfunc=lambda s: s & 0xFFFFFFFF)
    peer.update_batch(base_hashes(text))
    assert np.array_equal(minima[0], peer.hashvalues)
    assert counts[0] == 49_996 > kernel.BLOCK


@settings(max_examples=60, deadline=None)
@given(st.lists(TEXTS, max_size=4))
def test_shingle_sets_are_the_distinct_hashes(texts: list[str]) -> None:
    for text, found in zip(texts, kernel.shingle_sets(pa.array(texts, pa.string())), strict=True):
        assert found.tolist() == sorted(set(base_hashes(text)))


@settings(max_examples=60, deadline=None)
@given(st.lists(MIXED, min_size=3, max_size=8), st.integers(0, 2))
def test_slices_and_chunks_read_as_their_own_rows(texts: list[str], start: int) -> None:
    whole = pa.array(texts, pa.string())
    part = kernel.minhash(whole.slice(start, 1), 16, 1)[0][0]
    assert np.array_equal(part, kernel.minhash(whole, 16, 1)[0][start])
    assert kernel.content_hashes(pa.chunked_array([whole[:1], whole[1:]])).equals(kernel.content_hashes(whole))


def test_nulls_read_as_empty() -> None:
    assert kernel.minhash(pa.array([None, "a b"]), 16, 1)[1].tolist() == [0, 1]


@pytest.mark.parametrize(
    ("left", "right", "equal"),
    [
        ("Hello  World", "hello\n\tworld ", True),
        ("ＡＢＣ　１２", "abc 12", True),
        ("a + b", "a - b", False),
        ("ab", "a b", False),
        ("中文 文本", "中文文本", False),
        ("page 1", "page 2", False),
        ("", " \n", True),
    ],
)
def test_content_hash_follows_the_normal_form(left: str, right: str, equal: bool) -> None:
    a, b = kernel.content_hashes(pa.array([left, right])).to_pylist()
    assert (a == b) is equal


def test_blocks_ignore_digits_and_punctuation_and_name_their_lines() -> None:
    texts = pa.array(["Page 12 of 345.\n\n--\n第１章：开始", "PAGE 7, of 8!\r\n第99章 开始"])
    hashes, starts, ends, offsets = kernel.blocks(texts)
    assert offsets.tolist() == [0, 2, 4]
    assert hashes[0] == hashes[2]
    assert hashes[1] == hashes[3]
    assert hashes[0] != hashes[1]
    first = texts[0].as_py().encode()
    assert [first[s:e].decode() for s, e in zip(starts[:2], ends[:2], strict=True)] == ["Page 12 of 345.", "第１章：开始"]
