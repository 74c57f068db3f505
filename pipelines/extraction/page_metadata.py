"""Title, date, language hint and robots signals of a page.

Belongs here: what a page says about itself outside its text. Does not belong here: the text
(page.py).
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

_TITLE = re.compile(r"<title\b[^<>]{0,300}+>([^<]{0,1000})", re.IGNORECASE)
_ATTRIBUTE = re.compile(
    r"""([a-zA-Z:\-]{2,30})\s{0,9}=\s{0,9}(?:"([^"]{0,1000})"|'([^']{0,1000})'|([^\s"'>]{1,300}))"""
)
_SPACES = re.compile(r"\s+")
_DATE = re.compile(r"((?:19|20)\d\d)[-/年.](0?[1-9]|1[0-2])[-/月.](0?[1-9]|[12]\d|3[01])(?!\d)")
_LINKED_DATA = re.compile(r'"datePublished"\s{0,9}:\s{0,9}"([^"]{8,40})')
_TIME = re.compile(r"""<time\b[^<>]{0,300}?\bdatetime\s{0,9}=\s{0,9}["']?([^"'>\s]{8,40})""", re.IGNORECASE)
_DATES = (
    "article:published_time pubdate publishdate publish_date publish-date date dc.date dcterms.created"
    " dc.date.issued og:release_date citation_date citation_publication_date datepublished"
    " parsely-pub-date sailthru.date weibo:article:create_at apub:time"
)
_NAMES = ("name", "property", "itemprop", "http-equiv")  # attributes that name a meta element
_ROBOTS = frozenset(("robots", "googlebot", "bingbot", "tdm-reservation"))
MAX_TAG = 3000  # characters of one tag that are read


@dataclass(slots=True)
class PageMetadata:
    """`date` is YYYY-MM-DD or ""; `robots` the robots signals as ` name=value` pairs, lower
    case."""

    title: str = ""
    date: str = ""
    language: str = ""
    robots: str = ""


def title_of(markup: str) -> str:
    """The text of the first title element."""
    found = _TITLE.search(markup)
    return _SPACES.sub(" ", html.unescape(found[1])).strip()[:300] if found else ""


def attributes(tag: str) -> dict[str, str]:
    """The attributes of a start tag, names in lower case, entities decoded."""
    return {m[1].lower(): html.unescape(m[2] or m[3] or m[4] or "").strip() for m in _ATTRIBUTE.finditer(tag)}


def read_metadata(markup: str, title: str, html_tag: str, metas: list[str]) -> PageMetadata:
    """The metadata of a page; `html_tag` and `metas` are the start tags themselves, as text."""
    found = PageMetadata(title=title)
    root = attributes(html_tag)
    found.language = (root.get("lang") or root.get("xml:lang") or "").lower()[:16]
    for tag in metas:
        given = attributes(tag)
        name = next((given[key] for key in _NAMES if given.get(key)), "").lower()
        value = given.get("content", "")
        if name in _ROBOTS:
            found.robots += f" {name}={value.lower()}"
        elif name in _DATES.split():
            found.date = found.date or _iso_date(value)
        elif name == "content-language" and not found.language:
            found.language = value.lower()[:16]
    for pattern in (_LINKED_DATA, _TIME):
        if not found.date:
            said = pattern.search(markup)
            found.date = _iso_date(said[1]) if said else ""
    return found


def _iso_date(value: str) -> str:
    found = _DATE.search(value)
    return f"{found[1]}-{found[2].zfill(2)}-{found[3].zfill(2)}" if found else ""
