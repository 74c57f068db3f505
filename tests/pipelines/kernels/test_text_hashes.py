"""Content hashes and block hashes follow the normal form."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.kernels.text_hashes import block_hashes, content_hashes
from tests.support.texts import MIXED


@settings(max_examples=60, deadline=None)
@given(st.lists(MIXED, min_size=3, max_size=8))
def test_chunks_read_as_their_own_rows(texts: list[str]) -> None:
    whole = pa.array(texts, pa.string())
    assert content_hashes(pa.chunked_array([whole[:1], whole[1:]])).equals(content_hashes(whole))


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
    a, b = content_hashes(pa.array([left, right])).to_pylist()
    assert (a == b) is equal


def test_hashes_are_those_of_published_tables() -> None:
    """Another value would make every table that holds hashes incomparable."""
    text = pa.array(["Page 12 of 345: 第一章，ﬁn.\n"])
    assert content_hashes(text).to_pylist()[0].hex() == "ed5ff32ca0e006062201a5135c749708"
    assert f"{block_hashes(text)[0][0]:016x}" == "4b8b9674db69a8be"


def test_blocks_ignore_punctuation_and_name_their_lines() -> None:
    texts = pa.array(["Page 12 of 345.\n\n--\n第１章：开始", "PAGE 12, of 345!\r\n第1章 开始"])
    hashes, starts, ends, offsets = block_hashes(texts)
    assert offsets.tolist() == [0, 2, 4]
    assert hashes[0] == hashes[2]
    assert hashes[1] == hashes[3]
    assert hashes[0] != hashes[1]
    first = texts[0].as_py().encode()
    assert [first[s:e].decode() for s, e in zip(starts[:2], ends[:2], strict=True)] == [
        "Page 12 of 345.",
        "第１章：开始",
    ]


@pytest.mark.parametrize(
    ("left", "right"), [("salt 5 g", "salt 50 g"), ("salt 1.5 g", "salt 15 g"), ("难度：★★", "难度：★★★")]
)
def test_blocks_of_other_numbers_are_other_blocks(left: str, right: str) -> None:
    one, other = block_hashes(pa.array([left, right]))[0]
    assert one != other
