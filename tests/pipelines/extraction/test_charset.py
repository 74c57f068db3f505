from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from pipelines.dumps.readers import read_records
from pipelines.extraction.charset import HEAD, decode
from pipelines.kernels.charset_decoders import canonical
from tests.support.time_bounds import assert_linear

NEWS = Path(__file__).parents[4] / "shared" / "data" / "webdump" / "zh-news-cx-extractor.warc.gz"

CASES = NEWS.parents[1] / "cases"
ZH = "中文网页的编码问题由来已久，浏览器按照声明或猜测来解码。镕堃喆"
TRADITIONAL = "記者在會場裏見到他，他說這裏的人都知道市場的氣氛很好，股價也跟著上升。"
JAPANESE = "この記事では、文字コードの判定について説明します。①日本語のページ"
KOREAN = "이 문서는 한국어로 쓰여 있으며 문자 집합을 확인합니다. 똠방각하"
RUSSIAN = "Кодировка страницы определяется по заголовку, а не по догадке."
GERMAN = "Die Größe der Straße überrascht: für müde Füße wäre es schön, früher da zu sein."
WRITTEN = [  # label, Python codec, text
    *((label, "gb18030", ZH) for label in ("gb2312", "gbk", "gb18030")),
    *((label, "big5hkscs", TRADITIONAL) for label in ("big5", "big5-hkscs", "x-x-big5", "cn-big5")),
    *((label, "cp932", JAPANESE) for label in ("shift_jis", "x-sjis", "windows-31j")),
    *((label, "cp949", KOREAN) for label in ("euc-kr", "ks_c_5601-1987", "windows-949")),
    ("euc-jp", "euc_jp", JAPANESE.replace("①", "")),
    ("iso-2022-jp", "iso2022_jp", JAPANESE.replace("①", "")),
    ("windows-1251", "cp1251", RUSSIAN),
    ("koi8-r", "koi8-r", RUSSIAN),
    ("iso-8859-5", "iso8859-5", RUSSIAN),
    ("ibm866", "cp866", RUSSIAN),
    ("x-mac-cyrillic", "mac-cyrillic", RUSSIAN),
    ("iso-8859-1", "cp1252", GERMAN),
    ("macintosh", "mac-roman", GERMAN),
    ("utf-8", "utf-8", ZH),
]


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


@pytest.mark.parametrize(("label", "codec", "text"), WRITTEN)
def test_a_declared_charset_is_read_as_browsers_read_it(label: str, codec: str, text: str) -> None:
    data = f'<html><head><meta charset="{label}"></head><body>{text}</body></html>'.encode(codec)
    assert text in decode(data)[0]
    assert decode(text.encode(codec), http=label)[0] == text
    assert decode(data, http=label)[1] == canonical(label)


@pytest.mark.parametrize("text", [ZH, TRADITIONAL])
@pytest.mark.parametrize("wrong", ["utf-8", "iso-8859-1", "us-ascii", "windows-1251", "shift_jis", "euc-kr"])
def test_a_declared_charset_falls_on_evidence_of_the_language(text: str, wrong: str) -> None:
    codec = "gb18030" if text == ZH else "big5hkscs"
    data = text.encode(codec)
    assert decode(data, http=wrong) == (text, codec)
    assert decode(b"<meta charset=%b>" % wrong.encode() + data)[1] == codec
    other = "big5" if text == ZH else "gbk"
    assert decode(data, http=other) == (text, codec)
    assert decode(b"<meta charset=%b>" % canonical(codec).encode() + data, http=wrong)[1] == codec


def test_text_that_two_charsets_read_well_is_read_as_declared() -> None:
    letters = "中".encode("gb18030") + b" " + "é".encode()  # a valid pair of GBK as well
    assert decode(letters, http="gbk") == ("中 茅", "gb18030")
    assert decode("裏 ".encode("big5hkscs") * 3, http="big5")[0] == "裏 " * 3
    assert decode("一些".encode("gbk"), http="gbk")[0] == "一些"  # valid as UTF-8, where it is Cyrillic
    assert decode("déjà vu".encode("cp1252"), http="iso-8859-1")[0] == "déjà vu"
    assert decode("déjà vu".encode(), http="iso-8859-1")[0] == "déjà vu"
    assert decode("“quoted”".encode("koi8-r", "ignore") + b"\xbf", http="koi8-r")[0] == "quoted©"


@pytest.mark.parametrize(("label", "codec", "text"), [row for row in WRITTEN if len(row[0]) != 11])
def test_a_foreign_line_and_cut_characters_leave_the_rest(label: str, codec: str, text: str) -> None:
    foreign = ("欢迎访问本站".encode("gb18030" if codec == "utf-8" else "utf-8") + b"\n") * 2
    lines = "\n".join([text] * 4).encode(codec)
    assert decode(lines + b"\n" + foreign + lines, http=label)[0].count(text) >= 7
    cut = (text * 2).encode(codec)
    broken = lines + b"\n<p>" + cut[: len(text.encode(codec)) // 2 - 1] + b"</p>\n" + lines
    read = decode(broken, http=label)[0]
    assert read.count(text) == 8 and "</p>" in read


@pytest.mark.parametrize(
    ("codec", "text"),
    [
        ("iso8859-2", "Zażółć gęślą jaźń, proszę państwa, że się działo"),
        ("cp1257", "Latviešu valodā ir garumzīmes āēīū"),
        ("cp1254", "Türkçe şöyle ğüşıöç İstanbul'da güneşli bir gün"),
        ("cp1252", "Informação e educação são opções para a população"),
        ("cp1258", "Ti\xea\u0301ng Vi\xea\u0323t"),
    ],
)
def test_other_latin_alphabets_are_believed_where_declared(codec: str, text: str) -> None:
    for page in (text, f"<title>x</title>{text}", f"{text}\n" * 30):
        assert decode(page.encode(codec), http=codec) == (page, codec)


@pytest.mark.parametrize("text", ["你好", "首页", "關於", "新聞"])
def test_two_characters_without_a_declaration_are_read(text: str) -> None:
    codec = "gb18030" if text in ("你好", "首页") else "big5hkscs"
    assert decode(b"<p>" + text.encode(codec) + b"</p>")[0] == f"<p>{text}</p>"


def test_utf16_is_known_by_mark_by_header_or_by_nul_bytes() -> None:
    page = f"<html><meta charset=utf-16>{ZH}"
    for codec in ("utf-16-le", "utf-16-be"):
        assert decode(page.encode(codec)) == (page, codec)
        assert decode(ZH.encode(codec) + "\0".encode(codec), http=codec)[1] == codec
    assert decode(page.encode())[1] == "utf-8"  # what says so in ASCII is no UTF-16
    assert decode(page.encode(), http="utf-16")[1] == "utf-8"
    assert decode(b"<p>one\0byte</p>", http="utf-16")[0] == "<p>one\0byte</p>"


def test_ascii_is_what_it_is_declared_as() -> None:
    assert decode(b"<p>plain") == ("<p>plain", "utf-8")
    assert decode(b"<p>plain", http="gb2312") == ("<p>plain", "gb18030")
    assert decode(JAPANESE.replace("①", "").encode("iso2022_jp"))[1] == "iso2022_jp"


def test_a_line_in_utf8_does_not_make_a_page_with_escapes_utf8() -> None:
    data = JAPANESE.replace("①", "").encode("iso2022_jp") + "\n“naïve” – übung élan çà".encode() * 4
    text, codec = decode(data, http="iso-2022-jp")
    assert codec == "iso2022_jp" and text.startswith(JAPANESE.replace("①", ""))


def test_a_meta_in_a_comment_declares_nothing() -> None:
    data = b"<!-- <meta charset=big5> --><meta charset=koi8-r><!--" + RUSSIAN.encode("koi8-r")
    assert decode(data)[1] == "koi8-r"
    assert decode(b"<!-- <meta charset=big5>" + b"\xbf")[1] != "big5hkscs"


@pytest.mark.skipif(not CASES.exists(), reason="../shared/data/cases is not on this machine")
@pytest.mark.parametrize(
    ("name", "http", "charset", "words"),
    [
        ("big5-news", "big5", "big5hkscs", "場裏 恒生指數"),
        ("big5-news-long", "big5", "big5hkscs", "場裏 恒基"),
        ("big5-one", "big5", "big5hkscs", "鐘錶鋪裏"),
        ("big5-control", "big5", "big5hkscs", "鐘錶鋪"),
        ("big5-hkscs", "big5", "big5hkscs", "佢哋喺度食緊飯 啲餸 嗰間"),
        ("gbk-httpequiv", "", "gb18030", "钟表"),
        ("utf8-one-broken", "utf-8", "utf-8", ""),
    ],
)
def test_pages_of_bug_reports(name: str, http: str, charset: str, words: str) -> None:
    data = (CASES / "html" / f"{name}.html").read_bytes()
    for header in (http, ""):
        text, found = decode(data, header)
        assert found == charset and text.count("\ufffd") <= 1
        assert all(word in text for word in words.split())


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
