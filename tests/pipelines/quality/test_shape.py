from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.quality.shape import _has_blank, _is_answer, holds_exercises, kind, lines_of
from tests.support.time_bounds import assert_linear


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("How many apples are left?", "prose?"),
        ("13.0", "answer"),
        ("30 (fishes)", "answer"),
        ("B", "answer"),
        ("A. $-1+2i$", "choice"),
        ("（B）细胞核", "choice"),
        ("Ｂ．水稻胚乳和花生子叶", "choice"),
        ("3．（6分）下列叙述正确的是（　　）", "item?"),
        ("【解析】解：由题意可知", "solution"),
        ("解答：A", "solution"),
        ("Solution", "solution"),
        ("Problem. Factor the polynomial over the integers.", "problem"),
        ("例题 5．计数所有样方内蒲公英总数", "problem"),
        ("x^2 - 3x + 2 = (x-1)(x-2)", "formula"),
        ("Fill in the missing word: ______", "prose?"),
        ("Home", "short"),
        ("鸭子下水——呱呱叫；嘴上前；各奔前程", "prose"),
    ],
)
def test_kinds_of_lines(line: str, expected: str) -> None:
    assert kind(*lines_of(line)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Evaluate the expression.\n\nSolution\nThe sum of 12 and 15 is 27, so the answer is 27.",
        "Find the sum of 3x - 5 and 2x + 7. Determine the value of x for which it is 12.",
        "练习\n1. 已知 x+y=3，求 x^2+y^2 的最小值。",
        "Chemistry End of Chapter Exercises\nWhich of 2H2 and O2 is the limiting reagent in 2H2 + O2 = 2H2O?",
    ],
)
def test_pieces_of_textbooks_with_exercises_are_known_by_their_marks(text: str) -> None:
    assert holds_exercises(text)


@pytest.mark.parametrize(
    "text",
    [
        # asks, but not about quantities
        "Where was he born?\nWhat was his first film?\nHow many series did he make?",
        "问题：糖尿病一般需要怎么治疗？\n回答：糖尿病患者首先通过饮食控制和锻炼。",
        # exposition sets no task
        "The derivative of $x^2$ is $2x$, as the limit of $(f(x+h)-f(x))/h$ shows for h = 0.",
        "",
    ],
)
def test_questions_without_quantities_and_quantities_without_tasks_are_none(text: str) -> None:
    assert not holds_exercises(text)


@given(st.text(max_size=300))
def test_every_line_has_a_kind(text: str) -> None:
    assert all(kind(line).rstrip("?").isalpha() for line in lines_of(text))
    assert isinstance(holds_exercises(text), bool)


WITH_UNITS = re.compile(r"\W*(?:[-+]?\$?\s*[\d.,/%]+\s*(?:\([^)]{1,20}\)|[a-z%]{0,8})|[a-e])\W*$")
BLANK = re.compile(r"\(\s*(?:\\q?quad)?\s*\)\W*$|_{3,}")
ATOMS = [*"1.,/% ()$-+abef\\字_!", "\\quad", "\\qquad", "()", "( )", "abcdefgh", "__", "%a", "(5)"]


@given(st.lists(st.sampled_from(ATOMS), min_size=1, max_size=10).map("".join).map(str.strip).filter(bool))
def test_answers_and_blanks_are_what_their_patterns_say(line: str) -> None:
    """The patterns say what is meant, in time that grows with the cube of a line."""
    assert _is_answer(line) == bool(WITH_UNITS.match(line))
    assert _has_blank(line) == bool(BLANK.search(line))


@pytest.mark.parametrize("after", ["", "字字", "abcdefghi"])
@pytest.mark.parametrize(
    "unit",
    ["()", "( ", "(\\quad", "%", ".", ". ", "1", "1 ", "$ ", "_ ", "(1)", ".(", ".(a)", "a", "(a ", "? "],
)
def test_lines_are_told_in_linear_time(unit: str, after: str) -> None:
    assert_linear(lambda line: (kind(line), holds_exercises("1=\n" + line)), unit, after=after)
