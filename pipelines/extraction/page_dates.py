"""The date on which a page says that it was published.

Belongs here: the forms of dates, where pages state theirs, which of several counts. Does not belong here:
titles and other metadata (page_metadata.py), the date of a crawl (dumps/).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date

from pipelines.extraction.markdown.entities import unescape
from pipelines.extraction.tag_attributes import attributes

_DATE = re.compile(
    r"(?<!\d)((?:19|20)\d\d)(?:[-/.](0?[1-9]|1[0-2])[-/.]"
    r"|\s?年\s?(0?[1-9]|1[0-2])\s?月\s?)(0?[1-9]|[12]\d|3[01])(?!\d)"
)
_COMPACT = re.compile(r"((?:19|20)\d\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?:[T ]?\d{4,6}Z?)?")
_DAY_FIRST = re.compile(r"(?<![\d./-])(\d{1,2})([./-])(\d{1,2})\2((?:19|20)\d\d)(?!\d)")
_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec"
_NAMED_MONTH = (
    "(jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_WRITTEN = re.compile(
    rf"\b(?:{_NAMED_MONTH}[\s-]{{1,2}}(\d{{1,2}})(?:st|nd|rd|th)?[,-]?\s{{0,2}}((?:19|20)\d\d)"
    rf"|(\d{{1,2}})(?:st|nd|rd|th)?(?:\sof)?[\s-]{{1,2}}{_NAMED_MONTH},?[\s-]{{1,2}}((?:19|20)\d\d))\b",
    re.IGNORECASE,
)
_CHANGED = re.compile(r"updat|modif|edited|revis|review|更新|修改|修订|编辑于", re.IGNORECASE)
_OTHER = re.compile(
    r"copyright|©|版权|expire|deadline|valid until|born|截止|有效期|出生|\bdue\b", re.IGNORECASE
)
_ADDRESS_DATE = re.compile(r"/((?:19|20)\d\d)/(0[1-9]|1[0-2])/(0[1-9]|[12]\d|3[01])(?=/|$)")
_LINKED_DATA = re.compile(r'datePublished\\{0,7}"\s{0,9}:\s{0,9}\\{0,7}"([^"\\]{8,40})')
_LINKED_OTHER = re.compile(r'"(?:dateCreated|uploadDate|dateModified)"\s{0,9}:\s{0,9}"([^"]{8,40})')
_TIME = re.compile(r"<time\b([^<>]{0,600})", re.IGNORECASE)
_OF_PAGE = re.compile(r"\bpubdate\b|datepublished|datecreated|\bpublish|entry-date|post-?date", re.IGNORECASE)
_CLASS_CHANGED = re.compile(r"datemodified|\bupdated\b|\bmodified\b", re.IGNORECASE)
_ITEM = re.compile(
    r"""<([a-z]{1,10})\b([^<>]{0,400}?\bitemprop\s{0,3}=\s{0,3}["']?datePublished\b[^<>]{0,400})""", re.I
)
_DATES = (
    "article:published_time pubdate publishdate publish_date publish-date date dc.date dcterms.created"
    " dc.date.issued dcterms.date dc.date.created og:release_date citation_date datepublished"
    " citation_publication_date citation_online_date parsely-pub-date sailthru.date"
    " weibo:article:create_at apub:time publication_date published_time og:published_time"
    " article.published created article_date_original cludo:date originalpublicationdate"
    " og:article:published_time bt:pubdate"
)
_LATER = "article:modified_time og:updated_time last-modified datemodified dcterms.modified"
_PUBLISHED, _MODIFIED = frozenset(_DATES.split()), frozenset(_LATER.split())
NAMES = ("name", "property", "itemprop", "http-equiv")  # attributes that name a meta element
MARKS_OF_DATES = ("datePublished", "<time", "dateCreated", "uploadDate", "dateModified")
"""What markup holds one of, in any case, where a date is found in it."""
MAX_NEAR = 200  # characters of a line near the headline that may give the date
MAX_BEFORE = 40  # characters before a date that say what it is the date of
MAX_TIMES = 20  # time elements of a page that are read
MAX_TEXT = 60  # characters of an element's text that may be its date


def date_in(text: str) -> str:
    """The first date of the calendar in a text, in figures or with the English name of its month;
    YYYY-MM-DD or "". Of 3/4/2021 nobody knows the month: it is none, as 3.4.2021 is the third of April."""
    compact = _COMPACT.fullmatch(text.strip())
    if compact:
        return _calendar(*compact.groups())
    return next((found for _, found in _dates(text)), "")


def published(markup: str, metas: Iterable[dict[str, str]]) -> str:
    """The date of publication that a page states for machines: in a meta element (`metas`: their
    attributes), in linked data, in a time element or in microdata; YYYY-MM-DD or ""."""
    for given in metas:
        found = date_in(given.get("content", "")) if _name(given) in _PUBLISHED else ""
        if found:
            return found
    return _behind("datePublished", _LINKED_DATA, markup) or _of_time(markup) or _of_item(markup)


def other_date(address: str, near: Iterable[str], markup: str, metas: list[dict[str, str]]) -> str:
    """The date of a page that says none in the usual places: in its own address, in a short line near
    its headline, or when it was created or changed; YYYY-MM-DD or ""."""
    found = _ADDRESS_DATE.search(address)
    if found:
        return _calendar(*found.groups())
    changed = ""
    for line in near:
        if len(line) > MAX_NEAR:
            continue
        behind = 0
        for at, day in _dates(line):
            before = line[max(behind, at - MAX_BEFORE) : at]
            behind = at + 1
            if _CHANGED.search(before):
                changed = changed or day
            elif not _OTHER.search(before):
                return day
    if changed:
        return changed
    for mark in ('"dateCreated"', '"uploadDate"', '"dateModified"'):
        day = _behind(mark, _LINKED_OTHER, markup)
        if day:
            return day
    for given in metas:
        if _name(given) in _MODIFIED and date_in(given.get("content", "")):
            return date_in(given["content"])
    return ""


def _name(given: dict[str, str]) -> str:
    return next((given[key] for key in NAMES if given.get(key)), "").lower()


def _calendar(year: str, month: str, day: str) -> str:
    """The date; "" where the calendar has none such."""
    try:
        return date(int(year), int(month), int(day)).isoformat()
    except ValueError:
        return ""


def _dates(text: str) -> Iterator[tuple[int, str]]:
    """(place, date) of the dates in a text, from left to right."""
    found = [(m.start(), _calendar(m[1], m[2] or m[3], m[4])) for m in _DATE.finditer(text)]
    for m in _DAY_FIRST.finditer(text):
        first, second = int(m[1]), int(m[3])
        if m[2] == "." or first > 12 or first == second:
            found.append((m.start(), _calendar(m[4], m[3], m[1])))
        elif second > 12:
            found.append((m.start(), _calendar(m[4], m[1], m[3])))
    for m in _WRITTEN.finditer(text):
        month, day, year = m.group(1, 2, 3) if m[1] else m.group(5, 4, 6)
        number = _MONTHS.split().index(month[:3].lower()) + 1
        found.append((m.start(), _calendar(year, str(number), day)))
    return iter(sorted((at, day) for at, day in found if day))


def _of_item(markup: str) -> str:
    """The date in microdata: the content of an element, or its text."""
    if "datePublished" not in markup:
        return ""
    for m in _ITEM.finditer(markup):
        given = attributes(m[2])
        text = markup[m.end() + 1 : m.end() + 1 + MAX_TEXT].partition("<")[0]
        found = date_in(given.get("content") or given.get("datetime") or unescape(text))
        if found:
            return found
    return ""


def _of_time(markup: str) -> str:
    """The date of the time element that says it is the page's, else of the first that does not say it is
    that of a change, else of the first."""
    at = min((place for place in (markup.find("<time"), markup.find("<TIME")) if place >= 0), default=-1)
    if at < 0:
        return ""
    plain = changed = ""
    for number, m in enumerate(_TIME.finditer(markup, at)):
        if number == MAX_TIMES:
            break
        day = date_in(attributes(m[1]).get("datetime", "")[:MAX_TEXT])
        if day and _OF_PAGE.search(m[1]):
            return day
        if _CLASS_CHANGED.search(m[1]):
            changed = changed or day
        else:
            plain = plain or day
    return plain or changed


def _behind(mark: str, pattern: re.Pattern[str], markup: str) -> str:
    """The date that a pattern finds from the first mark on: pages without the mark, most of them, are
    passed over by a plain search, ten times as fast."""
    at = markup.find(mark)
    said = pattern.search(markup, at) if at >= 0 else None
    return date_in(said[1]) if said else ""
