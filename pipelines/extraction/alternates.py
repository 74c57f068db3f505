"""Where a page says that it stands in other languages: `<link rel="alternate" hreflang="...">`, or a Link
header that says so (RFC 8288).

Belongs here: the addresses of the page in English and Chinese, as its column of `documents`, and reading that
column. Does not belong here: which pages are a pair (corpora/parallel.py), marks of languages in addresses
(corpora/language_marks.py), links in the text.
"""

from __future__ import annotations

import re
from urllib.parse import urljoin

from pipelines.cards.urls import without_secrets
from pipelines.extraction.tag_attributes import attributes

MAX_HEAD = 1 << 17  # characters of markup in which links of a head are looked for
MAX_HEADER = 1 << 14  # characters of Link headers that are read
MAX_ALTERNATES = 40  # kept of one page; sites of many regions have twenty or so in English and Chinese
MAX_ADDRESS = 2000  # characters of one address
DEFAULT = "x-default"
SPELLED = ("hreflang", "hrefLang", "HREFLANG")
"""As pages write it (React the second): three searches cost less than one in any case."""
_LINK = re.compile(r"<link\b[^<>]{1,3000}>", re.IGNORECASE)
_HEADER = re.compile(r"<([^<>]{1,2000})>([^<>]{0,2000})")  # an address of a Link header, its parameters
_KEPT = re.compile(rf"(?:en|zh|cn)(?:-[a-z0-9]{{2,8}}){{0,3}}|{DEFAULT}")


def alternates(markup: str, url: str, links: str = "") -> str:
    """`TAG ADDRESS` a line, for English, Chinese and x-default as the Link headers (`links`) and the head of
    a page at `url` name them.

    Tags are in lower case with hyphens, addresses absolute and without secrets, lines in the page's order; ""
    where there are none.
    """
    headers = _HEADER.finditer(links[:MAX_HEADER])
    given_all = [attributes(m[2].replace(";", " ").rstrip(", ")) | {"href": m[1]} for m in headers]
    if any(markup.find(spelled, 0, MAX_HEAD) >= 0 for spelled in SPELLED):
        tags = (m[0] for m in _LINK.finditer(markup, 0, MAX_HEAD))
        given_all += [attributes(tag) for tag in tags if "hreflang" in tag.lower()]
    found: list[str] = []
    for given in given_all:
        tag = given.get("hreflang", "").lower().replace("_", "-")
        if "alternate" not in given.get("rel", "").lower().split() or not _KEPT.fullmatch(tag):
            continue
        address = _absolute(url, given.get("href", ""))
        if address:
            found.append(f"{tag} {address}")
    return "\n".join(list(dict.fromkeys(found))[:MAX_ALTERNATES])


def _absolute(url: str, href: str) -> str:
    """The address that `href` names on a page at `url`; "" for what is none."""
    try:
        address = urljoin(url, href)
    except ValueError:
        return ""
    plain = address.isprintable() and " " not in address and len(address) <= MAX_ADDRESS
    return without_secrets(address) if href and plain and address.startswith(("http://", "https://")) else ""


def parted(column: str) -> list[tuple[str, str]]:
    """(tag, address) of each line of the column."""
    return [(tag, address) for tag, _, address in (line.partition(" ") for line in column.splitlines())]
