"""Title, date of publication, language hint and robots signals of a page.

Belongs here: what a page says about itself outside its text, and which of it to believe. Does not
belong here: the text (page.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from pipelines.extraction.markdown.entities import unescape

_TITLE = re.compile(r"<title\b[^<>]{0,300}+>([^<]{0,1000})", re.IGNORECASE)
_ATTRIBUTE = re.compile(
    r"""([a-zA-Z:\-]{2,30})\s{0,9}=\s{0,9}(?:"([^"]{0,1000})"|'([^']{0,1000})'|([^\s"'>]{1,300}))"""
)
_SPACES = re.compile(r"\s+")
_WORDS = re.compile(r"[\u3400-\u9fff]|[^\W_\u3400-\u9fff]+")
_BETWEEN = re.compile(r"\s+(?:[|\-–—·•»«:]{1,2})\s+|\s*[_|｜]\s*")  # title and name of the site
_DATE = re.compile(r"((?:19|20)\d\d)[-/年.](0?[1-9]|1[0-2])[-/月.](0?[1-9]|[12]\d|3[01])(?!\d)")
_ADDRESS_DATE = re.compile(r"/((?:19|20)\d\d)/(0[1-9]|1[0-2])/(0[1-9]|[12]\d|3[01])(?=/|$)")
_LINKED_DATA = re.compile(r'datePublished\\{0,7}"\s{0,9}:\s{0,9}\\{0,7}"([^"\\]{8,40})')
_LINKED_OTHER = re.compile(r'"(?:dateCreated|uploadDate|dateModified)"\s{0,9}:\s{0,9}"([^"]{8,40})')
_TIME = re.compile(r"""<time\b[^<>]{0,300}?\bdatetime\s{0,9}=\s{0,9}["']?([^"'>\s]{8,40})""", re.IGNORECASE)
_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec"
_NAMED_MONTH = (
    "(jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_WRITTEN = re.compile(
    rf"\b(?:{_NAMED_MONTH}\s{{1,2}}(\d{{1,2}})(?:st|nd|rd|th)?,?\s{{1,2}}((?:19|20)\d\d)"
    rf"|(\d{{1,2}})(?:st|nd|rd|th)?\s{{1,2}}{_NAMED_MONTH},?\s{{1,2}}((?:19|20)\d\d))\b",
    re.IGNORECASE,
)
_DATES_NAMES = (
    "article:published_time pubdate publishdate publish_date publish-date date dc.date dcterms.created"
    " dc.date.issued dcterms.date dc.date.created og:release_date citation_date datepublished"
    " citation_publication_date citation_online_date parsely-pub-date sailthru.date"
    " weibo:article:create_at apub:time publication_date published_time og:published_time"
    " article.published created article_date_original cludo:date originalpublicationdate"
    " og:article:published_time bt:pubdate"
)
_DATES = frozenset(_DATES_NAMES.split())
_LATER_NAMES = "article:modified_time og:updated_time last-modified datemodified dcterms.modified"
_LATER = frozenset(_LATER_NAMES.split())
_NAMES = ("name", "property", "itemprop", "http-equiv")  # attributes that name a meta element
_ROBOTS = frozenset(("robots", "googlebot", "bingbot", "tdm-reservation"))
MARKS_OF_DATES = ("datePublished", "<time", "dateCreated", "uploadDate", "dateModified")
"""What markup holds one of, in any case, where `_behind` can find a date in it."""
MAX_TAG = 3000  # characters of one tag that are read
MIN_TITLE = 12  # characters before a bar from which they are a title
_BARS = ("|", "||", "｜")
_LINK_SIGNS = " ¶#§"  # of a link to the heading itself
MAX_TITLE = 300  # characters of a title
MAX_NEAR = 200  # characters of a line near the headline that may give the date
SHARED_WORDS = 0.3  # of a headline with the title, from which it is taken for one


@dataclass(slots=True)
class PageMetadata:
    """`date` is when the page was published, YYYY-MM-DD or ""; `robots` the robots signals as
    ` name=value` pairs, lower case."""

    title: str = ""
    date: str = ""
    language: str = ""
    robots: str = ""


def title_of(markup: str) -> str:
    """The text of the first title element."""
    found = _TITLE.search(markup)
    return _SPACES.sub(" ", unescape(found[1])).strip()[:MAX_TITLE] if found else ""


def attributes(tag: str) -> dict[str, str]:
    """The attributes of a start tag, names in lower case, entities decoded."""
    found = _ATTRIBUTE.findall(tag)
    return {name.lower(): unescape(double or single or bare).strip() for name, double, single, bare in found}


def headline(title: str, metas: list[dict[str, str]], headings: list[str]) -> str:
    """What the page is called, without the name of its site.

    Of `headings` (those of the first level) that share words with the title the one that shares most
    (another may be the name of a guide or a site); else the title as it is given to other sites, or
    the title element, without the site's name at its end or beginning.
    """
    said = {meta.get("property", ""): meta.get("content", "") for meta in reversed(metas)}
    shared, site = _line(said.get("og:title", "")), _line(said.get("og:site_name", ""))
    whole = shared or title
    parts = [part.casefold() for part in _BETWEEN.split(title)]
    names = {site.casefold(), *(parts[-1:] if len(parts) > 1 else ())}  # of the site, maybe
    known = set(_words(f"{title} {shared}"))
    best, most = "", 0
    for heading in headings:
        line = _line(heading).rstrip(_LINK_SIGNS)
        words = _words(line)
        alike = sum(word in known for word in words)
        fits = alike >= SHARED_WORDS * len(words) and len(line) <= MAX_TITLE
        if alike > most and fits and line.casefold() not in names:
            best, most = line, alike
    return best or _without_site(whole, site)[:MAX_TITLE]


def _without_site(title: str, site: str) -> str:
    between = list(_BETWEEN.finditer(title))
    if not between:
        return title
    first, last = between[0], between[-1]
    head, tail = title[: last.start()].strip(), title[last.end() :].strip()
    begin = title[: first.start()].strip()
    if site and begin.casefold() == site.casefold():
        return title[first.end() :].strip()
    bar = next((found for found in between if found[0].strip() in _BARS), None)
    if bar and bar.start() >= MIN_TITLE:  # what stands behind a bar is a section, then the site
        return title[: bar.start()].strip()
    if site and tail.casefold() == site.casefold():
        return head
    return head if len(head) >= len(tail) else title


def _line(text: str) -> str:
    return _SPACES.sub(" ", text).strip()


def _words(text: str) -> list[str]:
    return _WORDS.findall(text.casefold())


def read_metadata(markup: str, title: str, root: dict[str, str], metas: list[dict[str, str]]) -> PageMetadata:
    """The metadata of a page; `root` and `metas` are the attributes of its html tag and of its meta
    tags."""
    found = PageMetadata(title=title)
    found.language = (root.get("lang") or root.get("xml:lang") or "").lower()[:16]
    for given in metas:
        name = next((given[key] for key in _NAMES if given.get(key)), "").lower()
        value = given.get("content", "")
        if name in _ROBOTS:
            found.robots += f" {name}={value.lower()}"
        elif name in _DATES:
            found.date = found.date or date_in(value)
        elif name == "content-language" and not found.language:
            found.language = value.lower()[:16]
    found.date = found.date or _behind("datePublished", _LINKED_DATA, markup)
    found.date = found.date or _behind("<time", _TIME, markup) or _behind("<TIME", _TIME, markup)
    return found


def _behind(mark: str, pattern: re.Pattern[str], markup: str) -> str:
    """The date that a pattern finds from the first mark on: pages without the mark, most of them, are
    passed over by a plain search, ten times as fast."""
    at = markup.find(mark)
    said = pattern.search(markup, at) if at >= 0 else None
    return date_in(said[1]) if said else ""


def other_date(address: str, near: Iterable[str], markup: str, metas: list[dict[str, str]]) -> str:
    """The date of a page that says none in the usual places: in its own address, in a short line near
    its headline, or when it was created or changed; YYYY-MM-DD or ""."""
    found = _ADDRESS_DATE.search(address)
    if found:
        return f"{found[1]}-{found[2]}-{found[3]}"
    for line in near:
        if len(line) <= MAX_NEAR:
            date = date_in(line)
            if date:
                return date
    for mark in ('"dateCreated"', '"uploadDate"', '"dateModified"'):
        date = _behind(mark, _LINKED_OTHER, markup)
        if date:
            return date
    for given in metas:
        name = next((given[key] for key in _NAMES if given.get(key)), "").lower()
        if name in _LATER and date_in(given.get("content", "")):
            return date_in(given["content"])
    return ""


def date_in(text: str) -> str:
    """The first date in a text, in figures or with the English name of its month; YYYY-MM-DD or
    ""."""
    found = _DATE.search(text)
    if found:
        return f"{found[1]}-{found[2].zfill(2)}-{found[3].zfill(2)}"
    written = _WRITTEN.search(text)
    if not written:
        return ""
    month, day, year = written.group(1, 2, 3) if written[1] else written.group(5, 4, 6)
    number = _MONTHS.split().index(month[:3].lower()) + 1
    return f"{year}-{number:02}-{int(day):02}" if 1 <= int(day) <= 31 else ""
