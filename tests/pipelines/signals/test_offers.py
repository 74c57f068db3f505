"""Phrases of offers: different ones count, and few of them say nothing."""

from __future__ import annotations

import pyarrow as pa
import pytest

from pipelines.signals.offers import CHINESE, ENGLISH, LEAST, measure_offers, phrases_of

SUPPLIER = (
    "我公司是一家集研发、生产、销售于一体的企业，主要生产厂房用的升降平台，产品畅销全国各地，深受广大用户好评。\n"
    "公司秉承质量第一、客户至上的理念，价格优惠，终身维护，欢迎新老客户来电咨询。"
)
PROMOTION = (
    "Quartz Hill Inc. (OTC PINK: QHRX) is a company on the move. With a low float it may be the most "
    "undervalued stock of the year, and early investors could see substantial gains. This profile holds "
    "forward-looking statements. We have been compensated and this is not investment advice."
)


def offers(text: str, language: str, num_tokens: int = 100) -> float | None:
    return measure_offers(pa.array([text], pa.large_string()), [language], [num_tokens])[0]


def test_pages_of_suppliers_and_promotions_of_stocks_are_full_of_them() -> None:
    assert (offers(SUPPLIER, "zh") or 0.0) >= 5.0
    assert (offers(PROMOTION, "en") or 0.0) >= 5.0


def test_a_phrase_said_again_counts_once() -> None:
    assert offers("厂家直销，" * 20, "zh") == 0.0
    assert phrases_of("厂家直销，厂家直销", "zh") == {"厂家直销"}


def test_an_article_about_trade_has_too_few() -> None:
    text = "他在课上讲到“厂家直销”和“批发零售”的区别，又说广告里常见的“客户至上”并不是承诺。"
    assert len(phrases_of(text, "zh")) == LEAST - 1
    assert offers(text, "zh") == 0.0


def test_the_release_of_a_large_company_is_not_looked_at() -> None:
    text = PROMOTION.replace("OTC PINK: QHRX", "NYSE: QHR")
    assert len(phrases_of(text, "en")) >= LEAST
    assert offers(text, "en") == 0.0


def test_the_number_is_for_a_hundred_tokens_and_null_in_other_languages() -> None:
    assert offers(SUPPLIER, "zh", 200) == pytest.approx((offers(SUPPLIER, "zh", 100) or 0.0) / 2)
    assert offers(SUPPLIER, "ja") is None
    assert offers("", "zh", 0) == 0.0


@pytest.mark.parametrize("phrases", [CHINESE, ENGLISH])
def test_no_phrase_is_listed_twice(phrases: tuple[str, ...]) -> None:
    assert len(set(phrases)) == len(phrases)
    assert all(phrase == phrase.strip().lower() for phrase in phrases)
