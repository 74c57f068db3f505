"""Bytes of a page -> text.

Belongs here: which charset a page is in. Does not belong here: what the text says.
"""

from __future__ import annotations

import codecs
import re

_META = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([A-Za-z0-9_:.\-]{2,40})""", re.IGNORECASE)
_XML = re.compile(rb"""^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9_:.\-]{2,40})""", re.IGNORECASE)
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_GB = {
    "gb2312",
    "gbk",
    "gb_2312-80",
    "cp936",
    "x-gbk",
    "hz-gb-2312",
    "csgb2312",
    "gb18030",
    "windows-936",
    "euc-cn",
}
_LATIN = {"iso8859-1", "latin-1", "iso-8859-1", "ascii", "us-ascii", "latin1"}
HEAD = 8192  # bytes searched for a meta element; the HTML standard says 1024, real pages need more
MAX_BAD = 0.002  # share of undecodable characters up to which a declared charset is believed


def canonical(name: str) -> str:
    """The Python codec for a declared charset, gb2312 and gbk widened to gb18030; "" where
    unknown."""
    lower = name.strip().lower()
    if lower in _GB:
        return "gb18030"
    if lower in _LATIN:
        return "cp1252"  # what browsers do: WHATWG encoding standard, section 4.2
    try:
        found = codecs.lookup(lower)
    except (LookupError, ValueError):
        return ""
    text_codec = getattr(found, "_is_text_encoding", True)
    return (
        found.name
        if text_codec
        and found.name not in ("idna", "punycode", "unicode_escape", "raw_unicode_escape", "utf-7")
        else ""
    )


def decode(data: bytes, http: str = "") -> tuple[str, str]:
    """(text, charset). Never raises. Order: byte order mark, valid UTF-8, HTTP header, meta,
    detection.

    Valid multi-byte UTF-8 comes before the header, since random text in another charset is
    practically never valid UTF-8, and wrong headers are common. A declared charset counts where at
    most MAX_BAD of the text does not decode.
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
    from resiliparse.parse.encoding import detect_encoding

    for codec in (canonical(detect_encoding(data) or ""), "gb18030", "utf-8", "cp1252"):
        if codec:
            text = data.decode(codec, "replace")
            bad = text.count("\ufffd") / max(1, len(text))
            if bad <= MAX_BAD:
                return text, codec
            best = min(best, (bad, codec, text)) if best else (bad, codec, text)
    assert best is not None
    return best[2], best[1]
