"""Language of a text, and which script its characters are of."""

from __future__ import annotations

import re

import pytest

from pipelines.signals.language import (
    CHARS,
    HAN_SHARE,
    SCHEMA,
    chinese_share,
    measure_language,
    traditional_share,
    windows,
)

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


def test_width_and_case_do_not_count() -> None:
    wide = "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in ENGLISH)
    one, other = measure_language([ENGLISH, wide]).to_pylist()
    assert one["en"] == other["en"] == measure_language([ENGLISH.upper()]).to_pylist()[0]["en"]


def test_beginning_middle_and_end_are_read_and_code_is_not() -> None:
    long = (ENGLISH + " ") * (2 * CHARS // len(ENGLISH) + 1)
    one, mixed = measure_language([long, long + (CHINESE * 200) + long]).to_pylist()
    assert one["en"] > 0.9 and (mixed["language"], mixed["en"] > 0.1) == ("zh", True)
    code = "```\n" + "for (let i = 0; i < n; i++) { total += items[i]; }\n" * 50 + "```\n"
    assert measure_language([CHINESE + "\n" + code]).to_pylist()[0]["zh"] > 0.8


@pytest.mark.parametrize(
    "text",
    [
        "床前明月光，疑是地上霜。舉頭望明月，低頭思故鄉。",
        "佢哋話今日唔使返工，我哋可以去飲茶喎。",
        "使用 nmap 的 -sV 選項 scan 主機 host，可以得到 service 與 version 的列表。",
    ],
    ids=["verse", "Cantonese", "technical"],
)
def test_what_is_written_in_han_without_kana_is_chinese(text: str) -> None:
    assert measure_language([text]).to_pylist()[0]["language"] == "zh"


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("東京の天気は晴れです。明日は雨が降るでしょう。傘を持って行きましょう。", "ja"),
        ("서울의 날씨는 맑습니다. 내일은 비가 내릴 것입니다. 漢字도 조금 있습니다.", "ko"),
        ("The word 道 means way, and 德 means virtue, as the old book says in its first line.", "en"),
    ],
)
def test_han_among_other_scripts_is_not_chinese(text: str, language: str) -> None:
    assert measure_language([text]).to_pylist()[0]["language"] == language


@pytest.mark.parametrize(
    ("text", "share"),
    [("plain", None), ("山水人", None), ("国", 0.0), ("國", 1.0), ("國国国國國", 0.6)],
)
def test_characters_of_one_script_only_are_counted(text: str, share: float | None) -> None:
    assert traditional_share(text) == share


HAN, KANA = re.compile(r"[\u3400-\u9fff\U00020000-\U000323af]"), re.compile(r"[\u3041-\u30ff]")
HANGUL = re.compile(r"[\u1100-\u11ff\uac00-\ud7af]")
WORD = re.compile(r"[^\W\d_\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\U00020000-\U000323af]+")


def plain_share(sample: str) -> float:
    han, others = len(HAN.findall(sample)), len(KANA.findall(sample)) + len(HANGUL.findall(sample))
    return han / (han + len(WORD.findall(sample))) if han and others <= 0.05 * han else 0.0


def test_the_share_of_chinese_is_of_every_character_as_expressions_say_it() -> None:
    chars = [chr(c) for c in range(0x34000) if not 0xD800 <= c < 0xE000]
    samples = [text for c in chars for text in ("中" * 30 + c, f"中a{c}b")]
    assert all(chinese_share(sample) == plain_share(sample) for sample in samples)
    assert chinese_share("中a b1c 2") == pytest.approx(1 / 4) and HAN_SHARE < 0.25


def test_windows_are_folded_and_their_white_space_is_joined() -> None:
    assert windows(["ＡＢ\n\u3000 Ｃ１", ""]) == [["ab c1"], [""]]
    long = "Word " * 1000
    assert [len(window) for window in windows([long])[0]] == [CHARS] * 3
