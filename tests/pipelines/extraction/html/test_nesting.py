from __future__ import annotations

import numpy as np
import pytest

from pipelines.extraction.html.columns import S_LINK
from pipelines.extraction.html.nesting import depth_after_end, depth_before_start
from pipelines.extraction.html.tags import TAG_HASHES, TAG_KINDS, find, name_hash


def kind(name: str) -> int:
    at = find(TAG_HASHES, np.uint64(name_hash(name)))
    return int(TAG_KINDS[at]) if at >= 0 else 0


def open_after_end(stack: str, name: str, flags: list[int] | None = None) -> str:
    names = stack.split()
    kinds = np.array([kind(n) for n in names])
    hashes = np.array([name_hash(n) for n in names], np.uint64)
    given = np.array(flags or [0] * len(names))
    depth = depth_after_end(kinds, hashes, given, len(names), kind(name), np.uint64(name_hash(name)))
    if flags:
        flags[:] = given.tolist()
    return " ".join(names[:depth])


def open_before_start(stack: str, name: str) -> str:
    names = stack.split()
    return " ".join(names[: depth_before_start(np.array([kind(n) for n in names]), len(names), kind(name))])


@pytest.mark.parametrize(
    ("stack", "name", "left"),
    [
        ("body div p b", "div", "body"),
        ("body div p b", "b", "body div p"),
        ("body div", "section", "body div"),  # names nothing
        ("body div b p", "b", "body div b p"),  # an inline end tag stays in its block
        ("body div table tr td", "div", "body div table tr td"),  # and a block in its cell
        ("body table tr td p", "table", "body"),
        ("body div", "body", "body div"),
    ],
)
def test_an_end_tag_closes_what_it_names_if_it_can_reach_it(stack: str, name: str, left: str) -> None:
    assert open_after_end(stack, name) == left


def test_an_anchor_that_is_closed_too_late_links_no_more() -> None:
    flags = [0, S_LINK, S_LINK, S_LINK]
    assert open_after_end("body a div b", "a", flags) == "body a div b"
    assert flags == [0, S_LINK, 0, 0]


@pytest.mark.parametrize(
    ("stack", "name", "left"),
    [
        ("body p b", "div", "body"),
        ("body p", "b", "body p"),
        ("body div", "p", "body div"),
        ("body h1", "h2", "body"),
        ("body h1", "p", "body h1"),
        ("body ul li p", "li", "body ul"),
        ("body ul li ul", "li", "body ul li ul"),  # of the inner list
        ("body dl dt", "dd", "body dl"),
        ("body table tr td", "td", "body table tr"),
        ("body table tbody tr td p", "tr", "body table tbody"),
        ("body table tr td table", "tr", "body table tr td table"),
        ("body a b", "a", "body"),
        ("body a div", "a", "body a div"),
    ],
)
def test_a_start_tag_closes_what_html_says_it_does(stack: str, name: str, left: str) -> None:
    assert open_before_start(stack, name) == left
