from __future__ import annotations

import pytest

from pipelines.extraction.charset import canonical, decode

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
