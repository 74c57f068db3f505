"""Lines and words are counted as the plain definition counts them, for any text."""

from __future__ import annotations

import sys

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipelines.kernels.utf8 import text_buffers
from pipelines.signals.form_counts import CHARS, SIZE, FormCounts, count_lines, end_of_chars, table
from pipelines.signals.forms import counts_of
from pipelines.signals.forms_reference import plain_counts

LINES = st.text(
    alphabet=st.one_of(
        st.sampled_from("aB1 .…\t\n-*•?!'ǅß²９日月年\u3000\x1c\x85\U0001d7d8"), st.characters()
    ),
    max_size=200,
)


def counted(texts: list[str]) -> list[tuple[FormCounts, int]]:
    counts, dates = counts_of(pa.array(texts, pa.large_string()))
    return [(FormCounts(*(int(column[k]) for column in counts)), int(dates[k])) for k in range(len(texts))]


@settings(deadline=None)  # the first call compiles
@given(st.lists(LINES, max_size=5))
@example(["", "\n", " \n \n", "Read More...\n12 hours ago\nThe End…", "McDonald O'Neil IBM 3rd ǅa aǅ"])
@example(["a" * 70 + " 2026-01-01", "2026-01-01 \u3000\n>> Dec 3", "long ago\nan hour ago", "K 3月5日"])
def test_counts_equal_the_plain_definition(texts: list[str]) -> None:
    texts = [text.encode("utf-8", "replace").decode() for text in texts]
    assert counted(texts) == list(map(plain_counts, texts))


@pytest.mark.parametrize("char", ["a", "\n", "!", "。", "\U0001f600"])
def test_only_the_beginning_is_read(char: str) -> None:
    for length in (CHARS - 1, CHARS, CHARS + 1):
        text = char * (length - 2) + "1!"
        assert counted([text + "\n2026"]) == [plain_counts(text + "\n2026")]


def test_texts_in_the_middle_of_a_buffer_are_read() -> None:
    texts = ["The first one.", "第二\n- 2026-01-02", "", "x"]
    array = pa.array(texts, pa.large_string())[1:3]
    counts, _ = count_lines(*text_buffers(array))
    assert counts.tolist() == [list(plain_counts(text)[0]) for text in texts[1:3]]


def test_no_character_beyond_the_table_is_of_a_class() -> None:
    assert len(table()) == SIZE
    beyond = map(chr, range(SIZE, sys.maxunicode + 1))
    assert not any(c.isspace() or c.istitle() or c.islower() or c.isdigit() for c in beyond)


def test_characters_are_counted_not_bytes() -> None:
    data, offsets = text_buffers(pa.array(["中a\U0001f600b"], pa.large_string()))
    ends = [end_of_chars(data, 0, int(offsets[1]), n) for n in range(5)]
    assert ends == [0, 3, 4, 8, 9]
