"""Linked data (JSON-LD) of a page: its scripts, and the text that only they hold.

Belongs here: finding the scripts, the text of articles, products, questions, recipes and events,
when it stands for the page's text. Does not belong here: types as numbers (blocks/hints.py), titles
and dates (page_metadata.py).
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from typing import Any

MAX_SCRIPTS = 24  # that are read
MAX_SCRIPT = 400_000  # characters of each
MAX_DEPTH = 8  # of objects within objects
MIN_WORDS = 25  # of a text that stands for a page
TIMES = 3.0  # a text that stands for a page is as many times as long as what the page shows
_HOLDS_TEXT = re.compile(r'"(?:articleBody|text|description|reviewBody|recipeInstructions)"\s*:')
_TAG = re.compile(r"<(br|/?p|/?li|/?div)\b[^<>]{0,200}>|<[^<>]{1,300}>", re.IGNORECASE)
_END = re.compile("</script", re.IGNORECASE)
_WORD = re.compile(r"[^\W_]+")
_HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")

# keys whose strings are shown to readers, in the order in which they are written, by kind of object
_KEYS: dict[str, tuple[str, ...]] = {
    "article": ("headline", "articleBody", "text"),
    "newsarticle": ("headline", "articleBody", "text"),
    "blogposting": ("headline", "articleBody", "text"),
    "techarticle": ("headline", "articleBody", "text"),
    "discussionforumposting": ("headline", "articleBody", "text", "comment"),
    "socialmediaposting": ("headline", "articleBody", "text", "comment"),
    "comment": ("text",),
    "product": ("name", "description"),
    "productgroup": ("name", "description"),
    "qapage": ("mainEntity",),
    "question": ("name", "text", "acceptedAnswer", "suggestedAnswer"),
    "answer": ("text",),
    "recipe": ("name", "description", "recipeIngredient", "recipeInstructions"),
    "howtosection": ("name", "itemListElement"),
    "howtostep": ("text",),
    "event": ("name", "description"),
    "jobposting": ("title", "description"),
    "course": ("name", "description"),
}


def linked_data(markup: str) -> list[str]:
    """The texts of the page's JSON-LD scripts."""
    found: list[str] = []
    at = markup.find("ld+json")
    while at >= 0 and len(found) < MAX_SCRIPTS:
        start = markup.find(">", at, at + 300) + 1
        ending = _END.search(markup, max(start, at))
        if not ending:
            break
        if start and ending.start() - start <= MAX_SCRIPT:
            found.append(markup[start : ending.start()])
        at = markup.find("ld+json", ending.end())
    return found


def data_text(scripts: list[str], shown: str) -> str:
    """What stands for the page's text: what it shows, or the text of its linked data where that is
    much longer. `scripts` as linked_data gives them."""
    scripts = [script for script in scripts if _HOLDS_TEXT.search(script)]
    if not scripts:
        return shown
    enough = max(MIN_WORDS, TIMES * num_words(shown))
    if sum(map(len, scripts)) < enough:
        return shown
    best, most = shown, enough
    for script in scripts:
        try:
            value = json.loads(script, strict=False)
        except (ValueError, RecursionError):
            continue
        for item in _objects(value, 0):
            text = "\n".join(_lines(item, 0))
            size = num_words(text)
            if size >= most:
                best, most = text, size
    return best


def num_words(text: str) -> int:
    """Words, a Han character as one."""
    han = len(_HAN.findall(text))
    return han + len(_WORD.findall(_HAN.sub(" ", text) if han else text))


def _kind(value: dict[str, Any]) -> str:
    kinds = value.get("@type")
    kinds = kinds if isinstance(kinds, list) else [kinds]
    names = [str(kind).rsplit("/", 1)[-1].lower() for kind in kinds]
    return next((name for name in names if name in _KEYS), "")


def _objects(value: Any, depth: int) -> Iterator[dict[str, Any]]:
    """The objects of a kind that holds text; none within another."""
    if depth > MAX_DEPTH:
        return
    if isinstance(value, list):
        for item in value:
            yield from _objects(item, depth + 1)
    elif isinstance(value, dict):
        if _kind(value):
            yield value
        else:
            for key in ("@graph", "mainEntity", "mainEntityOfPage", "itemListElement", "item"):
                yield from _objects(value.get(key), depth + 1)


def _lines(value: Any, depth: int) -> Iterator[str]:
    if depth > MAX_DEPTH:
        return
    if isinstance(value, str):
        text = _TAG.sub(lambda m: "\n" if m[1] else "", html.unescape(value))
        yield from (line for line in (" ".join(line.split()) for line in text.split("\n")) if line)
    elif isinstance(value, list):
        for item in value:
            yield from _lines(item, depth + 1)
    elif isinstance(value, dict):
        for key in _KEYS.get(_kind(value), ()):
            yield from _lines(value.get(key), depth + 1)
