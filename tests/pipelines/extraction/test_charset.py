from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from pipelines.dumps.readers import read_records
from pipelines.extraction.charset import HEAD, canonical, decode
from tests.support.time_bounds import assert_linear

NEWS = Path(__file__).parents[4] / "shared" / "data" / "webdump" / "zh-news-cx-extractor.warc.gz"

ZH = "中文网页的编码问题由来已久，浏览器按照声明或猜测来解码。镕堃喆"


@pytest.mark.parametrize("name", ["gb2312", "GBK", "gb18030", "x-gbk"])
def test_chinese_national_charsets_are_one(name: str) -> None:
    assert canonical(name) == "gb18030"
    data = f'<html><head><meta charset="{name}"></head><body>{ZH}</body></html>'.encode("gb18030")
    assert decode(data)[0].count(ZH) == 1
    assert decode(ZH.encode("gb18030"), http=name) == (ZH, "gb18030")


def test_valid_utf8_beats_a_wrong_header() -> None:
    assert decode(ZH.encode(), http="iso-8859-1") == (ZH, "utf-8")
    assert decode(ZH.encode()[:-1])[0] == ZH[:-1]  # cut inside a character


def test_undeclared_and_wrongly_declared_bytes_are_detected() -> None:
    assert decode((ZH * 5).encode("gb18030"))[0] == ZH * 5
    assert decode((ZH * 5).encode("gb18030"), http="utf-8")[0] == ZH * 5
    assert decode(ZH.encode("utf-16"))[0] == ZH
    assert decode("繁體中文的網頁".encode("big5"), http="big5")[0] == "繁體中文的網頁"


def test_unknown_names_and_noise_do_not_raise() -> None:
    assert canonical("no-such-charset") == "" and canonical("base64") == ""
    for data in (b"", b"\xff", bytes(range(256)) * 4, b'<meta charset="hex">\xe4\xb8'):
        assert isinstance(decode(data, http="rot13")[0], str)


@pytest.mark.skipif(not NEWS.exists(), reason="../shared/data/webdump is not on this machine")
def test_no_mojibake_on_real_gbk_pages() -> None:
    """Text read in the wrong charset holds replacement characters, or Han characters that Chinese
    pages hardly use."""
    chinese = national = 0
    for record in read_records(NEWS, "warc", Counter()):
        text, charset = decode(record.body, record.charset)
        han = [c for c in text if "\u4e00" <= c <= "\u9fff"]
        if len(han) < 200:
            continue
        chinese += 1
        national += charset == "gb18030"
        assert text.count("\ufffd") <= 0.0005 * len(text), record.url
        common = sum(c in "的一是不了在人有我他这中大来上个国和说时们为到年新网日月会出" for c in han)
        assert common > 0.06 * len(han), record.url
        assert not re.search("锟斤拷|烫烫烫|[ÃÂ][\x80-\xbf]{2}|鐨勬|涓枃", text), record.url
    assert chinese >= 70 and national >= 40


@pytest.mark.parametrize(
    "start", [b"", b"<meta charset", b"<meta charset=", b"<meta charset='", b"<?xml encoding="]
)
@pytest.mark.parametrize("unit", [b" ", b"<meta ", b"charset", b"<meta charset="])
def test_heads_are_read_in_linear_time(start: bytes, unit: bytes) -> None:
    def heads(data: bytes) -> None:
        for at in range(0, len(data), HEAD):
            decode(start + data[at : at + HEAD - len(start)] + b"\xff")

    assert_linear(heads, unit)
