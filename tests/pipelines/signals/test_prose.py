"""Prose, code, formulas, tables and markup of a text are told apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.signals.prose import prose_of

PAGE = """Quick sort
The pivot splits the list.
```python
def sort(a):
    return a
```
It needs $O(n \\log n)$ steps on average.
$$
T(n) = 2 T(n/2) + n
$$
| n | steps |
|---|---|
| 8 | 24 |
That is all."""


def test_each_form_is_taken_out_and_counted() -> None:
    found = prose_of(PAGE)
    assert found.text.split("\n") == [
        "Quick sort",
        "The pivot splits the list.",
        "It needs  steps on average.",
        "That is all.",
    ]
    assert found.code == len("```python\ndef sort(a):\n    return a\n```\n")
    assert found.formulas == len("$O(n \\log n)$") + len("$$\nT(n) = 2 T(n/2) + n\n$$\n")
    assert found.tables == len("| n | steps |\n|---|---|\n| 8 | 24 |\n")


@pytest.mark.parametrize(
    "text",
    [
        "It costs $5 and later $10 a month.",
        "A pipe | in a line of prose.",
        "A verse:\n\n    No more be grieved at that which thou hast done",
        "- one\n    - two of (it)\n    - three",
        "他说：“价格是 $20，还是 $30？”",
        "It is 3 < 4, and #1 of them; see chapter_two.",
        "See [1] (the first of them) and the rest.",
        "第 3 名 ... 12-21",
    ],
)
def test_prose_that_looks_like_another_form_stays(text: str) -> None:
    found = prose_of(text)
    assert (found.text, found.code, found.formulas, found.tables) == (text, 0, 0, 0)


def test_indented_code_behind_an_empty_line_is_code() -> None:
    found = prose_of("Run it:\n\n    for (i = 0; i < n; i++)\n        sum += a[i];\n\nDone.")
    assert found.text == "Run it:\n\n\nDone." and found.code > 0


def test_an_open_fence_reaches_to_the_end_and_a_longer_fence_holds_a_shorter() -> None:
    assert prose_of("a\n```\nb\nc").text == "a"
    assert prose_of("a\n````\n```\nb\n```\n````\nc").text == "a\nc"


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ('See [the guide](https://a.example/b_(c)?d=1 "Guide") first.', "See [the guide] first."),
        ("![logo](data:image/png;base64,iVBORw0KGgo=)\nThe logo.", "The logo."),
        ("发布于 https://a.example/2019/x.html，欢迎阅读。", "发布于 ，欢迎阅读。"),
        ('# <a name="c"></a>列出用户\n列出全部用户。', "列出用户\n列出全部用户。"),
        ("Title\n=====\n.. _label:\n.. py:function:: f(x)\nText.", "Title\nText."),
        (".. note:: Mind the gap.", ".. note:: Mind the gap."),
        ("By \\ref{a}, it holds.\n\\begin{proof}\n\\medskip\\noindent\nClear.", "By , it holds.\nClear."),
        ("<!--more-->\nGo to {{ site.baseurl }}/ch1 now.", "Go to /ch1 now."),
        ("The data:\n12\n13.5\n4, 5, 6\nx = ____ so far.", "The data:\nx =  so far."),
        ("[!INCLUDE [beta](../beta.md)]\n此 API 可用。", "此 API 可用。"),
    ],
)
def test_markup_and_lines_of_numbers_are_not_read(text: str, read: str) -> None:
    found = prose_of(text)
    assert found.text == read
    assert (found.markup > 0) == (text != read)


def test_the_share_of_prose_leaves_markup_out() -> None:
    assert prose_of("[a](https://a.example/" + "b" * 500 + ")").share == 1.0
    assert prose_of("one word\n```\n" + "x" * 100 + "\n```").share < 0.1
    assert prose_of("").share == 0.0


@given(
    st.lists(
        st.sampled_from(
            [
                "text",
                "```",
                "~~~~",
                "| a | b |",
                "$$",
                "$x^2$",
                "`c`",
                "    x();",
                "[t](u)",
                "# t",
                "----",
                "3",
                "",
            ]
        )
    )
)
def test_nothing_is_made_up(lines: list[str]) -> None:
    text = "\n".join(lines)
    found = prose_of(text)
    assert len(found.text) + found.code + found.formulas + found.tables + found.markup <= len(text) + len(
        lines
    )
    assert set(found.text) <= set(text)


def test_white_space_at_the_end_of_a_line_is_no_prose() -> None:
    """Tokenised text ends its lines in a space, and Markdown breaks lines by two."""
    assert prose_of("The cat sat . \n \n And slept .\t\n").text == "The cat sat .\n\n And slept .\n"


def test_roles_options_and_marks_are_no_prose() -> None:
    """d2l's tabs and labels, references of reStructuredText, blanks of a sheet, letters of exercises."""
    text = (
        ":begin_tab:`mxnet`\nIt runs.\n:end_tab:\n:label:`sec_run`\n- :ref:`api`\nSee :ref:`api` for more.\n"
        "( __ , __ )\n= \n(b)\n:param x: a number\n"
    )
    assert prose_of(text).text.split("\n") == ["It runs.", "See  for more.", ":param x: a number", ""]
