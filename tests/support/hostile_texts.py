"""Texts that make a regular expression slow, made from the expression itself.

Belongs here: a text that a pattern matches, the parts of it that can be repeated. Does not belong
here: how the time is measured, which patterns there are (tests/test_patterns.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from re import _constants as kinds  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

_CATEGORIES = {
    kinds.CATEGORY_DIGIT: "1",
    kinds.CATEGORY_SPACE: " ",
    kinds.CATEGORY_WORD: "a",
    kinds.CATEGORY_NOT_DIGIT: "a",
    kinds.CATEGORY_NOT_SPACE: "a",
    kinds.CATEGORY_NOT_WORD: "-",
}
_REPEATS = (kinds.MAX_REPEAT, kinds.MIN_REPEAT, kinds.POSSESSIVE_REPEAT)
_CANDIDATES = "a1 -<(\"'=.A@/中"


def hostile_texts(pattern: re.Pattern[Any]) -> Iterator[tuple[str, str, str]]:
    """(before, unit, after): texts of `unit` many times that a search may read again and again."""
    tree = parser.parse(pattern.pattern, pattern.flags & ~re.LOCALE)
    whole = _sample(tree)
    found = dict.fromkeys((before, unit) for before, unit in _repeats(tree, ""))
    units = dict.fromkeys([unit for _, unit in found] + [before + unit for before, unit in found])
    units |= dict.fromkeys([whole, whole[:-1], " ", "a", "1", "\n"])
    for before, unit in found:
        if unit:
            yield before, unit, "\x01"
    for unit in units:
        if unit:
            yield "", unit, "\x01"


def _repeats(tree: Any, before: str) -> Iterator[tuple[str, str]]:
    """(what stands before it, one turn) of everything in the pattern that may repeat."""
    for kind, value in tree:
        if kind in _REPEATS:
            yield from _repeats(value[2], before)
            if value[1] > 50:
                yield before, _sample(value[2])
        elif kind is kinds.SUBPATTERN:
            yield from _repeats(value[3], before)
        elif kind is kinds.ATOMIC_GROUP:
            yield from _repeats(value, before)
        elif kind is kinds.BRANCH:
            for branch in value[1]:
                yield from _repeats(branch, before)
                yield before, _sample(branch)
        elif kind in (kinds.ASSERT, kinds.ASSERT_NOT):
            yield from _repeats(value[1], before)
        before += _sample([(kind, value)])


def _sample(tree: Any) -> str:
    """A short text that the pattern matches, but for what looks around."""
    out = ""
    for kind, value in tree:
        if kind is kinds.LITERAL:
            out += chr(value)
        elif kind is kinds.NOT_LITERAL:
            out += next(c for c in _CANDIDATES if ord(c) != value)
        elif kind is kinds.ANY:
            out += "a"
        elif kind is kinds.IN:
            out += _one_of(value)
        elif kind in _REPEATS:
            out += _sample(value[2]) * max(1, min(int(value[0]), 40))
        elif kind is kinds.SUBPATTERN:
            out += _sample(value[3])
        elif kind is kinds.ATOMIC_GROUP:
            out += _sample(value)
        elif kind is kinds.BRANCH:
            out += _sample(value[1][0])
        elif kind is kinds.ASSERT and value[0] > 0:
            out += _sample(value[1])
    return out


def _one_of(items: Any) -> str:
    """A character of a class."""
    if items[0][0] is kinds.NEGATE:
        return next((c for c in _CANDIDATES if not any(_is_in(c, item) for item in items[1:])), "\x02")
    kind, value = items[0]
    if kind is kinds.LITERAL:
        return chr(value)
    return chr(value[0]) if kind is kinds.RANGE else _CATEGORIES[value]


def _is_in(char: str, item: Any) -> bool:
    kind, value = item
    if kind is kinds.LITERAL:
        return ord(char) == value
    if kind is kinds.RANGE:
        return bool(value[0] <= ord(char) <= value[1])
    negated, name = "NOT" in str(value), str(value)
    inside = {"DIGIT": char.isdigit(), "SPACE": char.isspace(), "WORD": char.isalnum() or char == "_"}
    return bool(next(v for k, v in inside.items() if k in name) != negated)
