"""What an address says of the language of its page: English, Chinese, or nothing.

Belongs here: the marks in path, query, host and file name, and the address without them. Does not
belong here: the normal form of an address (cards/urls.py), which pages are a pair (parallel.py).
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import unquote_plus

from pipelines.cards.urls import normal_url

_TAG = (
    r"(?:en(?:[-_](?:us|gb|uk|au|ca|in|sg))?"
    r"|(?:zh|cn)(?:[-_](?:cn|sg|tw|hk|mo|hans|hant|chs|cht|hans[-_]cn|hant[-_](?:tw|hk)))?)"
)
_SEGMENT = re.compile(_TAG, re.IGNORECASE)
_SUFFIX = re.compile(rf"(?<=[^/])[._-]({_TAG})(?=(?:\.[A-Za-z0-9]{{1,6}})?$)", re.IGNORECASE)
_PARAMETERS = frozenset(("lang", "language", "hl", "locale", "lng"))
_MAYBE = re.compile(r"(?i)(?:^|[^a-z])(?:en|zh|cn)(?:[^a-z]|$)")
BOTH = "both"


class Marked(NamedTuple):
    """An address and its language marks.

    `plain`: the normal address without them; `language`: en, zh, "" without a mark, BOTH where marks
    contradict each other; `rule`: path, query, host or suffix, joined with + where there are several;
    `tag`: the mark that is most precise (`zh-tw`), in lower case.
    """

    plain: str
    language: str
    rule: str
    tag: str


def marked(url: str) -> Marked:
    """The language marks of an address."""
    normal = normal_url(url)
    if not _MAYBE.search(normal):
        return Marked(normal, "", "", "")
    address, _, query = normal.partition("?")
    host, slash, path = address.partition("/")
    found: list[tuple[str, str]] = []
    host = _without_label(host, found)
    segments = path.split("/") if slash else []
    kept = [s for s in segments[:-1] if not _is_mark(s, found)]
    if segments and not _is_mark(segments[-1], found):
        if name := _SUFFIX.search(segments[-1]):
            found.append(("suffix", name[1]))
            segments[-1] = segments[-1][: name.start()] + segments[-1][name.end() :]
        kept.append(segments[-1])
    parameters = [p for p in query.split("&") if p and not _is_parameter(p, found)]
    plain = "/".join([host, *kept]).rstrip("/") + ("?" + "&".join(parameters) if parameters else "")
    languages = {"en" if tag[:2].lower() == "en" else "zh" for _, tag in found}
    if len(languages) > 1:
        return Marked(normal, BOTH, "", "")
    tags = sorted((tag.lower().replace("_", "-") for _, tag in found), key=lambda tag: (-len(tag), tag))
    rules = "+".join(dict.fromkeys(rule for rule, _ in found))
    return Marked(plain, languages.pop() if languages else "", rules, tags[0] if tags else "")


def _without_label(host: str, found: list[tuple[str, str]]) -> str:
    """The host without a first label that is a mark, where two labels or more are left."""
    label, dot, rest = host.partition(".")
    if dot and "." in rest and _SEGMENT.fullmatch(label):
        found.append(("host", label))
        return rest
    return host


def _is_mark(segment: str, found: list[tuple[str, str]]) -> bool:
    if _SEGMENT.fullmatch(segment):
        found.append(("path", segment))
        return True
    return False


def _is_parameter(parameter: str, found: list[tuple[str, str]]) -> bool:
    name, _, value = parameter.partition("=")
    if name.lower() in _PARAMETERS and _SEGMENT.fullmatch(tag := unquote_plus(value)):
        found.append(("query", tag))
        return True
    return False
