"""Pages that sell, and pages that list, are told from pages that tell."""

from __future__ import annotations

import json
import math

import pyarrow as pa
import pytest

from pipelines.kernels.utf8 import text_buffers
from pipelines.signals.forms import Forms, counts_of, forms_of
from pipelines.signals.forms_reference import plain_words
from pipelines.signals.page_kinds import KINDS, MODEL, measure_kinds, models
from pipelines.signals.page_words import count_words, vocabulary

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


def kinds_of(text: str) -> dict[str, float | None]:
    return {kind: scores[0] for kind, scores in measure_kinds(pa.array([text]), ["en"]).items()}


def plainly(text: str) -> dict[str, float]:
    """The scores by the words of the plain definition, added up one by one."""
    array = pa.array([text])
    forms = forms_of(*counts_of(array), count_words(*text_buffers(array), vocabulary([])))
    words = plain_words(text)
    length = max(math.sqrt(sum(math.log1p(n) ** 2 for n in words.values())), 1.0)
    out = {}
    for kind, model in models().items():
        known = sum(math.log1p(n) * model.words.get(word, 0.0) for word, n in words.items()) / length
        shape = sum(weight * float(number[0]) for weight, number in zip(model.forms, forms, strict=True))
        out[kind] = round(1.0 / (1.0 + math.exp(-(model.intercept + known + shape))), 4)
    return out


def test_a_shop_is_told_from_an_explanation() -> None:
    assert (kinds_of(SELLS)["commerce"] or 0.0) > 0.8 > 0.2 > (kinds_of(TELLS)["commerce"] or 1.0)


def test_a_page_of_titles_is_told_from_an_explanation() -> None:
    assert (
        (kinds_of(LISTS)["listing"] or 0.0)
        > 0.8
        > 0.3
        > (kinds_of("\n\n".join([TELLS] * 3))["listing"] or 1.0)
    )


@pytest.mark.parametrize("text", [SELLS, TELLS, LISTS])
def test_scores_equal_those_of_a_plain_reading(text: str) -> None:
    assert kinds_of(text) == plainly(text)


def test_other_languages_and_short_texts_have_no_score() -> None:
    found = measure_kinds(pa.array([SELLS, "我们的商店", "buy now"]), ["de", "zh", "en"])
    assert found == {kind: [None, None, None] for kind in KINDS}
    assert measure_kinds(pa.array([SELLS]), ["zh"]) == {kind: [None] for kind in KINDS}


def test_the_model_is_readable_and_in_the_order_of_the_alphabet() -> None:
    words = models()["commerce"].words
    assert list(words) == sorted(words) and words["shipping"] > 0 > words["example"]
    for kind in KINDS:
        written = json.loads(MODEL.read_text(encoding="utf-8"))[kind]
        assert tuple(written["forms"]) == Forms._fields
        assert written["intercept"] == pytest.approx(round(written["intercept"], 2))
