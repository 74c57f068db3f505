"""Personal data is found beside any neighbour, and nothing else is."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from pipelines.edits.edits import spans_of
from pipelines.edits.personal_data import MASKS, find_personal_data
from tests.support.personal_data import AROUND, ID_CARD, SECRETS, mask
from tests.support.time_bounds import assert_linear


@pytest.mark.parametrize(("secret", "kind"), SECRETS.items())
def test_masks_are_whole_beside_any_neighbour(secret: str, kind: str) -> None:
    for before in AROUND:
        for after in AROUND:
            assert mask(f"前{before}{secret}{after}后") == f"前{before}{MASKS[kind]}{after}后"


@pytest.mark.parametrize(
    "text",
    [
        "版本8.8.8.8.1发布",
        "version 8.8.8.8-rc1",
        "v8.8.8.8",
        "1.8.8.8.8",
        "127.0.0.1 and 192.168.1.1",
        "256.1.1.1",
        "order 113812345678",
        "0.13812345678",
        "110105194912310021",
        "def f(a): return a@b",
        "x13812345678",
    ],
)
def test_what_is_no_personal_data_is_not_touched(text: str) -> None:
    assert mask(text) == text


def test_sentence_end_after_an_address_is_kept() -> None:
    assert mask("Ask 8.8.8.8. Or me@example.com.") == "Ask [IP]. Or [EMAIL]."


def test_labels_are_of_four_kinds() -> None:
    assert set(MASKS.values()) == {"[EMAIL]", "[ID]", "[PHONE]", "[IP]"}
    assert mask("QQ：123456789 电话:010-62511234") == "QQ：[ID] 电话:[PHONE]"


def test_hidden_characters_go_with_the_number_and_nothing_else_moves() -> None:
    assert mask("é😀\u200b手机138\u200b12345678\u200b完") == "é😀\u200b手机[PHONE]\u200b完"


def test_properties_on_random_texts() -> None:
    rng = random.Random(7)
    pieces = [
        *SECRETS,
        *AROUND,
        "汉字",
        "word ",
        "1",
        "@",
        ".",
        "-",
        "8.8.8.8.1",
        "+86",
        "x",
        "é",
        "[EMAIL]",
        "139",
    ]
    for _ in range(3000):
        text = "".join(rng.choices(pieces, k=rng.randint(0, 14)))
        spans = spans_of(text)
        assert all(a["end"] <= b["start"] for a, b in pairwise(spans))
        data = text.encode()
        for span in spans:
            data[span["start"] : span["end"]].decode("ascii")
        once = mask(text)
        assert mask(once) == once and not find_personal_data(once)


def test_nothing_is_found_beside_masks() -> None:
    draw = random.Random(3)
    atoms = [
        *"139-._+ %中@()：",
        "+86",
        "a@b.cn",
        "+a@b.cn",
        "-8.8.8.8",
        ID_CARD,
        f"-{ID_CARD}",
        f".{ID_CARD}",
        "-13800138000",
        ".13800138000",
        "138 0013 8000",
        "8.8.8.8",
        "010-62511234",
        "(415) 555-2671",
        "+44 20 7946 0958",
        "6222021001122334459",
        "电话",
        "Tel",
        "QQ",
        "微信号",
        "护照E12345678",
        "id",
        " bytes",
        "版本",
        "\u200b",
    ]
    found_some = 0
    for _ in range(20_000):
        once = mask("".join(draw.choice(atoms) for _ in range(draw.randrange(1, 14))))
        assert not find_personal_data(once), once
        found_some += "[" in once
    assert found_some > 10_000


@pytest.mark.parametrize(
    "unit",
    [
        "+a@b.cn",
        "-a@b.cn",
        "电话13800138000",
        "QQ：12345678",
        "微信号：a_b1",
        "a at b dot ",
        "a (at) b.c ",
        "(010)62511234",
        "+44 20 7946 0958 ",
        "+1-",
        "1 (",
        "6222 ",
        "\u200b1",
        "０",
        f"{ID_CARD}-",
        "13800138000 ",
        "13800138000-",
        "8.8.8.8 ",
        "8.8.8.8.",
        "10.0.0.1 ",
        "a@",
        "a@a.",
        "a.",
        "a@a.a.a.a.a.a.a.a.a",
        "1",
        "138 ",
        "86 ",
        "1.1.",
        "%",
        "@",
    ],
)
def test_masks_take_time_linear_in_the_text(unit: str) -> None:
    assert_linear(find_personal_data, unit)
