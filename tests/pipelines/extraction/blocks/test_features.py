from __future__ import annotations

import numpy as np

from pipelines.extraction.blocks.cues import cues
from pipelines.extraction.blocks.features import FAR, NAMES, features
from pipelines.extraction.blocks.hints import NAMES as HINT_NAMES
from pipelines.extraction.blocks.hints import NUM_HINTS
from pipelines.extraction.html import tree
from pipelines.extraction.html.runs import text_words

PARAGRAPH = (
    "<p>Some words of a sentence, with a comma, and then a full stop. And one more of them here, as people"
    " write.</p>"
)
PAGE = f"""<title>A long headline here</title>
<div class=nav><ul><li><a href=a>One</a><li><a href=b>Two</a></ul></div>
<h1>A long headline here</h1><div class="post-body">{PARAGRAPH}</div>
<div class="post-body">{PARAGRAPH}{PARAGRAPH}</div>
<div id=footer>(c) us</div>"""


def measured(markup: str, title: str = "") -> list[dict[str, float]]:
    data = np.frombuffer(markup.encode(), np.uint8)
    elements, blocks, segments, *_ = tree.parse(data, text_words(title), False)
    given = cues(data, blocks, segments)
    rows = features(elements, blocks, given, np.arange(NUM_HINTS, dtype=np.float32))
    return [dict(zip(NAMES, row.tolist(), strict=True)) for row in rows]


def test_rows_say_what_their_names_say() -> None:
    rows = measured(PAGE, "A long headline here")
    first, _, head, post, second, third, foot = rows
    assert (
        first["linked"] == 1
        and first["to_name_nav"] == 2
        and post["to_name_nav"] == FAR
        and first["is_li"] == 1
    )
    assert (
        head["is_heading"] == 1
        and head["title_share"] == 1
        and post["after_h1"] == 1
        and first["after_h1"] == -2
    )
    assert post["to_name_post"] == 1 and post["stops"] == 5 and foot["to_name_footer"] == 0
    assert second["times_on_page"] == third["times_on_page"] == 3
    assert np.isclose(np.expm1(third["unit_count"]), 2, atol=1e-5) and (
        post["unit_number"],
        third["unit_number"],
    ) == (0, 1)
    assert second["linked_-1"] == 0 and rows[1]["linked_-1"] == 1 and foot["chars_+1"] == -1
    assert all(r["page_h1"] == 1 for r in rows)


def test_all_is_finite_and_an_empty_page_has_no_rows() -> None:
    assert measured("") == [] and measured("<div></div>") == []
    for markup in (PAGE, "x", "<a href=x>x</a>", "&" * 50, "中" * 300, "<p>.</p>" * 200):
        assert all(np.isfinite(list(row.values())).all() for row in measured(markup))


def test_a_row_depends_on_the_page_alone() -> None:
    assert measured(PAGE) == measured(PAGE)


def test_a_line_that_gives_a_cue_marks_its_place_and_what_follows() -> None:
    page = f"<div><h2>Customer reviews</h2><div>{PARAGRAPH}</div></div><h2>History</h2>{PARAGRAPH}"
    title, review, other, text = measured(page)
    assert title["gives_reviews"] == 1 and review["gives_reviews"] == 0
    assert review["heading_gives_reviews"] == 1 and text["heading_gives_reviews"] == 0
    assert review["to_place_of_reviews"] == 2 and other["to_place_of_reviews"] == 1  # the page's body


def test_hints_stand_in_every_row() -> None:
    assert all([row[name] for name in HINT_NAMES] == list(range(NUM_HINTS)) for row in measured(PAGE))
