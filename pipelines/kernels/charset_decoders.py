"""Labels and decoders of the WHATWG Encoding Standard, on Python's codecs.

Belongs here: what a label means, and what bytes mean in a charset, errors included. Does not belong
here: which charset a page is in (extraction/charset.py). The labels are resiliparse's table of the standard.
What Python's codecs decode otherwise was found by comparison with the standard's index files
(github.com/whatwg/encoding, 2026-05); two signs stay as Python has them, A241 and A242 of Big5, which
the standard maps to a division slash and a small backslash.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable

from resiliparse.parse.encoding import map_encoding_to_html5

_WIDENED = {  # Python's names for charsets that the standard decodes with a wider one
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "big5": "big5hkscs",
    "cp950": "big5hkscs",
    "euc_kr": "cp949",
    "shift_jis": "cp932",
    "euc_jis_2004": "euc_jp",
    "euc_jisx0213": "euc_jp",
    "utf-8-sig": "utf-8",
    "utf-16": "utf-16-le",
}
_LABELS = {  # of the standard, absent in resiliparse; x-user-defined is read as windows-1252, as in a meta
    "x-mac-cyrillic": "mac-cyrillic",
    "x-mac-ukrainian": "mac-cyrillic",
    "x-user-defined": "cp1252",
}
_KNOWN = frozenset(  # Python's names of all charsets that the standard decodes
    (
        *("utf-8", "utf-16-le", "utf-16-be", "gb18030", "big5hkscs", "euc_jp", "iso2022_jp", "cp932"),
        *("cp949", "cp866", "koi8-r", "koi8-u", "mac-roman", "mac-cyrillic", "cp874"),
        *(f"cp{page}" for page in range(1250, 1259)),
        *(f"iso8859-{part}" for part in (2, 3, 4, 5, 6, 7, 8, 10, 13, 14, 15, 16)),
    )
)

# Pairs of index-big5.txt that Python's big5hkscs lacks: HKSCS-2008 (from 877A on), signs of ETEN and
# second codes of characters.
_BIG5_RUNS = (
    (
        0x877A,
        "㡵𡵓𣚞𦀡㻬𥣞㫵竼龗𤅡𨤍𣇪𠪊𣉞䌊蒄龖鐯䤰蘓墖靊鈘秐稲晠権袝瑌篅枂稬剏遆㓦珄𥶹瓆鿇垳䤯呌䄱𣚎堘穲𧭥讏䚮𦺈䆁"
        "𥶙箮𢒼鿈𢓁𢓉𢓌鿉蔄𣖻䂴鿊䓡𪷿拁灮鿋",
    ),
    (0xA3C0, "␀␁␂␃␄␅␆␇␈␉␊␋␌␍␎␏␐␑␒␓␔␕␖␗␘␙␚␛␜␝␞␟␡€"),
)
_BIG5_PAIRS = (
    "8e69箸 8e6f簆 8e7e糎 8eab緒 8eb4縝 8ecd者 8ed0耨 8f57菁 8f69蒨 8f6e萏 8fcb覦 8fcc覩 8ffe起 906d都"
    " 907a銹 90dc靜 90f1響 91bf鼖 9244蔃 92af兙 92b0兛 92b1兝 92b2兞 92c8鍮 92d1瑹 9447浧 94ca禛 95d9邗"
    " 9644靝 96ed瀞 96fc嬨 9b76爁 9b78矗 9b7b纇 9bc6駖 9bde釔 9bec惞 9bf6澶 9c42輶 9c53侻 9c62營 9c68鄄"
    " 9c6b鷰 9c77菏 9cbc尐 9cbd秣 9cd0婧 9d57輋 9d5a筑 9dc4拐 9ea9恢 9eef痹 9efd汊 9f60鬮 9f66鼗 9fcb僭"
    " 9fd8弌 a063蠏 a077拎 a0d5瑨 a0df煢 a0e4牐 c6cf廴 c6d3无 c6d5癶 c6d7隶 c6de〃 c6df仝 fa5f倩 fa66偽"
    " fabd包 fac5卄 fad5卿 fb48嘅 fbb8婷 fbf3幵 fbf9廐 fc4f彘 fc6c悤 fcb9撐 fce2晴 fcf1杞 fdb7沜 fdb8渝"
    " fdbb港 fdf1煮 fe52猪 fe6f瑜 feaa瓩 fedd砉"
)
# Characters that Python decodes otherwise than the standard: each stands for one code alone.
_OTHERWISE = {
    "big5hkscs": dict(zip("•､‾∼♁☉¥¢£", "‧﹑¯～⊕⊙￥￠￡", strict=True)),
    "euc_jp": dict(zip("〜‖−¢£¬", "～∥－￠￡￢", strict=True)),
    "cp932": dict.fromkeys("\uf8f0\uf8f1\uf8f2\uf8f3", "\ufffd"),
    "koi8-u": {"╝": "ў", "╬": "Ў"},
    "gb18030": dict(
        zip(
            "\ue5e5\ue78d\ue78e\ue78f\ue790\ue791\ue792\ue793\ue794\ue795\ue796\ue7c7"
            "\ue81e\ue826\ue82b\ue82c\ue832\ue843\ue854\ue864",
            "\u3000︐︒︑︓︔︕︖︗︘︙ḿ龴龵龶龷龸龹龺龻",
            strict=True,
        )
    ),
}
_Handled = tuple[str, int]


def canonical(label: str) -> str:
    """The Python codec that decodes what a label names, as the standard does; "" for a label that is
    unknown, and for those that the standard gives no decoder (hz-gb-2312, iso-2022-kr).

    Other names that Python has for the standard's charsets (utf_8, cp936, ms932) count as labels.
    """
    name = label.strip().lower()
    found = _LABELS.get(name) or map_encoding_to_html5(name, fallback_utf8=False) or name
    for spelt in (found, found.replace("windows-", "cp", 1)):
        try:
            codec = codecs.lookup(spelt).name
        except (LookupError, ValueError):
            continue
        codec = _WIDENED.get(codec, codec)
        return codec if codec in _KNOWN else ""
    return ""


def decode_as(data: bytes, codec: str) -> str:
    """Text of bytes in a charset that `canonical` named: U+FFFD for what does not decode, an ASCII
    byte after a broken lead byte kept, as the standard has it."""
    text = data.decode(codec, _HANDLERS.get(codec, "replace"))
    if not text.isascii():
        for ours, theirs in _OTHERWISE.get(codec, {}).items():
            if ours in text:
                text = text.replace(ours, theirs)
    return text


def _big5_extra() -> dict[bytes, str]:
    found = {bytes.fromhex(pair[:4]): pair[4:] for pair in _BIG5_PAIRS.split()}
    for first, chars in _BIG5_RUNS:
        lead, trail = divmod(first, 256)
        for char in chars:
            found[bytes((lead, trail))] = char
            trail += 1 if trail != 0x7E else 0xA1 - 0x7E
    return found


_BIG5_EXTRA = _big5_extra()


def _big5(pair: bytes) -> str:
    return _BIG5_EXTRA.get(pair, "")


def _euc_jp(pair: bytes) -> str:
    """Rows 13 and 89 to 92, the signs of NEC and IBM: through their codes in Shift_JIS."""
    if len(pair) < 2 or pair[0] < 0xA1 or pair[1] < 0xA1 or 0xFF in pair:
        return ""
    row, cell = pair[0] - 0xA1, pair[1] - 0xA1
    lead = row // 2 + (0x81 if row < 62 else 0xC1)
    trail = cell + (0x9F if row % 2 else 0x40 if cell < 63 else 0x41)
    try:
        return bytes((lead, trail)).decode("cp932")
    except UnicodeDecodeError:
        return ""


def _none(pair: bytes) -> str:
    return ""


_FOUR = re.compile(rb"[\x81-\xfe][0-9][\x81-\xfe][0-9]")


def _pairs(lead: str, extra: Callable[[bytes], str]) -> Callable[[UnicodeError], _Handled]:
    """Errors of a charset of byte pairs: `lead` is the class of lead bytes, `extra` gives the pairs
    that the standard decodes and Python does not."""
    leads = frozenset(re.findall(f"[{lead}]".encode("latin-1"), bytes(range(256))))

    def handle(error: UnicodeError) -> _Handled:
        assert isinstance(error, UnicodeDecodeError)
        data, at = error.object, error.start
        pair = data[at : at + 2]
        char = extra(pair)
        if char:
            return char, at + 2
        if pair[:1] not in leads or len(pair) < 2 or pair[1] < 0x80:
            return "\ufffd", at + 1
        return "\ufffd", at + 2

    return handle


def _gb18030(error: UnicodeError) -> _Handled:
    assert isinstance(error, UnicodeDecodeError)
    data, at = error.object, error.start
    if data[at] == 0x80:
        return "€", at + 1
    if data[at] == 0xFF:
        return "\ufffd", at + 1
    if _FOUR.match(data, at):
        return "\ufffd", at + 4
    cut = len(data) - at < 4 and re.fullmatch(rb"[0-9][\x81-\xfe]?", data[at + 1 :])
    if cut:  # the standard ends with one error for a character of four bytes that the end cuts
        return "\ufffd", len(data)
    return "\ufffd", at + (2 if data[at + 1 : at + 2] >= b"\x80" else 1)


def _euc_jp_errors(error: UnicodeError) -> _Handled:
    assert isinstance(error, UnicodeDecodeError)
    data, at = error.object, error.start
    if data[at] == 0x8F and data[at + 1 : at + 2] >= b"\xa1" and data[at + 1] != 0xFF:
        return "\ufffd", min(len(data), at + (3 if data[at + 2 : at + 3] >= b"\x80" else 2))
    return _euc_jp_pairs(error)


def _single(error: UnicodeError) -> _Handled:
    """C1 controls stand where the table of a Windows charset has a hole (1255: one point of Hebrew)."""
    assert isinstance(error, UnicodeDecodeError)
    byte = error.object[error.start]
    return chr(byte) if byte < 0xA0 else "\ufffd", error.start + 1


def _hebrew(error: UnicodeError) -> _Handled:
    assert isinstance(error, UnicodeDecodeError)
    return ("\u05ba", error.start + 1) if error.object[error.start] == 0xCA else _single(error)


_euc_jp_pairs = _pairs("\x8e\x8f\xa1-\xfe", _euc_jp)
_HANDLERS = {name: "whatwg-single" for name in _KNOWN if re.match("cp(125|874)", name)} | {
    "gb18030": "whatwg-gb18030",
    "big5hkscs": "whatwg-big5",
    "cp949": "whatwg-euc-kr",
    "cp932": "whatwg-shift-jis",
    "euc_jp": "whatwg-euc-jp",
    "cp1255": "whatwg-1255",
}
codecs.register_error("whatwg-single", _single)
codecs.register_error("whatwg-1255", _hebrew)
codecs.register_error("whatwg-gb18030", _gb18030)
codecs.register_error("whatwg-big5", _pairs("\x81-\xfe", _big5))
codecs.register_error("whatwg-euc-kr", _pairs("\x81-\xfe", _none))
codecs.register_error("whatwg-shift-jis", _pairs("\x81-\x9f\xe0-\xfc", _none))
codecs.register_error("whatwg-euc-jp", _euc_jp_errors)
