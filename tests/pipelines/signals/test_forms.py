"""Numbers of form count what they say."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.kernels.utf8 import text_buffers
from pipelines.signals.form_counts import CHARS
from pipelines.signals.forms import Forms, counts_of, date_lines, forms_of, is_date
from pipelines.signals.page_words import count_words, vocabulary

DATES = (
    *(
        "12-21",
        "06/28",
        "2026",
        "2015-11-06",
        "2019-02-24, 02:31 AM",
        "2026 年 6 月",
        "3月5日",
        "2012年6月24日",
    ),
    *("Dec 21, 2025", "March 2026", "5 January 2024", "3 days ago", "an hour ago", "2 小时前"),
    *("Posted on Mar 8, 2026", "发布于 2020-01-02 10:00", "9 hrs ago | Cricket"),
)
NO_DATES = (
    *(
        "",
        "4.7",
        "12",
        "3.14",
        "step 1",
        "2 eggs",
        "In 2026 the bridge was opened.",
        "Chapter 12-21 explains it",
    ),
    *("第3章", "2015年7月3日，他们到了山顶。", "long ago", "1/2 cup of sugar"),
)


@pytest.mark.parametrize("line", DATES)
def test_a_date_alone_is_one(line: str) -> None:
    assert is_date(line)


@pytest.mark.parametrize("line", NO_DATES)
def test_numbers_and_sentences_are_no_date(line: str) -> None:
    assert not is_date(line)


def forms(*texts: str) -> Forms:
    array = pa.array(texts, pa.large_string())
    return forms_of(*counts_of(array), count_words(*text_buffers(array), vocabulary([])))


def test_an_archive_of_a_blog_is_half_dates() -> None:
    texts = ["缓存的三种写法\n\n12-21\n\n再谈线程池\n\n12-07\n\n写在年末\n11-30\n", "", "2026"]
    assert date_lines(pa.array(texts)).tolist() == [0.5, 0.0, 1.0]


def test_lines_words_and_marks_are_counted() -> None:
    text = "A Short Title\n\nYou had 3 apples, and we said: is it $5?\n- one\n- more..."
    found = Forms(*(column[0] for column in forms(text)))
    assert (found.short_lines, found.middle_lines, found.long_lines) == (0.75, 0.25, 0.0)
    assert (found.bullet_lines, found.ellipsis_lines, found.ended_lines) == (0.5, 0.25, 0.5)
    assert found.blank_lines == pytest.approx(0.2)
    assert found.words_in_titles == pytest.approx(5 / 17)
    assert found.prices == 1.0 and found.questions == 1.0 and found.exclamations == 0.0
    assert found.you == pytest.approx(10 / 17) and found.past == 1.0
    assert found.words == math.log1p(17) / 8.0 and found.longest_line == math.log1p(10) / 6.0


@settings(deadline=None)  # the first call compiles
@given(st.text(max_size=300), st.text(alphabet="ab\n .!", max_size=200))
def test_all_numbers_are_bounded_and_read_the_beginning_alone(head: str, tail: str) -> None:
    text = (head + "x" * CHARS)[:CHARS].encode("utf-8", "replace").decode()
    found = np.array(forms(text, text + tail))
    assert np.all((found >= 0.0) & (found <= 2.0))
    assert found[:, 0].tolist() == found[:, 1].tolist()
