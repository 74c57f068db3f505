"""Personal data is found beside any neighbour, and nothing else is."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from pipelines.edits import personal_data
from pipelines.edits.edits import spans_of
from pipelines.edits.personal_data import MASKS, find_personal_data, id_card_valid
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


def test_checksum() -> None:
    assert id_card_valid(ID_CARD) and id_card_valid(ID_CARD.lower())
    assert not id_card_valid("110105194912310020")


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


def test_looking_first_for_what_a_number_must_hold_finds_no_less(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = random.Random(2)
    atoms = [
        *"139 0-._/xX中@",
        "138",
        "2023",
        "+86",
        "0086 ",
        "a.b",
        "1.2",
        "11010119900307109",
        "13800138000",
        "138 0013 8000",
        "8.8.8.8",
    ]
    texts = ["".join(draw.choice(atoms) for _ in range(draw.randrange(1, 30))) for _ in range(3000)]
    texts += ["11010519491231002X", "身份证11010519491231002x。"]
    looked = [find_personal_data(text) for text in texts]
    assert {kind for spans in looked for _, _, kind in spans} >= {"mobile", "ip", "id_card"}
    monkeypatch.setattr(personal_data, "_HOLDS", dict.fromkeys(MASKS, lambda data: True))
    assert [find_personal_data(text) for text in texts] == looked


def find_in_rounds(text: str) -> list[tuple[int, int, str]]:
    """All of a text searched again, masks in place, until nothing is found."""
    data, taken = bytearray(text.encode("ascii", "replace")), []
    while new := personal_data._write(data, personal_data._everywhere(data)):
        taken += new
    return sorted(taken)


def test_looking_beside_masks_finds_what_looking_everywhere_again_finds() -> None:
    draw = random.Random(3)
    atoms = [
        *"139-._+ %中@",
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
    ]
    texts = ["".join(draw.choice(atoms) for _ in range(draw.randrange(1, 14))) for _ in range(20_000)]
    later = 0
    for text in texts:
        found = find_in_rounds(text)
        assert find_personal_data(text) == found
        later += len(found) > len(personal_data._everywhere(bytearray(text.encode("ascii", "replace"))))
    assert later > 100


@pytest.mark.parametrize(
    "unit",
    [
        "+a@b.cn",
        "-a@b.cn",
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
