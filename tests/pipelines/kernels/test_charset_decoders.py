from __future__ import annotations

import pytest

from pipelines.kernels.charset_decoders import canonical, decode_as


@pytest.mark.parametrize(
    ("labels", "codec"),
    [
        ("utf-8 UTF8 unicode-1-1-utf-8 x-unicode20utf8 utf_8", "utf-8"),
        ("gb2312 GBK gb18030 x-gbk chinese gb_2312-80 iso-ir-58 csgb2312 cp936 ms936", "gb18030"),
        ("big5 big5-hkscs cn-big5 csbig5 x-x-big5 cp950 big5hkscs", "big5hkscs"),
        ("shift_jis sjis x-sjis ms_kanji windows-31j csshiftjis shift-jis ms932 cp932", "cp932"),
        ("euc-kr ks_c_5601-1987 korean ksc5601 windows-949 iso-ir-149 cp949 uhc", "cp949"),
        ("euc-jp x-euc-jp cseucpkdfmtjapanese", "euc_jp"),
        ("iso-2022-jp csiso2022jp", "iso2022_jp"),
        ("ascii us-ascii latin1 iso-8859-1 windows-1252 x-cp1252 l1 ansi_x3.4-1968", "cp1252"),
        ("iso-8859-9 latin5 windows-1254 l5", "cp1254"),
        ("tis-620 iso-8859-11 dos-874 windows-874", "cp874"),
        ("macintosh x-mac-roman mac", "mac-roman"),
        ("x-mac-cyrillic x-mac-ukrainian", "mac-cyrillic"),
        ("iso-8859-8 logical visual iso-8859-8-i", "iso8859-8"),
        ("koi8-r koi", "koi8-r"),
        ("koi8-u koi8-ru", "koi8-u"),
        ("utf-16 utf-16le unicode ucs-2", "utf-16-le"),
        ("utf-16be unicodefffe", "utf-16-be"),
        (
            "hz-gb-2312 iso-2022-kr iso-2022-cn replacement utf-7 utf-32 cp037 base64 hex punycode undefined",
            "",
        ),
    ],
)
def test_labels_mean_what_the_standard_says(labels: str, codec: str) -> None:
    assert {label: canonical(f" {label}\n") for label in labels.split()} == dict.fromkeys(
        labels.split(), codec
    )


@pytest.mark.parametrize(
    ("codec", "data", "text"),
    [  # from the index files of the standard
        ("big5hkscs", "9d57 f9d8 877a 87df c6e8 a3e1 8862 a145 a244 fb48", "輋裏㡵鿋あ€Ê̄‧￥嘅"),
        ("gb18030", "80 a8bc a6d9 fe59 a3a0 95328236", "€ḿ︐龴\u3000𠀀"),
        ("cp932", "8740 fa40 f040 80", "①ⅰ\ue000\x80"),
        ("euc_jp", "ada1 f9a1 a1c1 8fb0a1", "①纊～丂"),
        ("cp949", "8141 c8fe", "갂힝"),
        ("cp1252", "80 81 8d 9d", "€\x81\x8d\x9d"),
        ("cp1255", "ca e0", "\u05baא"),
        ("koi8-u", "ae be", "ўЎ"),
        ("cp874", "81 a1", "\x81ก"),
    ],
)
def test_characters_that_python_lacks_are_decoded(codec: str, data: str, text: str) -> None:
    assert decode_as(bytes.fromhex(data), codec) == text


@pytest.mark.parametrize(
    ("codec", "data", "text"),
    [
        ("big5hkscs", b"\xa4<p>\xa4\xa4", "\ufffd<p>中"),  # the ASCII byte after a lone lead byte stays
        ("big5hkscs", b"\xa4\x80\xa4\xa4", "\ufffd中"),  # a byte beyond ASCII goes with it
        ("big5hkscs", b"\x80\xff\xa4\xa4", "\ufffd\ufffd中"),
        ("gb18030", b"\xd6<\xd6\xd0", "\ufffd<中"),
        ("gb18030", b"\x81\x30<\xd6\xd0", "\ufffd0<中"),
        ("gb18030", b"\xff\xd6\xd0\xd6", "\ufffd中\ufffd"),
        ("gb18030", b"\x81\x30\x81", "\ufffd"),
        ("gb18030", b"\xfe\x39\xfe\x39a", "\ufffda"),
        ("cp932", b"\xa0\xfd\x81<", "\ufffd\ufffd\ufffd<"),
        ("cp949", b"\xb0<\xb0\xa1\xb0", "\ufffd<가\ufffd"),
        ("euc_jp", b"\x8f\xa1<\xa4\xa2", "\ufffd<あ"),
        ("euc_jp", b"\xa6\xbca", "\ufffda"),
        ("cp1253", b"\xaa\xd2\xff", "\ufffd\ufffd\ufffd"),
    ],
)
def test_errors_take_the_bytes_that_the_standard_takes(codec: str, data: bytes, text: str) -> None:
    assert decode_as(data, codec) == text
