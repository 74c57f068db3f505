"""Lines that tell of a post: of boards and lists of articles, not of threads, articles, tables."""

from __future__ import annotations

import pyarrow as pa
import pytest

from pipelines.signals.entries import LEAST, entry_lines, is_entry


def share(text: str) -> float:
    return entry_lines(pa.array([text], pa.large_string()))[0]


@pytest.mark.parametrize(
    "line",
    [
        "|  | [求助] 哪里修手机 | 老王 2020-7-19 | 221 | 小鱼儿 3 小时前 |",
        "2021-03-12 阅读(120) 评论(3)",
        "作者：老王 2020年1月5日 浏览 1024",
        "12次阅读 3条评论",
        "Started by oldman, 2 days ago  14 replies 210 views",
        "Replies: 12, Views: 3401",
        "Which oil for a lawn mower? 3 hours ago by sam, yesterday at 10:22",
    ],
)
def test_a_line_of_a_list_of_posts(line: str) -> None:
    assert is_entry(line)


@pytest.mark.parametrize(
    "line",
    [
        "发表于 2020-1-1 12:00",
        "2020-01-05",
        "| 2019-03-01 | 第一次登月任务 |",
        "他在2011年3月5日出生，2019年8月1日毕业。",
        "It was founded 3 years ago and had 12 views on the matter, 4 comments in all.",
        "[2021 年 11 月 29 日](whats-new-2021-11-29.md)",
        "a long line " * 30 + "3 hours ago 12 replies",
    ],
)
def test_other_lines(line: str) -> None:
    assert not is_entry(line)


def test_the_rows_of_a_board_count_among_its_lines() -> None:
    rows = [f"| 问题 {i} | 老王 2020-7-{i + 1} | {i}1 | 小鱼儿 {i + 1} 小时前 |" for i in range(9)]
    assert share("\n\n".join(["版块说明", *rows])) == pytest.approx(0.9)


def test_few_entries_are_no_list() -> None:
    row = "2021-03-12 阅读(120) 评论(3)\n"
    assert share(row * (LEAST - 1)) == 0.0
    assert share(row * LEAST) == 1.0
    assert share("") == 0.0
