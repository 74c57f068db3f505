"""What each kind of personal data looks like, and when a match of the right form is something else.

Belongs here: the patterns, checksums, and the words beside a number that decide. Does not belong here:
looking through a text and putting masks in (personal_data.py).

Patterns are of bytes, one for each character of a text (one_byte.py), so that masks are written in
place. Regular expressions' `\\b` takes a Han character for a letter and finds no boundary in
`邮箱a@b.cn谢谢`; the boundaries here are looks around over ASCII. A pattern begins with what it needs and
looks behind afterwards, so that a search skips to the next candidate. Where a number counts only
beside a word that names it, the number is the group `x`.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import NamedTuple

from pipelines.edits import traces
from pipelines.edits.one_byte import HAN_BYTES


def _pattern(source: str, flags: int = 0) -> re.Pattern[bytes]:
    """`source`, in which Han characters stand for their bytes."""
    return re.compile(bytes(HAN_BYTES.get(char, ord(char)) for char in source), flags)


# A number that is part of a longer one, of an identifier or of a decimal is something else. The look
# behind takes a first character of the match with it.
def _first(first: str) -> str:
    return rf"{first}(?<![A-Za-z0-9_]{first})(?<![0-9][.\-]{first})"


_END = r"(?![A-Za-z0-9_])(?![.\-][0-9])"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9\-]{0,61}[A-Za-z0-9])?"
_DOMAIN = rf"@(?:{_LABEL}\.){{1,8}}[A-Za-z]{{2,24}}(?![A-Za-z0-9])"
_EMAIL = (
    r"(?<![A-Za-z0-9_%+])(?<![A-Za-z0-9_%+][.\-])[A-Za-z0-9_%+](?:[A-Za-z0-9._%+'\-]{0,62}[A-Za-z0-9_%+\-])?"
    + _DOMAIN
)
MAX_USER, MAX_DOMAIN = 64, 600  # bytes of an address before its sign, and from there on
_LOCAL = r"(?<![A-Za-z0-9._%+\-])[A-Za-z0-9_](?:[A-Za-z0-9._%+]{0,62}[A-Za-z0-9_])?"
_AT = r" ?(?:\([Aa][Tt]\)|\[[Aa][Tt]\]|\{[Aa][Tt]\}|<[Aa][Tt]>|#[Aa][Tt]#|_[Aa][Tt]_|\(@\)|\[@\]) ?"
_DOT = (
    r"(?:\.| ?(?:\([Dd][Oo][Tt]\)|\[[Dd][Oo][Tt]\]|\{[Dd][Oo][Tt]\}|#[Dd][Oo][Tt]#|_[Dd][Oo][Tt]_) ?"
    r"| (?:dot|DOT) )"
)
_TOP = r"(?:[a-z]{2,10}|[A-Z]{2,10})"
_WORDS = r"[A-Za-z0-9\-]{1,63}(?: (?:dot|DOT) [A-Za-z0-9\-]{1,63}){0,3} (?:dot|DOT) " + _TOP
_EMAIL_BRACKETS = rf"{_LOCAL}{_AT}{_LABEL}(?:{_DOT}{_LABEL}){{0,4}}{_DOT}{_TOP}(?![A-Za-z0-9@])"
_EMAIL_WORDS = rf"{_LOCAL}(?: (?:dot|DOT) [A-Za-z0-9_\-]{{1,63}}){{0,3}} (?:at|AT) {_WORDS}(?![A-Za-z0-9@])"
_EMAIL_NAMED = (
    r"(?:邮箱|邮件|信箱|[Mm]ail|MAIL)(?:地址)?[: ]{1,3}"
    r"(?P<x>[A-Za-z0-9_](?:[A-Za-z0-9._%+\-]{0,62}[A-Za-z0-9_])?"
    rf" @ (?:{_LABEL}\.){{1,8}}[A-Za-z]{{2,24}})(?![A-Za-z0-9])"
)
_WORD = r"(?<![A-Za-z.@_\-])"  # before a word that names a number
_CALL = (
    r"(?:电话|手机|传真|热线|座机|联系方式|致电|拨打|(?<![A-Za-z.@_\-])(?:[Tt]el(?:ephone)?|TEL|[Pp]hone|PHONE"
    r"|[Ff]ax|FAX|[Mm]obile|MOBILE|[Cc]ell|[Cc]all|[Ww]hats[Aa]pp))"
    r"(?: ?(?:号码?|[Nn]umber|[Nn]o\.?|us|me|at|is|为|是)){0,2}[:. ]{0,3}"
)
_86 = r"(?:\((?:\+|00)?86\)|(?:\+|00)?86)"
_MOBILE = r"[3-9][0-9](?:[0-9]{8}|([\-. ])[0-9]{4}\1[0-9]{4}|[0-9]([\- ])[0-9]{3}\2[0-9]{4})"
_AREA = r"(?:10|2[0-57-9]|[3-9][0-9]{2})"
_LOCAL_NUMBER = r"[1-9][0-9]{2,3}[\- ]?[0-9]{4}"
_EXTENSION = r"(?:(?:-| ?[Ee]xt\.? ?| ?x ?| ?转 ?)[0-9]{1,5})?"
_TAIL = _EXTENSION + _END
_US = r"[2-9][0-9]{2}"
_CHINA_86 = rf"(?<![A-Za-z0-9_+])(?<![0-9][.\-]){_86}[\- ]{{1,2}}0?{_AREA}[\- ]{_LOCAL_NUMBER}{_TAIL}"
_PHONES = (
    # China, with an area code; service numbers
    _first("0") + rf"{_AREA}(?:-| - ?){_LOCAL_NUMBER}{_TAIL}",
    _first("0") + rf"{_AREA} [2-8][0-9]{{3}} ?[0-9]{{4}}{_TAIL}",
    rf"\((?<![A-Za-z0-9_]\()(?:86-)?0{_AREA}\)[\- ]?{_LOCAL_NUMBER}{_TAIL}",
    _first("[48]") + rf"00-(?:[0-9]{{3}}-?[0-9]{{4}}|[0-9]{{4}}-[0-9]{{3}}){_END}",
    # North America: area code and exchange begin with 2 to 9
    rf"\((?<![A-Za-z0-9_]\(){_US}\)[\- ]?{_US}[\-. ][0-9]{{4}}{_TAIL}",
    _first("[2-9]") + rf"[0-9]{{2}}([\-.]){_US}\1[0-9]{{4}}{_TAIL}",
    _first("1") + rf"[\-. ](?:{_US}|\({_US}\))[\-. ]{_US}[\-. ][0-9]{{4}}{_TAIL}",
)
_INTERNATIONAL = (  # any country, written with its plus
    r"\+(?<![A-Za-z0-9_)\]+]\+)[1-9][0-9]{0,3}(?:[\-. ]{0,2}(?:\([0-9]{1,6}\)|[0-9]{1,11})){1,6}" + _END,
    r"\(\+(?<![A-Za-z0-9_]\(\+)[1-9][0-9]{0,3}\)(?:[\-. ]{0,2}[0-9]{1,11}){1,6}" + _END,
)
_PHONE_NAMED = (
    rf"{_CALL}(?P<x>(?:\+?[0-9]{{1,4}}[\- ])?"
    rf"(?:\([0-9]{{2,4}}\)[\- ]?|[0-9]{{3,4}}[\-. ])?[0-9]{{3,4}}[\-. ]?[0-9]{{4}}"
    rf"{_TAIL}|0(?:[0-9]{{2,3}}[\- ][0-9]{{3}}[\- ][0-9]{{3,4}}|[0-9]{{4}}[\- ][0-9]{{6}}){_TAIL}"
    rf"|\+?[0-9]{{7,12}}{_TAIL}|00[1-9][0-9]{{0,2}}(?:[\- ][0-9]{{2,5}}){{2,4}}{_TAIL})"
)
_DAY = r"(?:18|19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_FIRST_OCTET = (
    r"[0-9](?<![A-Za-z0-9_.\-][0-9])"
    r"(?:(?<=2)5[0-5]|(?<=2)[0-4][0-9]|(?<=1)[0-9]{2}|(?<=[1-9])[0-9])?"
)  # as _OCTET, begun by a digit
_HAN = r"[\x80-\xff?]"  # any character beyond ASCII, by its byte
_OWN = r"(?P<own>(?: ?(?:号码?|[Nn]umber|[Nn]o\.?|ID|[Ii]d|为|是|is))*)(?P<sep>[:.# ]{0,3})"

_BEHIND_SIGN = _pattern(_DOMAIN)


class Form(NamedTuple):
    """One form of a kind of personal data. `needs`: the traces (bits of traces.py) that every text has
    which holds one."""

    kind: str
    needs: int
    pattern: re.Pattern[bytes]

    def matches(self, data: bytearray) -> Iterator[re.Match[bytes]]:
        """pattern.finditer(data). Mail addresses are looked for around their signs alone: any word may
        begin one."""
        return _addresses(data, self.pattern) if self.needs == traces.AT else self.pattern.finditer(data)


def _addresses(data: bytearray, pattern: re.Pattern[bytes]) -> Iterator[re.Match[bytes]]:
    end, at = 0, data.find(b"@")
    while at >= 0:
        found = None
        if _BEHIND_SIGN.match(data, at):
            found = pattern.search(data, max(end, at - MAX_USER), at + MAX_DOMAIN)
        if found and found.start() < at:  # else it is another sign's, and found again there
            yield found
            end = found.end()
        at = data.find(b"@", max(end, at + 1))


# In the order in which they count where two overlap.
FORMS: tuple[Form, ...] = tuple(
    Form(kind, needs, _pattern(source))
    for kind, needs, source in (
        ("email", traces.AT, _EMAIL),
        ("email", traces.AT_IN_BRACKETS, _EMAIL_BRACKETS),
        ("email", traces.DOT, _EMAIL_WORDS),
        ("email", traces.SPACED_AT, _EMAIL_NAMED),
        (
            "id_card",
            traces.DIGITS_15,
            _first("[1-9]") + rf"[0-9]{{5}}([\- ]?){_DAY}\1[0-9]{{3}}[0-9Xx]{_END}",
        ),
        ("id_card", traces.DIGITS_15, rf"身份证{_OWN}(?P<x>[1-9](?:[0-9]{{16}}[0-9Xx]|[0-9]{{14}})){_END}"),
        (
            "bank_card",
            traces.DIGITS_15,
            _first("[2-6]")
            + rf"[0-9]{{3}}([\- ]?)[0-9]{{4}}\1[0-9]{{4}}\1[0-9]{{4}}(?:\1[0-9]{{1,3}})?{_END}",
        ),
        ("bank_card", traces.DIGITS_15, _first("3") + rf"[47][0-9]{{2}}([\- ]?)[0-9]{{6}}\1[0-9]{{5}}{_END}"),
        (
            "mobile",
            traces.DIGITS_10 | traces.CHINA,
            rf"(?<![A-Za-z0-9_])(?<![0-9][.\-]){_86}[\- ]{{0,2}}1{_MOBILE}{_END}",
        ),
        *(("phone", traces.PLUS, source) for source in _INTERNATIONAL),
        ("mobile", traces.DIGITS_10, _first("1") + _MOBILE + _END),
        ("phone", traces.DIGITS_10 | traces.CHINA, _CHINA_86),
        *(("phone", traces.DIGITS_10, source) for source in _PHONES),
        ("phone", traces.NAMED_7, _PHONE_NAMED),
        (
            "ip",
            traces.ADDRESS,
            rf"{_FIRST_OCTET}(?:\.{_OCTET}){{3}}(?![A-Za-z0-9_\-])(?!\.[A-Za-z0-9])",
        ),
        (
            "account",
            traces.QQ,
            rf"(?:{_WORD}[Qq][Qq](?:{_HAN}{{0,4}}群)?|扣扣群?|{_WORD}[Qq]群|企鹅|加[Qq]|加群|群(?=号))"
            rf"{_OWN}(?P<x>[1-9][0-9]{{4,10}}){_END}",
        ),
        (
            "account",
            traces.WECHAT,
            rf"(?P<asked>加{_HAN}?)?(?:微信|{_WORD}(?:[Ww]e[Cc]hat|WECHAT|VX|vx|[Vv]信)){_OWN}"
            rf"(?P<x>[A-Za-z][A-Za-z0-9_\-]{{4,18}}[A-Za-z0-9]|[1-9][0-9]{{5,10}}){_END}(?!\.[A-Za-z]|@)",
        ),
        (
            "passport",
            traces.PASSPORT,
            rf"(?:护照|通行证|{_WORD}(?:[Pp]assport|PASSPORT)){_OWN}"
            rf"(?P<x>[A-Za-z]{{1,2}}[0-9]{{6,10}}|[0-9]{{8,9}}){_END}",
        ),
        (
            "passport",
            traces.SSN,
            rf"{_WORD}(?:SSN|[Ss]ocial [Ss]ecurity){_OWN}(?P<x>[0-9]{{3}}-[0-9]{{2}}-[0-9]{{4}}){_END}",
        ),
    )
)

# What ends right before a candidate, and what follows it.
_CONTEXT = 24
_CALLED = _pattern(_CALL + r"[(]?\Z")
_COUNTED_BEFORE = _pattern(
    r"(?:ISBN|ISSN|[Dd][Oo][Ii]|OID|书号|单号|订单|编号|序列号|流水号|货号|期号|型号|条码|大小|S/?N|(?<![A-Za-z])[Nn]o\.?"
    r"|(?<![A-Za-z])[A-Za-z]?[Ii][Dd]|[Ss]ize|[Ll]en(?:gth)?|[Cc]ount|[Oo]ffset|[Tt]otal|[Ss]eed"
    r"|[Oo]rder|[Ii]ssue)[:=# .]{0,3}\Z|[$¥^]\Z"
)
_COUNTED_AFTER = _pattern(
    r" ?(?:字节|元|美元|(?:人|次|条|米|克|个|年)(?=[,;:.!? \n]|\Z)|万|亿|吨"
    r"|[Bb]ytes?(?![A-Za-z@])|[KMGT]i?B(?![A-Za-z@])"
    r"|(?:B|rows?|records?|dollars|users|people|USD|RMB|CNY)(?![A-Za-z0-9@._\-])|%|[\^=]"
    r"|\.[a-z]{2,4}(?![A-Za-z0-9.@]))"
)
_VERSION = _pattern(
    r"(?:[A-Za-z0-9)]/|(?<![A-Za-z])[Vv]|[Vv]er(?:sion)?s?|VER(?:SION)?|[Rr]elease|[Bb]uild|[Ff]irmware|[Dd]river|[Uu]pdate"
    r"|SDK|OID|GB/T|RFC|[Ss]ection|[Cc]hapter|版本号?|版|第|章|条)(?: ?(?:为|是|is|to|from|号))?[:=. ]{0,3}\Z"
)
_ADDRESS = _pattern(
    r"(?:(?<![A-Za-z])(?:[Ii][Pp](?:[Vv]4)?|[Dd][Nn][Ss]|[Aa]ddress|[Ss]erver|[Hh]ost|[Pp]ing|[Ff]rom|[Gg]ateway"
    r"|[Pp]roxy|nameserver|ssh|curl|telnet|traceroute)|地址|服务器|主机|网关|解析|来自|访问)"
    r"(?: ?(?:为|是|is|at|to))?[:= (]{0,3}\Z|//\Z|@\Z"
)
_PORT = re.compile(rb":[0-9]{2,5}(?![0-9.])|/(?:[12]?[0-9]|3[0-2])(?![0-9.])")
_RESOLVERS = frozenset({"8.8.8.8", "8.8.4.4", "9.9.9.9"})  # known by heart, and no section has such a number
_NO_ONE = frozenset({b"git", b"svn", b"hg", b"cvs"})  # users of a host, not people
_FILES = frozenset(
    b" png jpg jpeg gif svg webp bmp ico tif tiff psd mp3 mp4 avi mkv webm wav flac pdf doc docx"
    b" xls xlsx ppt pptx txt csv json xml yaml yml html htm css scss less js jsx ts tsx mjs vue"
    b" java class cpp hpp jar war exe dll tar gz bz2 rar conf cfg ini log service socket timer"
    b" target mount slice".split()
)
_PATH = re.compile(rb":[A-Za-z0-9_~.\-]{0,64}/")  # a@b.cn:dir/file names a file on a host
_TABLE_NEIGHBOUR = re.compile(rb"[0-9] \Z"), re.compile(rb" [0-9]")
_NUMBER_BEFORE = re.compile(rb"(?:1[3-9][0-9]{9}|[0-9]{3} [0-9]{4} [0-9]{4}) \Z")
_NUMBER_AFTER = re.compile(rb" (?:1[3-9][0-9]{9}|1[3-9][0-9] [0-9]{4} [0-9]{4})(?![0-9])")
_ACCOUNT_AFTER = _pattern(r" ?(?:年|版|正|万|亿|元|人|月|个)|\.[0-9]")
_IN_CHINESE = bytes(HAN_BYTES[char] for char in "微信"), b"V", b"v"
# 800 is free of charge, the others are no area
_AREA_OF_NONE = re.compile(rb"(?:1[\-. ])?\(?(?:[235679]00)[)\-. ]")
_YEAR = re.compile(rb"(?:1[5-9]|20)[0-9]{2}")
_DATE_8 = re.compile(_DAY.encode())
_DATE_AFTER_PLUS = re.compile(rb"\+?(?:19|20)[0-9]{2}[\-. ](?:0?[1-9]|1[0-2])[\-. ]")

_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)  # GB 11643-1999
_ID_CHECK = "10X98765432"
_CARD_STARTS = re.compile(rb"62|4|5[1-5]|2[2-7]|35|3[47]|60|65")  # ISO/IEC 7812 issuers: UnionPay and others


def id_card_valid(number: str) -> bool:
    """Whether the last character of an 18-character identity card number is its checksum (GB
    11643-1999)."""
    return (
        _ID_CHECK[sum(w * int(d) for w, d in zip(_ID_WEIGHTS, number[:17], strict=True)) % 11]
        == number[17].upper()
    )


def luhn_valid(number: str) -> bool:
    """Whether the digits of a payment card hold their checksum (ISO/IEC 7812-1, annex B)."""
    doubled = [int(d) * (2 if k % 2 else 1) for k, d in enumerate(reversed(number))]
    return sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0


def span_of(match: re.Match[bytes]) -> tuple[int, int]:
    """Where a match of one of FORMS stands: its group `x` where it has one."""
    return match.span("x" if "x" in match.re.groupindex else 0)


def names_someone(kind: str, data: bytearray, match: re.Match[bytes]) -> bool:
    """Whether a match of one of FORMS in `data` is personal data of its kind, by checksums and by
    what stands beside it."""
    start, end = span_of(match)
    found, named = bytes(data[start:end]), match.re.groupindex
    before, after = bytes(data[max(0, start - _CONTEXT) : start]), bytes(data[end : end + _CONTEXT])
    if kind == "email":
        return _is_mail(found, bytes(data[end : end + 70]))
    if kind == "ip":
        return _is_address(found.decode(), before, after)
    digits = re.sub(rb"[^0-9Xx]", b"", found).decode()
    if kind == "id_card":
        return bool("x" in named or id_card_valid(digits))
    if kind == "account":
        return _is_account(match, after)
    if kind == "passport":
        said = bool(match["own"].strip() or b":" in match["sep"])
        return said if found.isdigit() and not _DATE_8.fullmatch(found) else not found.isdigit()
    if "x" in named:
        if len(digits) < 9 and data[match.start() : match.start() + 4].lower() == b"call":
            return False  # call 1024 2048 times
        return (
            not _DATE_8.fullmatch(found) and not _COUNTED_AFTER.match(after) and _groups_are_no_years(found)
        )
    if _CALLED.search(before):
        return True
    if _COUNTED_BEFORE.search(before) or _COUNTED_AFTER.match(after):
        return False
    if kind == "bank_card":
        return 15 <= len(digits) <= 19 and bool(_CARD_STARTS.match(found)) and luhn_valid(digits)
    if found[:1] in b"+(" and b"+" in found[:2]:
        return _is_international(found, digits)
    if b" " in found and not (
        (not _TABLE_NEIGHBOUR[0].search(before) or _NUMBER_BEFORE.search(before))
        and (not _TABLE_NEIGHBOUR[1].match(after) or _NUMBER_AFTER.match(after))
    ):
        return False
    if kind == "mobile":
        return digits.startswith(("86", "0086")) or _groups_are_no_years(found)
    if _AREA_OF_NONE.match(found):
        return False
    return not _DATE_8.search(found.rpartition(b"-")[2])


def _groups_are_no_years(found: bytes) -> bool:
    """`150 1998 2003` is a row of numbers."""
    groups = re.split(rb"[\-. ]", found)
    return not (len(groups) >= 2 and all(_YEAR.fullmatch(group) for group in groups[-2:]))


def _is_mail(found: bytes, after: bytes) -> bool:
    local, _, domain = found.lower().partition(b"@")
    if local in _NO_ONE or domain.rpartition(b".")[2] in _FILES:
        return False
    return not (re.match(rb"[0-9]+\.[0-9]", domain) or _PATH.match(after))


def _is_address(found: str, before: bytes, after: bytes) -> bool:
    """Private, loopback, documentation and multicast addresses name no one; four small numbers are a
    section or a version unless a word for an address stands before them, or a port behind."""
    address = ipaddress.ip_address(found)
    if not address.is_global or address.is_multicast or found.endswith(".0.0"):
        return False
    if _ADDRESS.search(before):
        return True
    if _VERSION.search(before):
        return False
    small = max(map(int, found.split("."))) < 100
    return not small or found in _RESOLVERS or bool(_PORT.match(after))


def _is_international(found: bytes, digits: str) -> bool:
    if not 8 <= len(digits) <= 15 or _DATE_AFTER_PLUS.match(found):
        return False
    groups = re.findall(rb"[0-9]+", found)
    if len(groups) == 1:
        return len(digits) >= 10
    if len(groups) == 2 and b"." in found:
        return False  # a decimal number
    if len(groups[0]) > 1 and len(groups) > 3:  # a country code of two digits or more
        return True
    return any(len(group) != 3 for group in groups[1:]) or b"(" in found  # else thousands


def _is_account(match: re.Match[bytes], after: bytes) -> bool:
    """The number of a QQ user or group, the name of a WeChat user: said to be one, or of its form."""
    found, colon = match["x"], b":" in match["sep"]
    said = bool(match["own"].strip() or match.groupdict().get("asked"))
    if found.isdigit():
        if _ACCOUNT_AFTER.match(after):
            return False
        return said or colon or (len(found) >= 6 and not _DATE_8.fullmatch(found))
    if not (said or colon):
        return False
    if re.search(rb"[0-9_\-]", found):
        return True
    return colon and (said or match[0].startswith(_IN_CHINESE)) and found.islower()
