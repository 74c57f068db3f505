from __future__ import annotations

import itertools
import json

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.extraction.blocks.features import NAMES
from pipelines.extraction.blocks.model import (
    ALL_NAMES,
    HELD,
    MIN_ELSEWHERE,
    PATH,
    block_model,
    elsewhere_only,
    once,
    select,
    with_code,
)
from pipelines.extraction.html import columns as col
from pipelines.extraction.html import tags
from pipelines.extraction.html.names import DIALOG
from pipelines.extraction.page import extract


def expected_f1(chances: list[float], sizes: list[int], chosen: tuple[bool, ...]) -> float:
    hits = sum(p * n for p, n, c in zip(chances, sizes, chosen, strict=True) if c)
    held = HELD * sum(p * n for p, n in zip(chances, sizes, strict=True))
    return 2 * hits / (sum(n for n, c in zip(sizes, chosen, strict=True) if c) + held)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, 99), st.integers(1, 30)), min_size=1, max_size=7, unique_by=lambda t: t[0]
    )
)
def test_no_other_set_of_blocks_has_a_higher_expected_f1(blocks: list[tuple[int, int]]) -> None:
    chances, sizes = [p / 100 for p, _ in blocks], [n for _, n in blocks]
    chosen = tuple(select(np.array(chances), np.array(sizes), 0.0).tolist())
    best = max(expected_f1(chances, sizes, c) for c in itertools.product((False, True), repeat=len(blocks)))
    assert np.isclose(expected_f1(chances, sizes, chosen), best)


def test_code_among_chosen_blocks_is_chosen_and_line_numbers_are_not() -> None:
    kinds = [tags.P, tags.PRE, tags.PRE, tags.DIV, tags.P, *[tags.DIV] * 9, tags.PRE, tags.P, tags.PRE]
    elements, blocks = (
        np.zeros((len(kinds), col.NUM_ELEMENT_COLUMNS), int),
        np.zeros((len(kinds), col.NUM_BLOCK_COLUMNS), int),
    )
    elements[:, col.E_KIND], blocks[:, col.B_ELEMENT], blocks[:, col.B_CHARS] = (
        kinds,
        np.arange(len(kinds)),
        20,
    )
    blocks[2, col.B_DIGITS] = 20
    chosen = np.array([kind == tags.P for kind in kinds])
    assert np.flatnonzero(with_code(chosen, elements, blocks)).tolist() == [0, 1, 4, 15]
    assert not with_code(np.zeros(len(kinds), bool), elements, blocks).any()


def test_a_page_without_main_text_gives_none() -> None:
    assert (
        not select(np.full(5, 0.1), np.full(5, 10), 0.15).any()
        and not select(np.zeros(0), np.zeros(0), 0.15).size
    )


def test_the_shipped_file_says_how_it_was_made() -> None:
    about = json.loads(PATH.read_text(encoding="utf-8"))["about"]
    assert (
        about["command"].startswith("python -m pipelines.extraction.blocks.training")
        and len(about["sources"]) >= 2
    )
    assert block_model().first.features.max() < len(NAMES)
    assert block_model().second.features.max() < len(ALL_NAMES)


def test_a_longer_text_is_taken_once_unless_its_copy_stands_in_the_like_place() -> None:
    def left(
        texts: list[int],
        paths: list[int],
        words: int,
        chances: list[float],
        formulas: tuple[bool, ...] = (False,) * 3,
    ) -> list[bool]:
        n = len(texts)
        elements, blocks = (
            np.zeros((n, col.NUM_ELEMENT_COLUMNS), int),
            np.zeros((n, col.NUM_BLOCK_COLUMNS), int),
        )
        elements[:, col.E_PATH], blocks[:, col.B_ELEMENT] = paths, np.arange(n)
        blocks[:, col.B_HASH], blocks[:, col.B_TOKENS] = texts, words
        chosen = np.array(chances) > 0.3
        return once(chosen, np.array(chances), elements, blocks, np.array(formulas)).tolist()

    assert left([7, 8, 7], [1, 1, 2], 6, [0.5, 0.6, 0.9]) == [False, True, True]  # the likelier copy
    assert left([7, 8, 7], [1, 1, 2], 5, [0.5, 0.6, 0.9]) == [True, True, True]  # a short line
    assert left([7, 7, 7], [1, 2, 1], 6, [0.9, 0.6, 0.5]) == [True, False, True]  # rows of a table
    assert left([7, 7], [1, 2], 6, [0.2, 0.5]) == [False, True]  # what is not chosen stands for nothing
    assert left([7, 7, 8], [1, 2, 1], 9, [0.9, 0.8, 0.7], (True, True, False)) == [True, True, True]


def left_of(parents: list[int], kinds: list[int], dialog: int, words: int) -> list[float]:
    """What is left of chances of .9, one block in each element; the first block has `words` words."""
    n = len(kinds)
    elements, blocks = np.zeros((n, col.NUM_ELEMENT_COLUMNS), int), np.zeros((n, col.NUM_BLOCK_COLUMNS), int)
    elements[:, col.E_PARENT], elements[:, col.E_KIND] = parents, kinds
    if dialog:
        elements[dialog, col.E_OWN] = DIALOG
    blocks[:, col.B_ELEMENT], blocks[:, col.B_TOKENS], blocks[0, col.B_TOKENS] = np.arange(n), 9, words
    left: list[float] = elsewhere_only(np.full(n, 0.9), elements, blocks).tolist()
    return left


def test_nothing_is_taken_in_dialogs_and_the_footer_of_the_page() -> None:
    words = int(MIN_ELSEWHERE / 0.9) + 1
    assert left_of([-1, 0, 1], [tags.BODY, tags.DIV, tags.P], 1, words) == [0.9, 0.0, 0.0]
    assert left_of([-1, 0, 1], [tags.BODY, tags.FOOTER, tags.P], 0, words) == [0.9, 0.0, 0.0]
    for kind in (tags.ARTICLE, tags.MAIN, tags.QUOTE):
        assert left_of([-1, 0, 1], [tags.BODY, kind, tags.FOOTER], 0, words) == [0.9, 0.9, 0.9]


def test_a_page_that_is_one_dialog_is_read_as_it_is() -> None:
    kinds, few = [tags.BODY, tags.DIV, tags.P], int(MIN_ELSEWHERE / 0.9)
    assert left_of([-1, 0, 1], kinds, 1, few) == [0.9, 0.9, 0.9]


def test_the_text_of_a_dialog_stays_out_of_an_article() -> None:
    line = "The ferry left the harbour at noon, and {} of its passengers slept until it came back. "
    article = "".join(f"<p>{line.format(k) * 3}</p>" for k in ("ten", "nine", "eight", "seven"))
    notice = "<p>We store what you read here, and how long, so that the pages load faster next time. </p>" * 4
    for said in ("role=dialog", 'role="AlertDialog"', "aria-modal=true"):
        text = extract(f"<h1>The ferry</h1><article>{article}</article><div {said}>{notice}</div>").text
        assert "harbour" in text and "load faster" not in text
    assert "load faster" in extract(f"<div role=dialog>{notice * 3}</div>").text
