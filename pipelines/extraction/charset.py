"""Bytes of a page -> text.

Belongs here: which charset a page is in. Does not belong here: what labels and bytes mean
(kernels/charset_decoders.py), how likely a reading is (charset_likelihood.py), what the text says.
"""

from __future__ import annotations

import codecs
import re

from resiliparse.parse.encoding import detect_encoding

from pipelines.extraction.charset_likelihood import log_likelihood
from pipelines.kernels.charset_decoders import canonical, decode_as

_META = re.compile(rb"""<meta[^>]{0,200}?charset\s*+=\s*+["']?\s*+([A-Za-z0-9_:.\-]{2,40})""", re.IGNORECASE)
_XML = re.compile(rb"""^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9_:.\-]{2,40})""", re.IGNORECASE)
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_WIDE = ("utf-16-le", "utf-16-be")
_PAIRS = ("gb18030", "big5hkscs", "cp932", "euc_jp", "cp949")
_UNDECLARED = ("utf-8", *_PAIRS, "cp1252")  # compared where a declaration does not hold
# Bytes beyond ASCII with the ASCII byte that may belong to the last of them: where such a run begins,
# a character begins, in every charset.
_RUN = re.compile(rb"(?:[\x80-\xff]++[0-9\x40-\x7f]?+)++")
_ASCII = bytes(range(128))
HEAD = 8192  # bytes searched for a meta element; the HTML standard says 1024, real pages need more
SAMPLE = 4096  # bytes of runs, from all over the page, that readings are compared on
WINDOWS, WINDOW = 16, 2048  # parts of a long page, and the bytes of each, that runs are looked for in
FEW = 64  # continuation bytes of UTF-8 up to which text in a declared charset of pairs can look so
# A declared charset is given up for a reading that is likelier by both (natural logarithms):
GAP = 10.0
GAP_A_BYTE = 1.0
DETECTED = 32768  # bytes of a page in some Latin alphabet that the detector reads
RARE = 6.0  # against a charset that only the detector names, beside other readings


def decode(data: bytes, http: str = "") -> tuple[str, str]:
    """(text, charset) of a page; `http` is the label of its header. Never raises.

    Order: byte order mark, UTF-16 by its NUL bytes, valid UTF-8, then the header's and the page's own
    declaration. A declared charset is given up only where another reading is clearly likelier as
    text (`log_likelihood`); where nothing holds, the likeliest reading is taken. The charset is
    Python's name of the codec. A character that the end of the page cuts is left out.

    Valid UTF-8 comes before declarations, since wrong headers are common and text in another charset
    is practically never valid UTF-8; but a few characters in a declared charset of byte pairs may be.
    """
    for mark, name in _BOMS:
        if data.startswith(mark):
            return data[len(mark) :].decode(name, "replace"), name
    wide = _wide(data)
    if wide:
        return data.decode(wide, "replace"), wide
    escaped = b"\x1b$" in data  # a sequence of ISO-2022-JP, that no text in another charset holds
    if escaped and "iso2022_jp" in _declared(data, http):
        return decode_as(data, "iso2022_jp"), "iso2022_jp"
    utf8 = "" if data.isascii() else _valid_utf8(data)
    if len(data) - len(utf8) > FEW and utf8:
        return utf8, "utf-8"
    declared = _declared(data, http)
    if declared and declared[0] in _WIDE and b"\0" in data and not utf8 and not data.isascii():
        return data.decode(declared[0], "replace"), declared[0]
    declared = [codec for codec in declared if codec not in _WIDE]
    if data.isascii():
        if escaped and not declared:
            return decode_as(data, "iso2022_jp"), "iso2022_jp"
        return data.decode("ascii"), declared[0] if declared else "utf-8"
    if utf8 and ("utf-8" in declared or not any(codec in _PAIRS for codec in declared)):
        return utf8, "utf-8"
    codec = _choose(data, declared, ("utf-8",) if utf8 else _UNDECLARED)
    return (utf8 if utf8 and codec == "utf-8" else _text(data, codec)), codec


def _declared(data: bytes, http: str) -> list[str]:
    """The codecs that the header and the page name, without repetition. A page that could say so in
    ASCII is in no form of UTF-16: such a meta means UTF-8, as in browsers."""
    head = _without_comments(data[:HEAD])
    meta = _META.search(head) or _XML.search(head)
    own = canonical(meta[1].decode("ascii")) if meta else ""
    named = (canonical(http) if http else "", "utf-8" if own in _WIDE else own)
    return list(dict.fromkeys(codec for codec in named if codec))


def _without_comments(head: bytes) -> bytes:
    start = head.find(b"<!--")
    if start < 0:
        return head
    pieces, at = [], 0
    while start >= 0:
        pieces.append(head[at:start])
        end = head.find(b"-->", start + 2)
        if end < 0:
            return b"".join(pieces)
        at = end + 3
        start = head.find(b"<!--", at)
    return b"".join((*pieces, head[at:]))


def _wide(data: bytes) -> str:
    """UTF-16 without a mark, by its first two characters in ASCII (XML 1.0, appendix F)."""
    nul = [byte == 0 for byte in data[:4]]
    return "utf-16-le" if nul == [False, True] * 2 else "utf-16-be" if nul == [True, False] * 2 else ""


def _valid_utf8(data: bytes) -> str:
    """The text, where the bytes are UTF-8 up to a character that the end cuts; else ""."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.reason != "unexpected end of data" or data[: error.start].isascii():
            return ""
        return data[: error.start].decode("utf-8")


def _sample(data: bytes) -> bytes:
    """Runs of bytes beyond ASCII, line by line, from all over the page.

    A long page is read in WINDOWS that begin and end at a tag: "<" is no part of a longer character.
    """
    runs: list[bytes] = []
    size = len(data) // WINDOWS
    for start in range(0, len(data), size) if size > WINDOW else ():
        first = data.find(b"<", start, start + size)
        if first >= 0:
            runs += _RUN.findall(data, first, data.rfind(b"<", first, first + WINDOW))
    if sum(map(len, runs)) < SAMPLE // 4:
        runs = _RUN.findall(data)
    step = 1 + sum(map(len, runs)) // SAMPLE
    return b"\n".join(runs[::step])[:SAMPLE]


def _choose(data: bytes, declared: list[str], others: tuple[str, ...]) -> str:
    """The first declared codec that no reading beats clearly, else the likeliest one, that of the
    detector among them.

    Alphabets of single bytes look alike to the model: where one is declared, no other is tried.
    """
    sample = _sample(data)
    high = len(sample.translate(None, _ASCII))
    if any(codec not in _UNDECLARED for codec in declared):
        others = tuple(codec for codec in others if codec != "cp1252")
    likely = {
        codec: log_likelihood(decode_as(sample, codec), codec)
        for codec in dict.fromkeys((*declared, *others))
    }
    best = max(likely, key=likely.__getitem__)
    for codec in declared:
        if likely[best] - likely[codec] <= max(GAP, GAP_A_BYTE * high):
            return codec
    if len(others) > 1:
        latin = best == "cp1252"  # the detector knows by their letters the languages that share it
        detected = canonical(detect_encoding(data[:DETECTED] if latin else sample) or "")
        if detected in _WIDE:
            return best
        if latin and detected and detected not in _UNDECLARED:
            return detected
        if detected and log_likelihood(decode_as(sample, detected), detected) > likely[best] + RARE:
            return detected
    return best


def _text(data: bytes, codec: str) -> str:
    """The text without the character that the end cuts."""
    text = decode_as(data, codec)
    return text[:-1] if text.endswith("\ufffd") and data[-1] >= 0x80 else text
