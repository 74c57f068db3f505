"""Quotes of an earlier post go; quotes of anything else stay."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.edits.edits import spans_of
from pipelines.edits.quotes import may_quote, quoted_lines
from tests.support.personal_data import mask

POST = "I would like a tent that stands in strong wind and weighs less than two kilograms."
ZH_POST = "我想要一顶在大风里也站得住的帐篷，重量不超过两公斤。"
ANSWER = "Look at the two-pole ones, they are lighter than they look."


@pytest.mark.parametrize(
    ("opening", "post"),
    [
        ("Ada said:", POST),
        ("Ada wrote: ↑", POST),
        ("On 3/5/2024 at 7:29 PM, Ada said:", POST),
        ("Originally Posted by Ada", POST),
        ("Quote:", POST),
        ("ada 发表于 2020-1-2 10:00", ZH_POST),
        ("引用 2 楼 ada 的回复：", ZH_POST),
    ],
)
def test_a_quote_of_an_earlier_post_goes_with_its_opening(opening: str, post: str) -> None:
    assert mask(f"{post}\n{opening}\n{post}\n{ANSWER}", "social") == f"{post}\n{ANSWER}"


def test_short_lines_go_along_with_the_long_ones() -> None:
    lines = [POST, "Thanks!", "Ada said:", POST, "Thanks!", "Click to expand...", ANSWER, "Thanks!"]
    assert mask("\n".join(lines), "webpages").split("\n") == [POST, "Thanks!", ANSWER, "Thanks!"]


def test_a_quote_that_only_its_end_tells_goes_too() -> None:
    assert mask(f"{POST}\n{POST}\nClick to expand...\n{ANSWER}", "webpages") == f"{POST}\n{ANSWER}"


def test_code_that_repeats_itself_stays() -> None:
    line = "    git commit --message 'fix the handling of references' --all"
    text = f"Ada wrote:\n```\n{line}\n```\nBo wrote:\n```\n{line}\n```"
    assert mask(text, "webpages") == text


def test_what_quotes_another_page_stays() -> None:
    text = f"As the mayor said:\n{POST}\n{ANSWER}"
    assert mask(text, "webpages") == text


def test_a_page_without_a_sign_of_quotes_is_left_alone() -> None:
    text = f"{POST}\n{ANSWER}\n{POST}"
    assert not may_quote(text) and mask(text, "webpages") == text
    assert mask(f"Ada said:\n{POST}", "webpages") == f"Ada said:\n{POST}"
    assert mask(f"Ada said:\n{POST}\nAda said:\n{POST}", "code").count(POST) == 2


@given(
    st.lists(st.sampled_from([POST, ANSWER, "Ada said:", "Thanks!", "", "邮箱a@b.cn", "Click to expand..."]))
)
def test_taking_quotes_out_is_idempotent_and_loses_no_line(lines: list[str]) -> None:
    once = mask("\n".join(lines), "webpages")
    assert mask(once, "webpages") == once
    for line in (POST, ANSWER):
        assert (line in lines) == (line in once.split("\n"))


def test_places_are_those_of_the_lines() -> None:
    assert quoted_lines([POST, "", "Ada said:", POST, ANSWER]) == {2, 3}
    assert [span["kind"] for span in spans_of(f"{POST}\nAda said:\n{POST}", "social")] == ["line", "line"]
