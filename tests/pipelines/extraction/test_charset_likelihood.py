from __future__ import annotations

import pytest

from pipelines.extraction.charset_likelihood import log_likelihood
from pipelines.kernels.charset_decoders import decode_as

TEXTS = {
    "gb18030": "我们在网上看到的页面",
    "big5hkscs": "我們喺網上睇到嘅頁面",
    "cp932": "ページの文字コードです",
    "cp949": "페이지의 문자 집합입니다",
    "cp1251": "кодировка страницы",
    "cp1253": "η σελίδα στα ελληνικά",
    "cp1252": "für müde Füße, où été, educação",
}


@pytest.mark.parametrize("codec", TEXTS)
def test_the_right_reading_is_likelier_by_more_than_half_for_each_byte(codec: str) -> None:
    data = TEXTS[codec].encode(codec)
    right = log_likelihood(decode_as(data, codec), codec)
    for other in ("utf-8", "gb18030", "big5hkscs", "cp932", "cp949", "cp1252"):
        if other != codec and not (other == "cp1252" and codec == "cp1253"):  # alphabets look alike
            wrong = log_likelihood(decode_as(data, other), other)
            high = sum(byte >= 0x80 for byte in data)
            assert right - wrong > 0.5 * high, (other, decode_as(data, other))


def test_any_text_has_a_likelihood() -> None:
    assert log_likelihood("", "gb18030") == 0
    for text in ("\ufffd", "𠀀", "\ud800", "\0", "a\n"):
        for codec in ("utf-8", "gb18030", "iso2022_jp", "cp874", "koi8-r"):
            assert log_likelihood(text, codec) < 0


def test_letters_stand_beside_their_like() -> None:
    def loss(text: str) -> float:
        return log_likelihood(text, "koi8-r") - sum(log_likelihood(char, "koi8-r") for char in text)

    assert loss("ÖÐ") < 0 and loss("sé") == loss("çã") == 0
    assert loss("аБ") < loss("АБ")
