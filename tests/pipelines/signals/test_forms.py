"""Numbers of form count what they say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.signals.forms import CHARS, date_lines, forms_of, is_date
from pipelines.signals.page_kinds import counts_of

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


def test_an_archive_of_a_blog_is_half_dates() -> None:
    assert date_lines("缓存的三种写法\n\n12-21\n\n再谈线程池\n\n12-07\n\n写在年末\n11-30\n") == 0.5


def test_lines_words_and_marks_are_counted() -> None:
    text = "A Short Title\n\nYou had 3 apples, and we said: is it $5?\n- one\n- more..."
    forms = forms_of(text, counts_of(text))
    assert (forms.short_lines, forms.middle_lines, forms.long_lines) == (0.75, 0.25, 0.0)
    assert (forms.bullet_lines, forms.ellipsis_lines, forms.ended_lines) == (0.5, 0.25, 0.5)
    assert forms.blank_lines == pytest.approx(0.2)
    assert forms.words_in_titles == pytest.approx(5 / 17)
    assert forms.prices == 1.0 and forms.questions == 1.0 and forms.exclamations == 0.0


@given(st.text(max_size=300), st.text(alphabet="ab\n .!", max_size=200))
def test_all_numbers_are_bounded_and_read_the_beginning_alone(head: str, tail: str) -> None:
    text = (head + "x" * CHARS)[:CHARS]
    counts = counts_of(text)
    forms = forms_of(text, counts)
    assert all(0.0 <= number <= 2.0 for number in forms)
    assert forms == forms_of(text + tail, counts)
