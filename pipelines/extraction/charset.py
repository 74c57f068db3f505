"""Bytes of a page -> text.

Belongs here: which charset a page is in. Does not belong here: what the text says.
"""

from __future__ import annotations

import codecs
import re

from resiliparse.parse.encoding import detect_encoding, map_encoding_to_html5

_META = re.compile(rb"""<meta[^>]{0,200}?charset\s*+=\s*+["']?\s*+([A-Za-z0-9_:.\-]{2,40})""", re.IGNORECASE)
_XML = re.compile(rb"""^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9_:.\-]{2,40})""", re.IGNORECASE)
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_SUPERSETS = {  # what browsers decode these with: WHATWG encoding standard, section 4.2
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "hz": "gb18030",
}
_NO_CHARSETS = ("idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape", "utf-7")
HEAD = 8192  # bytes searched for a meta element; the HTML standard says 1024, real pages need more
MAX_BAD = 0.002  # share of undecodable characters up to which a declared charset is believed


def canonical(name: str) -> str:
    """The Python codec of a declared charset, widened to the superset that browsers use; "" where
    unknown. Labels that Python lacks are looked up in the WHATWG standard's table (resiliparse)."""
    label = name.strip().lower()
    codec = _codec(label) or _codec(label.replace("windows-", "cp", 1))
    if not codec:
        codec = _codec(map_encoding_to_html5(label, fallback_utf8=False) or "")
    return _SUPERSETS.get(codec, codec)


def _codec(label: str) -> str:
    """The name of Python's text codec for a label; "" where there is none."""
    try:
        found = codecs.lookup(label)
    except (LookupError, ValueError):
        return ""
    is_text = getattr(found, "_is_text_encoding", True)
    return found.name if is_text and found.name not in _NO_CHARSETS else ""


def decode(data: bytes, http: str = "") -> tuple[str, str]:
    """(text, charset). Never raises. Order: byte order mark, ASCII that declares nothing, valid
    UTF-8, HTTP header, meta, then what decodes best of the declared, the detected, GB18030, UTF-8
    and cp1252.

    Valid multi-byte UTF-8 comes before the header, since random text in another charset is
    practically never valid UTF-8, and wrong headers are common. A declared charset other than UTF-8
    is taken where at most MAX_BAD of the text does not decode.
    """
    for mark, name in _BOMS:
        if data.startswith(mark):
            return data[len(mark) :].decode(name, "replace"), name
    if data.isascii() and not http and b"charset" not in data[:HEAD].lower():
        return data.decode("ascii"), "utf-8"
    try:
        return data.decode("utf-8"), "utf-8"
    except UnicodeDecodeError as error:
        if error.start > len(data) - 4:  # cut inside the last character
            return data[: error.start].decode("utf-8"), "utf-8"
    head = data[:HEAD]
    meta = _META.search(head) or _XML.search(head)
    best: tuple[float, str, str] | None = None
    for name in (http, meta[1].decode("ascii") if meta else ""):
        codec = canonical(name) if name else ""
        if codec:
            text = data.decode(codec, "replace")
            bad = text.count("\ufffd") / max(1, len(text))
            if bad <= MAX_BAD and codec not in ("utf-8",):
                return text, codec
            best = min(best, (bad, codec, text)) if best else (bad, codec, text)
    for codec in (canonical(detect_encoding(data) or ""), "gb18030", "utf-8", "cp1252"):
        if codec:
            text = data.decode(codec, "replace")
            bad = text.count("\ufffd") / max(1, len(text))
            if bad <= MAX_BAD:
                return text, codec
            best = min(best, (bad, codec, text)) if best else (bad, codec, text)
    assert best is not None
    return best[2], best[1]
