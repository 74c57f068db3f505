"""Pages that sell are told from pages that tell, by their words alone."""

from __future__ import annotations

import pytest

from pipelines.signals.commerce import commerce_of, counts_of, measure_commerce, model

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


def test_a_shop_is_told_from_an_explanation() -> None:
    assert (commerce_of(SELLS) or 0.0) > 0.8 > 0.2 > (commerce_of(TELLS) or 1.0)


def test_other_languages_and_short_texts_have_no_score() -> None:
    assert measure_commerce([SELLS, "我们的商店", "buy now"], ["de", "zh", "en"]) == [None, None, None]


def test_prices_and_percentages_are_words_whatever_their_number() -> None:
    assert counts_of("$1,299.00 $5, 20% and 3 men’s") == {"$0": 2, "0%": 1, "and": 1, "men's": 1}


def test_the_model_is_readable_and_in_the_order_of_the_alphabet() -> None:
    intercept, weights = model()
    assert list(weights) == sorted(weights) and weights["shipping"] > 0 > weights["example"]
    assert intercept == pytest.approx(round(intercept, 2))
