"""Personal data in a text: where it stands, and the masks in its place.

Belongs here: e-mail addresses, Chinese mobile and identity card numbers, public IPv4 addresses. Does
not belong here: notices (boilerplate.py), how masks are put in (render.py).

Regular expressions' `\\b` takes a Han character for a letter, so that it finds no boundary in
`邮箱a@b.cn谢谢`. The boundaries here are lookarounds over ASCII.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable

MASKS = {
    "email": "[EMAIL]",
    "id_card": "[ID]",
    "mobile": "[PHONE]",
    "ip": "[IP]",
}  # none is found again: rendering is idempotent
_EMAIL = re.compile(
    rb"(?<![A-Za-z0-9._%+\-])[A-Za-z0-9_%+](?:[A-Za-z0-9._%+\-]{0,62}[A-Za-z0-9_%+\-])?"
    rb"@(?:[A-Za-z0-9](?:[A-Za-z0-9\-]{0,61}[A-Za-z0-9])?\.){1,8}[A-Za-z]{2,24}(?![A-Za-z0-9])"
)
# A number that is part of a longer one, of an identifier or of a decimal is something else.
_BEFORE, _AFTER = rb"(?<![A-Za-z0-9_])(?<![0-9][.\-])", rb"(?![A-Za-z0-9_])(?![.\-][0-9])"
_MOBILE = re.compile(
    _BEFORE + rb"(?:(?:\+|00)?86[\- ]?)?1[3-9][0-9](?:[0-9]{8}|([\- ])[0-9]{4}\1[0-9]{4})" + _AFTER
)
_ID_CARD = re.compile(
    _BEFORE
    + rb"[1-9][0-9]{5}(?:18|19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3}[0-9Xx]"
    + _AFTER
)
_OCTET = rb"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IP = re.compile(
    rb"(?<![A-Za-z0-9_.\-])"
    + _OCTET
    + rb"(?:\."
    + _OCTET
    + rb"){3}"
    + rb"(?![A-Za-z0-9_\-])(?!\.[A-Za-z0-9])"
)
# What each holds in any case. A search that begins with a look behind tries every character; these
# skip to the next digit, so that they go first.
_HAS_ID_CARD = re.compile(rb"[0-9]{17}")
_HAS_MOBILE = re.compile(rb"1[3-9][0-9][0-9\- ][0-9]{4}")
_HAS_IP = re.compile(rb"[0-9]\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]")
_PATTERNS = {"email": _EMAIL, "id_card": _ID_CARD, "mobile": _MOBILE, "ip": _IP}
_HOLDS: dict[str, Callable[[bytearray], object]] = {
    "email": lambda data: b"@" in data,
    "id_card": _HAS_ID_CARD.search,
    "mobile": _HAS_MOBILE.search,
    "ip": _HAS_IP.search,
}
_MASKED = b"]"  # in no pattern

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

    A mask is a boundary: what stands right beside one is searched again, so that rendering is
    idempotent. Time is linear in the text: only the places where a new mask can change an answer
    are tried again.
    """
    # Every pattern is of ASCII alone: one byte for each character, "?" for all others, which is in
    # no pattern. Masks are written into these bytes, so that no text is copied for each of them.
    data = bytearray(text.encode("ascii", "replace"))
    new = _write(data, _everywhere(data))
    taken = list(new)
    while new:
        new = _write(data, _beside(data, new))
        taken += new
    return sorted(taken)


def _everywhere(data: bytearray) -> list[tuple[int, int, str]]:
    found: list[tuple[int, int, str]] = []
    for kind, pattern in _PATTERNS.items():
        if _HOLDS[kind](data):
            found += [
                (m.start(), m.end(), kind) for m in pattern.finditer(data) if _names_someone(kind, m[0])
            ]
    return found


def _beside(data: bytearray, masks: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """What is found now because of `masks`, in the order of kinds.

    The patterns look at two characters before a match, so a match may begin at the end of a mask or
    one behind it. Behind a match they look for letters and digits, before which no mask begins, and
    for a point or hyphen and a digit, which bars a mask unless the match ends in X: an identity
    card number.
    """
    found: list[tuple[int, int, str]] = []
    for kind, pattern in _PATTERNS.items():
        for start, end, _ in masks:
            starts = (end, end + 1, start - 19) if kind == "id_card" and start >= 19 else (end, end + 1)
            for at in starts:
                m = pattern.match(data, at)
                if m and _names_someone(kind, m[0]):
                    found.append((m.start(), m.end(), kind))
    return found


def _write(data: bytearray, found: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """Writes masks over those of `found` that overlap none before them; these are returned."""
    taken = []
    for start, end, kind in found:
        if _MASKED not in data[start:end]:
            data[start:end] = _MASKED * (end - start)
            taken.append((start, end, kind))
    return taken


def _names_someone(kind: str, found: bytes) -> bool:
    """Checksums of identity cards hold; private, loopback and documentation addresses name no
    one."""
    if kind == "id_card":
        return id_card_valid(found.decode())
    return kind != "ip" or ipaddress.ip_address(found.decode()).is_global


def mask(text: str) -> str:
    """A text that may be shown: a URL, a title, a message. Documents' texts are rendered
    instead."""
    pieces, position = [], 0
    for start, end, kind in find_personal_data(text):
        pieces += [text[position:start], MASKS[kind]]
        position = end
    return "".join([*pieces, text[position:]])
