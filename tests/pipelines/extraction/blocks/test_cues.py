from __future__ import annotations

import numpy as np

from pipelines.extraction.blocks.cues import MAX_TOKENS, NAMES, cues
from pipelines.extraction.html import tree
from pipelines.extraction.html.runs import text_words


def given(markup: str) -> list[set[str]]:
    data = np.frombuffer(markup.encode(), np.uint8)
    _, blocks, segments, *_ = tree.parse(data, text_words(""), False)
    masks = cues(data, blocks, segments).tolist()
    return [{name for bit, name in enumerate(NAMES) if mask >> bit & 1} for mask in masks]


def test_short_lines_give_cues_in_english_and_chinese() -> None:
    assert given("<p>Customer REVIEWS<p>相关<b>阅读</b>") == [{"reviews", "about"}, {"related", "author"}]
    assert given("<p>$ 12.50<p>plain words<p>cart") == [{"money"}, set(), {"buy"}]


def test_long_lines_and_parts_of_words_give_none() -> None:
    assert given("<p>" + "reviews " * (MAX_TOKENS + 1)) == [set()]
    assert given("<p>previewed cartoon<p>中相 关中") == [set(), set()]
