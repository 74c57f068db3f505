"""Language of a text, and which script its characters are of."""

from __future__ import annotations

import pytest

from pipelines.signals.language import CHARS, SCHEMA, measure_language, traditional_share

ENGLISH = "The committee will publish its report on the history of the railway next spring."
CHINESE = "今年春天，委员会将发布关于铁路历史的报告，欢迎读者来信。"


def test_languages_are_told_and_probabilities_are_rounded() -> None:
    table = measure_language([ENGLISH, CHINESE, "12345 ---", ""])
    assert table.schema.equals(SCHEMA)
    rows = table.to_pylist()
    assert [row["language"] for row in rows] == ["en", "zh", "", ""]
    assert rows[0]["en"] == rows[0]["score"] > 0.8 and rows[1]["zh"] == rows[1]["score"] > 0.8
    assert [row["score"] for row in rows[2:]] == [0.0, 0.0]
    assert all(abs(row["en"] * 1e4 - round(row["en"] * 1e4)) < 1e-2 for row in rows)


def test_width_and_what_lies_behind_the_first_characters_do_not_count() -> None:
    wide = "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in ENGLISH)
    one, other = measure_language([ENGLISH, wide]).to_pylist()
    assert one["en"] == other["en"]
    long = ENGLISH * (2 * CHARS // len(ENGLISH) + 1)
    assert measure_language([long]).to_pylist() == measure_language([long + ENGLISH]).to_pylist()


@pytest.mark.parametrize(
    ("text", "share"),
    [("plain", None), ("山水人", None), ("国", 0.0), ("國", 1.0), ("國国国國國", 0.6)],
)
def test_characters_of_one_script_only_are_counted(text: str, share: float | None) -> None:
    assert traditional_share(text) == share
