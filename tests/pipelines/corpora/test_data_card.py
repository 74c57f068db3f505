from __future__ import annotations

import pytest

from pipelines.corpora.data_card import as_markdown, data_card
from pipelines.lake import Lake


def test_the_card_counts_what_is_in_and_what_is_not(published: Lake) -> None:
    card = data_card(published, "r")
    assert (card["documents"], card["groups"], card["tokens"]) == (4, 4, None)
    when = "2024-01-02T03:04:05Z"
    assert card["dates"] == {
        "published": {"first": "2023-01-01", "last": "2023-03-01", "documents_without": 1},
        "crawled": {"first": when, "last": when, "documents_without": 3},
    }
    assert card["dumps"]["a"]["licence"] == "CC BY 4.0" and card["dumps"]["a"]["documents"] == 4
    shares = card["rejected"]["share_by_reason"]
    assert card["rejected"]["documents"] == 2 and card["rejected"]["of"] == 6
    assert shares["rules/num_words"] == shares["rules/short_lines"] == pytest.approx(1 / 6, abs=1e-5)
    page = as_markdown(card)
    assert "CC BY 4.0" in page and "| en | webpages | 3 |" in page and "16.67%" in page


def test_buckets_of_a_release_are_counted(published: Lake) -> None:
    card = data_card(published, "r")
    assert card["buckets"] == {} and "| bucket |" not in as_markdown(card)
    page = as_markdown(card | {"buckets": {"q3/science": {"documents": 1200, "bytes": 5}}})
    assert "| q3/science | 1,200 | 5 |" in page
