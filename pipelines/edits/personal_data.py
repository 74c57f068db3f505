"""Personal data in a text: where it stands, and the masks in its place.

Belongs here: e-mail addresses, Chinese mobile and identity card numbers, public IPv4 addresses. Does
not belong here: notices (boilerplate.py), how masks are put in (render.py).

Regular expressions' `\\b` takes a Han character for a letter, so that it finds no boundary in
`邮箱a@b.cn谢谢`. The boundaries here are lookarounds over ASCII.
"""

from __future__ import annotations

import ipaddress
import re

MASKS = {
    "email": "[EMAIL]",
    "id_card": "[ID]",
    "mobile": "[PHONE]",
    "ip": "[IP]",
}  # none is found again: rendering is idempotent
_EMAIL = re.compile(
    r"(?<![A-Za-z0-9._%+\-])[A-Za-z0-9_%+](?:[A-Za-z0-9._%+\-]{0,62}[A-Za-z0-9_%+\-])?"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9\-]{0,61}[A-Za-z0-9])?\.){1,8}[A-Za-z]{2,24}(?![A-Za-z0-9])"
)
# A number that is part of a longer one, of an identifier or of a decimal is something else.
_BEFORE, _AFTER = r"(?<![A-Za-z0-9_])(?<![0-9][.\-])", r"(?![A-Za-z0-9_])(?![.\-][0-9])"
_MOBILE = re.compile(
    _BEFORE + r"(?:(?:\+|00)?86[\- ]?)?1[3-9][0-9](?:[0-9]{8}|([\- ])[0-9]{4}\1[0-9]{4})" + _AFTER
)
_ID_CARD = re.compile(
    _BEFORE
    + r"[1-9][0-9]{5}(?:18|19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3}[0-9Xx]"
    + _AFTER
)
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IP = re.compile(
    r"(?<![A-Za-z0-9_.\-])" + rf"{_OCTET}(?:\.{_OCTET}){{3}}" + r"(?![A-Za-z0-9_\-])(?!\.[A-Za-z0-9])"
)
# What each holds in any case. A search that begins with a look behind tries every character; these
# skip to the next digit, so that they go first.
_HAS_ID_CARD = re.compile(r"[0-9]{17}")
_HAS_MOBILE = re.compile(r"1[3-9][0-9][0-9\- ][0-9]{4}")
_HAS_IP = re.compile(r"[0-9]\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]")

_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)  # GB 11643-1999
_ID_CHECK = "10X98765432"


def id_card_valid(number: str) -> bool:
    """Whether the last character of an 18-character identity card number is its checksum (GB
    11643-1999)."""
    return (
        _ID_CHECK[sum(w * int(d) for w, d in zip(_ID_WEIGHTS, number[:17], strict=True)) % 11]
        == number[17].upper()
    )


def find_personal_data(text: str) -> list[tuple[int, int, str]]:
    """(start, end, kind) in characters: sorted, not overlapping; where two kinds overlap the first
    of MASKS wins.

    A mask is a boundary: what stands right behind one is searched again, so that rendering is
    idempotent.
    """
    taken: list[tuple[int, int, str]] = []
    while found := _find_once(text):
        taken += found
        for start, end, _ in found:
            text = text[:start] + "]" * (end - start) + text[end:]
    return sorted(taken)


def _find_once(text: str) -> list[tuple[int, int, str]]:
    found: list[tuple[int, int, str]] = []
    if "@" in text:
        found += [(m.start(), m.end(), "email") for m in _EMAIL.finditer(text)]
    if _HAS_ID_CARD.search(text):
        found += [(m.start(), m.end(), "id_card") for m in _ID_CARD.finditer(text) if id_card_valid(m[0])]
    if _HAS_MOBILE.search(text):
        found += [(m.start(), m.end(), "mobile") for m in _MOBILE.finditer(text)]
    if _HAS_IP.search(text):
        # Private, loopback and documentation addresses name no one.
        found += [
            (m.start(), m.end(), "ip") for m in _IP.finditer(text) if ipaddress.ip_address(m[0]).is_global
        ]
    covered = bytearray(len(text)) if found else bytearray()
    taken: list[tuple[int, int, str]] = []
    for start, end, kind in found:
        if not any(covered[start:end]):
            covered[start:end] = b"\1" * (end - start)
            taken.append((start, end, kind))
    return taken


def mask(text: str) -> str:
    """A text that may be shown: a URL, a title, a message. Documents' texts are rendered
    instead."""
    pieces, position = [], 0
    for start, end, kind in find_personal_data(text):
        pieces += [text[position:start], MASKS[kind]]
        position = end
    return "".join([*pieces, text[position:]])
