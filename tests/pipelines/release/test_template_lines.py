"""Lines that recur are cut only where nothing is lost that the page says."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.release.template_lines import removable

FOOTER = "If you find a mistake in this guide, please open an issue."


def left(text: str, *recurring: str, min_bytes: int = 12) -> str:
    """`text` without the lines of `recurring` that may be cut."""
    lines = text.split("\n")
    cut = removable(text, [line in recurring for line in lines], min_bytes)
    return "\n".join(line for line, gone in zip(lines, cut, strict=True) if not gone)


def test_a_template_line_is_cut_and_a_short_one_is_not() -> None:
    assert left(f"Own words here, yes.\n{FOOTER}\nv. 3.", FOOTER, "v. 3.") == "Own words here, yes.\nv. 3."


def test_a_step_or_an_ingredient_among_others_stays() -> None:
    recipe = "- 食用油 20ml 左右\n- 五花肉 500g\n\n1. 关闭该页面。\n2. 放入五花肉翻炒"
    assert left(recipe, "- 食用油 20ml 左右", "1. 关闭该页面。") == recipe


def test_a_list_that_recurs_as_a_whole_goes_with_its_short_items() -> None:
    text = "Own words here, yes.\n\n- Home\n- About us\n    and others\n- Contact\n\nThe end, at last."
    menu = ("- Home", "- About us", "    and others", "- Contact")
    assert left(text, *menu) == "Own words here, yes.\n\n\nThe end, at last."
    assert left(text, *menu[:2], menu[3]) == text  # an item goes on with words of its own


def test_a_heading_goes_with_its_whole_section() -> None:
    text = f"# Soup\n## Tools needed\nA pot, a spoon.\n## More content\n\n{FOOTER}"
    heads = ("## Tools needed", "## More content")
    assert left(text, FOOTER, *heads) == "# Soup\n## Tools needed\nA pot, a spoon.\n"
    nested = f"# Soup\nBoil it, then eat.\n## About us all\n### Mail to us\n{FOOTER}"
    assert left(nested, FOOTER, "## About us all", "### Mail to us") == "# Soup\nBoil it, then eat."


def test_a_short_line_before_own_words_may_be_a_heading() -> None:
    text = "Conceptual Questions\nWhy does it fall, then?\nAll rights reserved"
    assert left(text, "Conceptual Questions", "All rights reserved") == "\n".join(text.split("\n")[:2])


@pytest.mark.parametrize(
    "line",
    [
        "```javascript\nlet answer = 1;\n```",
        "~~~~ text\nContent-Type: json\n~~~~",
        "    for (int i = 1; i <= n; ++i) {",
        "| Name | Type |\n| --- | --- |",
        "$$\nx_1 + x_2 = y_1\n$$",
        "\\begin{aligned}",
    ],
)
def test_code_formulas_and_tables_stay(line: str) -> None:
    text = f"Own words here, yes.\n\n{line}\n\nThe end, at last."
    assert left(text, *line.split("\n")) == text


LINES = st.sampled_from(
    [
        "",
        "---",
        "- a",
        "  b",
        "# c",
        "### d",
        "Short title",
        "A sentence, long enough.",
        "```",
        "$$",
        "| e | f |",
    ]
)


@given(st.lists(LINES, max_size=20), st.randoms(use_true_random=False))
def test_only_lines_that_recur_are_cut(lines: list[str], rng: random.Random) -> None:
    recurs = [rng.random() < 0.6 for _ in lines]
    cut = removable("\n".join(lines), recurs, 4) if lines else []
    assert all(recurs[k] for k, gone in enumerate(cut) if gone)
    assert not any(
        line in ("", "---", "```", "| e | f |") for line, gone in zip(lines, cut, strict=True) if gone
    )
