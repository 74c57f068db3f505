"""Opt-out signals of a page: robots meta elements, X-Robots-Tag, TDM reservation.

Belongs here: which signals a page gives. Does not belong here: whether they are obeyed (the card's
`obey_opt_outs`).

The grammar is that of Google's "Robots meta tag, data-nosnippet, and X-Robots-Tag specifications":
directives stand between commas, some have a value behind a colon, and a crawler's name with a colon
says whom the directives behind it are for.
"""

from __future__ import annotations

import re

# no indexing at all; no use for training (noai, noimageai: DeviantArt's convention); W3C TDM
# Reservation Protocol
SIGNALS = ("noindex", "noai", "tdm")
_DIRECTIVES = {"noindex": "noindex", "none": "noindex", "noai": "noai"}
_VALUED = frozenset(("max-snippet", "max-image-preview", "max-video-preview", "unavailable_after"))
AGENTS = frozenset(("robots", "*", "googlebot", "bingbot", "ccbot", "gptbot", "google-extended"))
"""Whose directives count: all crawlers, the two search engines that pages address when they mean all,
and those that gather text for training. One that is told to any other crawler alone does not."""
_META = re.compile(r"(?:^|(?<=\s))(robots|googlebot|bingbot|tdm-reservation)=")
_NAMED = re.compile(r"([a-z0-9_*\-./]{1,100})\s{0,9}:\s{0,9}")


def opt_outs(robots: str) -> list[str]:
    """The signals in the robots text of a record and its page, in the order of SIGNALS.

    A line is one X-Robots-Tag; ` name=content` is a meta element, `tdm-reservation=1` a header or one.
    """
    found: set[str] = set()
    for line in robots.lower().split("\n"):
        header, *metas = _META.split(line)
        found |= _signals(header, "robots")
        for name, content in zip(metas[::2], metas[1::2], strict=True):
            if name != "tdm-reservation":
                found |= _signals(content, name)
            elif content.split()[:1] == ["1"]:
                found.add("tdm")
    return [name for name in SIGNALS if name in found]


def _signals(text: str, agent: str) -> set[str]:
    """The signals among directives for an agent, until another is named."""
    found = set()
    for piece in re.split("[,;]", text):
        words = piece.strip()
        while named := _NAMED.match(words):
            words = words[named.end() :]
            if named[1] == "unavailable_after":
                words = ""
            elif named[1] in _VALUED:
                words = words.partition(" ")[2].strip()
            else:
                agent = named[1]
        if agent in AGENTS:
            found |= {_DIRECTIVES[word] for word in words.split() if word in _DIRECTIVES}
    return found
