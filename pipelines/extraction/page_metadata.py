"""Title, language hint and robots signals of a page, and its date where it states one for machines.

Belongs here: what a page says about itself outside its text, and which of it to believe. Does not
belong here: the text (page.py), how dates are read (page_dates.py).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from pipelines.extraction.markdown.entities import unescape
from pipelines.extraction.page_dates import NAMES, published

_TITLE = re.compile(r"<title\b[^<>]{0,300}+>([^<]{0,1000})", re.IGNORECASE)
_HAN = re.compile(r"[\u3400-\u9fff]")
_SPACES = re.compile(r"\s+")
_WORDS = re.compile(r"[\u3400-\u9fff]|[^\W_\u3400-\u9fff]+")
# title and name of the site; an underscore parts Chinese words, and is part of other names
_BETWEEN = re.compile(
    r"\s+(?:[|\-–—·•»«›‹:]{1,2}|//)\s+|\s*[|｜]\s*|\s+_+\s+"
    r"|(?<=[\u3400-\u9fff！？。…”》】）)])\s?_{1,2}\s?|_{1,2}(?=[\u3400-\u9fff])"
)
# the name of a Chinese site behind a hyphen without spaces
_CHINESE_SITE = re.compile(
    r"(?:-{1,2}|—{1,2}|_)[^-—_]{0,20}(?:网|網|网站|博客|论坛|频道|社区|在线|百科|文库|头条|日报|新闻|资讯)$"
)
_ROBOTS = frozenset(("robots", "googlebot", "bingbot", "tdm-reservation"))
MIN_TITLE = 12  # characters, of Chinese half as many, before a bar from which they are a title
_BARS = ("|", "||", "｜", "_", "__")
_TRAILS = ("»", "›", "::")  # of a way down from the site to the page
_LINK_SIGNS = " ¶#§"  # of a link to the heading itself
MAX_TITLE = 300  # characters of a title
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
    """The text of the first title element; that of a drawing is its own."""
    found = _TITLE.search(markup)
    while found and markup.rfind("<svg", 0, found.start()) > markup.rfind("</svg", 0, found.start()):
        found = _TITLE.search(markup, found.end())
    return _SPACES.sub(" ", unescape(found[1])).strip()[:MAX_TITLE] if found else ""


def headline(title: str, metas: list[dict[str, str]], headings: list[str]) -> str:
    """What the page is called, without the name of its site.

    Of `headings` (those of the first level) that share words with the title the one that shares most
    (another may be the name of a guide or a site); else the title as it is given to other sites, or
    the title element, without the site's name at its end or beginning.
    """
    said = {meta.get("property", ""): meta.get("content", "") for meta in reversed(metas)}
    given = {meta.get("name", ""): meta.get("content", "") for meta in reversed(metas)}
    shared = _line(said.get("og:title", "") or ("" if title else given.get("twitter:title", "")))
    site = _line(said.get("og:site_name", ""))
    if not title and not shared:
        return next((line for line in (_line(h).rstrip(_LINK_SIGNS) for h in headings) if line), "")[
            :MAX_TITLE
        ]
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
        return _without_chinese_site(title, site)
    first, last = between[0], between[-1]
    head, tail = title[: last.start()].strip(), title[last.end() :].strip()
    begin = title[: first.start()].strip()
    if site and begin.casefold() == site.casefold():
        return title[last.end() if last[0].strip() in _TRAILS else first.end() :].strip()
    bar = next((found for found in between if found[0].strip() in _BARS), None)
    if (
        bar and _width(title[: bar.start()]) >= MIN_TITLE
    ):  # what stands behind a bar is a section, then the site
        return title[: bar.start()].strip()
    if site and tail.casefold() == site.casefold():
        return head
    return head if len(head) >= len(tail) else title


def _without_chinese_site(title: str, site: str) -> str:
    """A title without the name of a site behind hyphens, and the sections between them."""
    head = title.removesuffix(site).rstrip() if site else title
    if head != title and head.endswith(("-", "—", "_")):
        bare = head.rstrip("-—_").rstrip()
    else:
        found = _CHINESE_SITE.search(title)
        if not found:
            return title
        bare = title[: found.start()].rstrip()
    first = bare.split("--", 1)[0].split("——", 1)[0].rstrip()
    best = first if _width(first) >= MIN_TITLE else bare
    return best if _width(best) >= MIN_TITLE // 2 else title


def _width(text: str) -> int:
    """The characters of a text, those of Chinese twice."""
    return len(text) + len(_HAN.findall(text))


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
        name = next((given[key] for key in NAMES if given.get(key)), "").lower()
        value = given.get("content", "")
        if name in _ROBOTS:
            found.robots += f" {name}={value.lower()}"
        elif name == "content-language" and not found.language:
            found.language = value.lower()[:16]
    found.date = published(markup, metas)
    return found
