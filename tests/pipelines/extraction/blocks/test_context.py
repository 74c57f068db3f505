from __future__ import annotations

import numpy as np

from pipelines.extraction.blocks.context import NAMES, context
from pipelines.extraction.html import tree
from pipelines.extraction.html.runs import text_words

CARD = "<div class=card><p>Name of a thing</p><p>12 pieces</p></div>"


def measured(markup: str, chances: list[float]) -> list[dict[str, float]]:
    elements, blocks, *_ = tree.parse(np.frombuffer(markup.encode(), np.uint8), text_words(""), False)
    rows = context(elements, blocks, np.array(chances))
    return [dict(zip(NAMES, row.tolist(), strict=True)) for row in rows]


def test_a_card_is_seen_with_the_other_cards() -> None:
    rows = measured(f"<p>Top of it</p>{CARD * 3}", [0.1, 0.9, 0.7, 0.9, 0.7, 0.3, 0.1])
    assert rows[6]["chance_units"] > 0.5 > rows[6]["chance_unit"] > rows[6]["chance"]
    assert np.isclose(rows[6]["chance_unit_before"], rows[3]["chance_unit"])
    assert rows[1]["chance_unit_before"] == -1 and rows[6]["chance_unit_after"] == -1
    assert rows[6]["chance_alike"] == rows[2]["chance_alike"] and np.isclose(
        rows[6]["chance_alike_most"], 0.9
    )


def test_a_section_runs_from_heading_to_heading() -> None:
    rows = measured("<h2>One</h2><p>a b c</p><h2>Two</h2><p>d e f</p>", [0.2, 0.9, 0.1, 0.3])
    assert np.isclose(rows[1]["chance_heading"], 0.2) and np.isclose(rows[3]["chance_heading"], 0.1)
    assert np.isclose(rows[0]["chance_next_section"], rows[2]["chance_section"])
    assert rows[2]["chance_next_section"] == -1


def test_surroundings_do_not_decay_down_a_long_page() -> None:
    rows = measured("<div>" + "<p>one two three</p>" * 200 + "</div>", [0.9] * 200)
    middle = [name for name in NAMES if not name.startswith(("expected", "rank"))]
    assert [rows[60][name] for name in middle] == [rows[150][name] for name in middle]
    assert rows[60]["inside_likely"] == 1


def test_an_empty_page_has_no_rows() -> None:
    assert measured("", []) == []
