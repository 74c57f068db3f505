from __future__ import annotations

import pytest

from pipelines.extraction.blocks.hints import NAMES, hints, own_address
from tests.support.time_bounds import assert_linear

LINK = '<link href="https://shop.example/products/2024/red-lamp-12" rel=canonical>'


def said(markup: str, data: list[str], shared_as: str) -> dict[str, float]:
    return dict(zip(NAMES, hints(own_address(markup), data, shared_as).tolist(), strict=True))


def test_types_and_address_of_a_page() -> None:
    data = [
        '{"@type": "Product", "offers": {"@type": ["Offer"]}}',
        '{"@type":"http://schema.org/BreadcrumbList"}',
    ]
    found = said(LINK, data, "product.group")
    assert found["says_product"] == pytest.approx(1.0986, abs=1e-3) and found["says_crumbs"] > 0
    assert found["shared_product"] == 1 and found["shared_article"] == 0
    assert (found["address_product"], found["address_list"], found["address_depth"]) == (1, 0, 3)
    assert (found["address_year"], found["address_digits"], found["address_words"]) == (1, 6, 2)


def test_a_page_that_says_nothing() -> None:
    assert not any(said("<p>x", [], "").values())
    assert said('<link rel="canonical" href="https://[x">', [], "")["address_known"] == 1
    assert own_address(LINK).endswith("red-lamp-12") and own_address("<link rel=icon href=/x>") == ""


@pytest.mark.parametrize("unit", ["<link ", "<link rel=canonical ", '"@type":', '"@type": ['])
def test_hints_take_linear_time(unit: str) -> None:
    assert_linear(lambda markup: hints(own_address(markup), [markup], ""), unit)
