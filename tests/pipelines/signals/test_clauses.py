"""Titles hold no clauses, sentences do, and verse has even ones."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.signals.rules import measure_rules

MOTTO = "学而不思则罔，思而不学则殆。"


def row_of(text: str) -> dict[str, Any]:
    row: dict[str, Any] = measure_rules([text], ["zh"]).to_pylist()[0]
    return row


def test_a_page_of_titles_with_a_motto_has_the_tokens_of_the_motto() -> None:
    page = (
        f"{MOTTO}\n\n如何设计一个流计算基准测试？\n\n后缀自动机（线段树合并，字符串）\n\n2019-12-06 内存管理"
    )
    assert row_of(page)["clause_tokens"] == 12


@pytest.mark.parametrize(
    "line", ["天气很好,我们走吧", "天气很好;我们走吧", "城市、乡村", "开门见山——直来直去", "今天很好．"]
)
def test_a_mark_between_clauses_counts_its_line(line: str) -> None:
    assert row_of(line)["clause_tokens"] == row_of(line)["num_tokens"]


@pytest.mark.parametrize("line", ["1. 介绍", "版本3.14", "真的吗？", "（甲，乙）的题解", "第一章：开始"])
def test_numbers_questions_and_brackets_are_no_clauses(line: str) -> None:
    assert row_of(line)["clause_tokens"] == 0


def test_verse_has_clauses_of_one_length_and_prose_has_not() -> None:
    verse = "静夜思\n李白\n床前明月光，疑是地上霜。\n举头望明月，低头思故乡。"
    prose = "昨天下午我们去了河边的公园，天气很好。回来的路上下起了大雨，大家都湿透了，不过没有人抱怨。"
    assert row_of(verse)["even_clauses"] == pytest.approx(4 / 6)
    assert row_of(prose)["even_clauses"] < 0.5


def test_few_clauses_say_nothing_of_evenness() -> None:
    assert row_of("床前明月光，疑是地上霜。举头望明月")["even_clauses"] == 0


def test_a_long_text_is_counted_by_its_beginning() -> None:
    """Counts of lengths have room for 4,095 clauses."""
    assert row_of("床前明月光，" * 10_000)["even_clauses"] == 1.0
