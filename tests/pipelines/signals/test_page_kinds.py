"""Pages that sell, and pages that list, are told from pages that tell."""

from __future__ import annotations

import json

import pytest

from pipelines.signals.forms import Forms
from pipelines.signals.page_kinds import KINDS, MODEL, counts_of, kinds_of, measure_kinds, models

SELLS = (
    "Shop our new collection of comfortable shoes. Free shipping on every order, and easy returns. "
    "Our products are made with quality leather, perfect for your home and your family. "
    "Choose your color and size, add to cart, and save 20% today. Customers love our service."
)
TELLS = (
    "If the list is empty, the function returns at once. This is the case that most people forget: "
    "an index which points behind the last element. Some languages check it, others do not, and "
    "where they do not, the value that is read depends on what the process left there before."
)
LISTS = "\n\n".join(
    f"{title}\n{hours} hours ago | {section}"
    for hours, (title, section) in enumerate(
        [
            ("Harbour Council Votes on New Bridge", "Local"),
            ("Three Rescued After Storm Hits Coast", "World"),
            ("Rovers Sign Young Keeper on Loan", "Sport"),
            ("Schools to Open Later in Winter", "Education"),
            ("Prices of Bread Rise Again", "Business"),
            ("A Walk Through the Old Town", "Travel"),
        ]
        * 3,
        1,
    )
)


def test_a_shop_is_told_from_an_explanation() -> None:
    assert (kinds_of(SELLS)["commerce"] or 0.0) > 0.8 > 0.2 > (kinds_of(TELLS)["commerce"] or 1.0)


def test_a_page_of_titles_is_told_from_an_explanation() -> None:
    assert (
        (kinds_of(LISTS)["listing"] or 0.0)
        > 0.8
        > 0.3
        > (kinds_of("\n\n".join([TELLS] * 3))["listing"] or 1.0)
    )


def test_other_languages_and_short_texts_have_no_score() -> None:
    found = measure_kinds([SELLS, "我们的商店", "buy now"], ["de", "zh", "en"])
    assert found == {kind: [None, None, None] for kind in KINDS}


def test_prices_and_percentages_are_words_whatever_their_number() -> None:
    assert counts_of("$1,299.00 $5, 20% and 3 men’s") == {"$0": 2, "0%": 1, "and": 1, "men's": 1}


def test_the_model_is_readable_and_in_the_order_of_the_alphabet() -> None:
    words = models()["commerce"].words
    assert list(words) == sorted(words) and words["shipping"] > 0 > words["example"]
    for kind in KINDS:
        written = json.loads(MODEL.read_text(encoding="utf-8"))[kind]
        assert tuple(written["forms"]) == Forms._fields
        assert written["intercept"] == pytest.approx(round(written["intercept"], 2))
