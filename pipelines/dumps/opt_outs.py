"""Opt-out signals of a page: robots meta elements, X-Robots-Tag, TDM reservation.

Belongs here: which signals a page gives. Does not belong here: whether they are obeyed (the card's
`obey_opt_outs`).
"""

from __future__ import annotations

import re

# no indexing at all; no use for training (noai, noimageai: DeviantArt's convention); W3C TDM
# Reservation Protocol
SIGNALS = ("noindex", "noai", "tdm")
_WORDS = {"noindex": "noindex", "none": "noindex", "noai": "noai"}
_RESERVED = re.compile(r"tdm-reservation\s*[=:]\s*1\b")
_WORD = re.compile(r"[a-z]+")


def opt_outs(robots: str) -> list[str]:
    """The signals in the robots text of a record and its page, in the order of SIGNALS."""
    lower = robots.lower()
    found = {_WORDS[word] for word in _WORD.findall(lower) if word in _WORDS}
    if _RESERVED.search(lower):
        found.add("tdm")
    return [name for name in SIGNALS if name in found]
