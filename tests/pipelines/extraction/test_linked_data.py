from __future__ import annotations

import json

import pytest

from pipelines.extraction.linked_data import data_text, linked_data, num_words
from pipelines.extraction.page import extract
from tests.support.time_bounds import assert_linear

SENTENCE = "A sentence of eight words stands right here. "
LONG = SENTENCE * 8


def script(value: object) -> str:
    return f'<script type="application/ld+json">{json.dumps(value)}</script>'


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"@type": "Product", "name": "Lamp", "description": LONG}, f"Lamp\n{LONG.strip()}"),
        ({"@graph": [{"@type": "NewsArticle", "articleBody": f"<p>{LONG}</p>"}]}, LONG.strip()),
        (
            {
                "@type": "QAPage",
                "mainEntity": {
                    "@type": "Question",
                    "name": "Why?",
                    "acceptedAnswer": {"@type": "Answer", "text": LONG},
                },
            },
            f"Why?\n{LONG.strip()}",
        ),
        ({"@type": "Recipe", "recipeInstructions": [{"@type": "HowToStep", "text": LONG}]}, LONG.strip()),
        ({"@type": "Event", "description": LONG}, LONG.strip()),
    ],
)
def test_text_that_only_linked_data_holds(value: object, expected: str) -> None:
    assert extract(f"<title>t</title>{script(value)}<div id=app></div>").text == expected


def test_what_the_page_shows_comes_first() -> None:
    scripts = linked_data(script({"@type": "Article", "articleBody": LONG}))
    assert data_text(scripts, LONG) == LONG
    assert data_text(scripts, "Two words.") == LONG.strip()
    assert data_text(linked_data(script({"@type": "Organization", "description": LONG})), "x") == "x"
    assert data_text(["{broken"], "x") == "x" and data_text([], "") == ""


def test_scripts_end_at_their_end_tag() -> None:
    page = '<script type="application/ld+json">{"a": "<b>x</b>"}</script><script>1</script>'
    assert linked_data(page) == ['{"a": "<b>x</b>"}']
    assert linked_data("ld+json") == [] == linked_data("<script type=ld+json>never ends")


def test_words_are_counted_in_either_script() -> None:
    assert num_words("two words 中文字") == 5


@pytest.mark.parametrize(
    "unit", ["ld+json", "ld+json>", "ld+json></", "ld+json></script>", "<script ld+json>{"]
)
def test_scripts_are_found_in_linear_time(unit: str) -> None:
    assert_linear(linked_data, unit)
