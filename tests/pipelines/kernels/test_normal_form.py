"""The normal form against a plain Python reading of the same definition."""

from __future__ import annotations

import unicodedata

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.kernels import normal_form as kernel

MIXED = st.text(
    alphabet=st.one_of(st.characters(codec="utf-8"), st.sampled_from("ab Z9１Ａ中文。,\n\u00df\u0130ﬁ𠀀")),
    max_size=120,
)


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


@settings(max_examples=60, deadline=None)
@given(st.lists(MIXED, min_size=3, max_size=8))
def test_chunks_read_as_their_own_rows(texts: list[str]) -> None:
    whole = pa.array(texts, pa.string())
    assert kernel.content_hashes(pa.chunked_array([whole[:1], whole[1:]])).equals(
        kernel.content_hashes(whole)
    )


def test_every_code_point_folds_as_python_says() -> None:
    for point, folded in enumerate(kernel.fold_table().tolist()):
        if not 0xD800 <= point < 0xE000:
            assert (folded >> 2, folded & 3) == fold(chr(point)), hex(point)


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
    assert [first[s:e].decode() for s, e in zip(starts[:2], ends[:2], strict=True)] == [
        "Page 12 of 345.",
        "第１章：开始",
    ]
