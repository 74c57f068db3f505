"""Prose, code, formulas and tables of a text are told apart."""

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


@given(st.lists(st.sampled_from(["text", "```", "~~~~", "| a | b |", "$$", "$x^2$", "`c`", "    x();", ""])))
def test_nothing_is_made_up(lines: list[str]) -> None:
    text = "\n".join(lines)
    found = prose_of(text)
    assert len(found.text) + found.code + found.formulas + found.tables <= len(text) + len(lines)
    assert set(found.text) <= set(text)
