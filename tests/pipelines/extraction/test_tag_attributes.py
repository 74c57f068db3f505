from __future__ import annotations

import pytest

from pipelines.extraction.tag_attributes import MAX_TAG, attributes
from tests.support.time_bounds import assert_linear


def test_attributes_in_every_quoting() -> None:
    assert attributes("""<meta NAME = 'a' content="x &gt; y" data-z=q>""") == {
        "name": "a",
        "content": "x > y",
        "data-z": "q",
    }


@pytest.mark.parametrize("unit", ["aa", "aa=", 'aa="', "aa='\"", "aa   ", "a-", "aa=     ", "aa=&"])
def test_tags_are_read_in_linear_time(unit: str) -> None:
    assert_linear(
        lambda text: [attributes(text[at : at + MAX_TAG]) for at in range(0, len(text), MAX_TAG)], unit
    )
