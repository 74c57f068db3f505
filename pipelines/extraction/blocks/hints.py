"""What a page says that it is: types in linked data, the type that it shares itself as, the form
of its own address.

Belongs here: numbers about a page that are not in its blocks. Does not belong here: what they mean
for main text (the forest learns it), titles and dates (page_metadata.py).
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

import numpy as np

Array = np.ndarray[Any, Any]

# types of schema.org that tell one kind of page from another
TYPES: dict[str, str] = {
    "article": (
        "article newsarticle blogposting reportagenewsarticle scholarlyarticle advertisercontentarticle"
    ),
    "guide": "techarticle apireference howto recipe book course learningresource",
    "product": "product productgroup offer aggregateoffer individualproduct someproducts itempage vehicle",
    "forum": "discussionforumposting socialmediaposting comment",
    "answers": "qapage answer",
    "faq": "faqpage",
    "list": "collectionpage itemlist searchresultspage offercatalog blog",
    "business": "localbusiness service professionalservice softwareapplication corporation store event",
    "site": "website searchaction",
    "crumbs": "breadcrumblist",
    "reviews": "review aggregaterating",
}
SHARED = ("article", "product", "website", "news")  # values of og:type, or their beginning
ADDRESS: dict[str, str] = {
    "product": "product products p dp pd item items itm listing pr shop buy gp",
    "list": (
        "collections collection category categories c cat browse search tag tags archive archives topics"
        " list directory jobs events blogs index all b"
    ),
    "article": "blog news article articles story stories post posts press insights magazine opinion",
    "forum": (
        "forum forums thread threads t topic topics showthread viewtopic questions question community"
        " comments discussion discussions boards board talk r d"
    ),
    "guide": (
        "docs doc documentation api reference guide guides manual wiki learn tutorial tutorials help"
        " support kb handbook intro latest stable library"
    ),
    "service": "about services service solutions pricing features product-tour platform company contact",
}
_DATA = re.compile(r'"@type"\s{0,9}:\s{0,9}(?:\[\s{0,9})?"(?:https?://schema\.org/)?([A-Za-z]{2,40})"')
_CANONICAL = re.compile(
    r"""<link\b[^<>]{0,300}?\brel\s{0,3}=\s{0,3}["']?canonical\b[^<>]{0,600}""", re.IGNORECASE
)
_HREF = re.compile(r"""\bhref\s{0,3}=\s{0,3}["']?([^"'\s>]{1,500})""", re.IGNORECASE)
_YEAR = re.compile(r"/(?:19|20)\d\d[/-]")
_WORD = re.compile(r"[a-z]+")
MAX_LINK = 400  # characters from the beginning of a link to what it says that it is
MAX_HEAD = 60_000  # characters in which the page's own address is looked for

NAMES: tuple[str, ...] = (
    *(f"says_{kind}" for kind in TYPES),
    *(f"shared_{kind}" for kind in SHARED),
    *(f"address_{kind}" for kind in ADDRESS),
    *("address_depth", "address_year", "address_digits", "address_words", "address_known"),
)
NUM_HINTS = len(NAMES)
_TYPE_AT = {word: i for i, words in enumerate(TYPES.values()) for word in words.split()}
_WORDS = [frozenset(words.split()) for words in ADDRESS.values()]


def hints(address: str, data: list[str], shared_as: str) -> Array:
    """float32 [NUM_HINTS] in the order of NAMES; `address` is the page's own (own_address), `data` as
    linked_data.linked_data gives it, `shared_as` the value of og:type."""
    x = np.zeros(NUM_HINTS, np.float32)
    for script in data:
        for word in _DATA.findall(script):
            at = _TYPE_AT.get(word.lower())
            if at is not None:
                x[at] += 1
    f = len(TYPES)
    x[:f] = np.log1p(x[:f])
    for k, value in enumerate(SHARED):
        x[f + k] = shared_as.lower().startswith(value)
    f += len(SHARED)
    if address:
        path = _path(address)
        parts = [part for part in path.lower().split("/") if part]
        for k, words in enumerate(_WORDS):
            x[f + k] = any(part in words for part in parts)
        f += len(_WORDS)
        x[f] = len(parts)
        x[f + 1] = bool(_YEAR.search(path))
        x[f + 2] = min(sum(c.isdigit() for c in path), 20)
        x[f + 3] = min(len(_WORD.findall(parts[-1])), 12) if parts else 0
        x[f + 4] = 1
    return x


def own_address(markup: str) -> str:
    """The address that a page calls its own (rel=canonical); "" where it names none."""
    at = markup.find("canonical", 0, MAX_HEAD)
    start = markup.rfind("<", max(0, at - MAX_LINK), at) if at >= 0 else -1
    canonical = _CANONICAL.match(markup, start, MAX_HEAD) if start >= 0 else None  # most often, and fast
    canonical = canonical or _CANONICAL.search(markup, 0, MAX_HEAD)
    href = _HREF.search(canonical[0]) if canonical else None
    return href[1] if href else ""


def _path(address: str) -> str:
    try:
        return urlsplit(address).path
    except ValueError:  # brackets that are no address
        return ""
