"""Personal data that rendering left behind, by a reading of its own.

Belongs here: what must not stand in a rendered text, whatever the masks think of it. Does not belong
here: finding what is masked (personal_data.py, personal_patterns.py), of which this shares no pattern:
a check that asks the finder again says nothing about what the finder misses.

It is narrow: each thing found is personal data beyond doubt, so that any is a defect.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections import Counter

_WORTH_READING = re.compile(r"\d(?:\W?\d){9}|\d\.\d{1,3}\.\d{1,3}\.\d")
_FORMATS = re.compile(  # category Cf, without shorthand and musical controls beyond the first plane
    "[\xad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064"
    "\u2066-\u206f\ufeff\ufff9-\ufffb\U000e0001-\U000e007f]"
)
_WORD = re.compile(
    r"[0-9](?<![0-9A-Za-z_.\-][0-9])(?:[0-9]{10}|[0-9]{16}[0-9Xx]|[0-9]{0,2}(?:\.[0-9]{1,3}){3})"
    r"(?=[.\-]*+(?![0-9A-Za-z_]))"
)
"""A word of 11 digits, of 18, or of four numbers between dots; a stop or hyphen may stand behind it."""
_ENDS = frozenset({"com", "cn", "net", "org", "edu"})
_HOST_USERS = frozenset({"git", "svn", "hg", "cvs"})
_SAYS_PHONE = ("电话", "手机", "手机号", "tel", "phone", "mobile")
_SAYS_ADDRESS = ("ip", "ip地址", "dns")
_JOINS = "._%+-"
_WEIGHTS = [2 ** (17 - k) % 11 for k in range(17)]  # GB 11643-1999: powers of two modulo 11


def leftovers(text: str) -> Counter[str]:
    """How many mail addresses, mobile numbers, identity cards and addresses of hosts `text` still
    holds, by kind."""
    found: Counter[str] = Counter()
    if not ("@" in text or "＠" in text or _WORTH_READING.search(text)):
        return found
    plain = text if text.isascii() else unicodedata.normalize("NFKC", _FORMATS.sub("", text))
    for sign in re.finditer("@", plain):
        found["email"] += _stands_between(plain, sign.start())
    for word in _WORD.finditer(plain):
        kind = _kind(word[0], plain[max(0, word.start() - 8) : word.start()].lower())
        if kind:
            found[kind] += 1
    return +found


def _part(char: str) -> bool:
    return char.isascii() and (char.isalnum() or char in _JOINS)


def _stands_between(text: str, at: int) -> bool:
    """Whether the sign at `at` joins a user and a domain that ends as most do."""
    start, end = at, at + 1
    while start and at - start < 60 and _part(text[start - 1]):
        start -= 1
    while end < len(text) and end - at < 60 and _part(text[end]):
        end += 1
    user, labels = text[start:at].lstrip(".-"), text[at + 1 : end].rstrip(_JOINS).lower().split(".")
    if not user or user.lower() in _HOST_USERS or len(labels) < 2 or labels[-1] not in _ENDS:
        return False
    whole = at - start < 60 and all(label.replace("-", "a").isalnum() for label in labels)
    return (
        whole
        and not (labels[0].isdigit() and labels[1][:1].isdigit())
        and text[end : end + 1] not in ("@", ":")
    )


def _kind(word: str, before: str) -> str:
    """What the word says of someone; `before`: the characters before it, in small letters."""
    said = before.rstrip(" :=是为")
    if len(word) == 11 and word.isdigit():
        return "mobile" if word[0] == "1" and word[1] in "3456789" and said.endswith(_SAYS_PHONE) else ""
    if len(word) == 18 and word[:17].isdigit() and 1900 <= int(word[6:10]) < 2030:
        day = 1 <= int(word[10:12]) <= 12 and 1 <= int(word[12:14]) <= 31 and word[0] != "0"
        left = (12 - sum(int(d) * w for d, w in zip(word, _WEIGHTS, strict=False))) % 11
        return "id_card" if day and word[17].upper() == "0123456789X"[left] else ""
    if word.count(".") == 3 and said.endswith(_SAYS_ADDRESS):
        try:
            address = ipaddress.IPv4Address(word)
        except ValueError:
            return ""
        return "ip" if address.is_global and not address.is_multicast and not word.endswith(".0.0") else ""
    return ""
