"""Which of a document's recurring lines may be cut.

Belongs here: what a line is in its document: code, formula, table, heading, item of a list. Does not
belong here: which lines recur (recurring_blocks.py), cutting them (cuts.py).

A line that recurs may still be part of what its page says. Lines of code, formulas and tables are
never cut. A list goes as a whole, because a step or an ingredient of several pages is one item among
others, and the items of a menu all recur. A heading goes with its whole section, and so does a short
line that may be one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pipelines.signals.prose import CODE_MARKS, FENCE, INDENT

HEADING = re.compile(r"(#{1,6})\s")
ITEM = re.compile(r"\s*(?:[-*+•]|\d{1,4}[.)、])\s")
TITLE = re.compile(r"(?:[^\W_]|[-'’&/ ]){1,40}$")
"""A line that may be a heading without a mark: short, without punctuation. 40 characters is ours."""
FORMULA = ("$$", "\\[")
TITLE_LEVEL, NONE = 7, 8
ENVIRONMENT = re.compile(r"\s*\\(?:begin|end)\{")


def _kinds(lines: Sequence[str]) -> list[str]:
    """Of each line `code` (formulas and tables too), `item`, `heading`, `empty` (nothing but signs),
    or `prose`."""
    kinds: list[str] = []
    closing = ""
    for line in lines:
        stripped = line.strip()
        if closing:
            kinds.append("code")
            if closing in stripped and (closing not in "`~" * 3 or not stripped.strip(closing[0])):
                closing = ""
        elif opening := FENCE.match(line):
            closing = opening[1]
            kinds.append("code")
        elif stripped.startswith(FORMULA):
            end = "$$" if stripped[0] == "$" else "\\]"
            closing = "" if end in stripped[2:] else end
            kinds.append("code")
        elif stripped.startswith("|") or ENVIRONMENT.match(line) or _is_code(line):
            kinds.append("code")
        elif not any(c.isalnum() for c in line):
            kinds.append("empty")
        elif ITEM.match(line):
            kinds.append("item")
        elif line[0] in " \t" and _in_list(kinds):
            kinds.append("item")  # goes on with the item before it
        else:
            kinds.append("heading" if _level(line) < NONE else "prose")
    return kinds


def _is_code(line: str) -> bool:
    return bool(INDENT.match(line) and CODE_MARKS.search(line))


def _in_list(kinds: Sequence[str]) -> bool:
    """Whether the last line that says something is an item."""
    return next((kind for kind in reversed(kinds) if kind != "empty"), "") == "item"


def removable(text: str, recurs: Sequence[bool], min_bytes: int) -> list[bool]:
    """Which lines of `text` may be cut. `recurs`: of each line, whether it is a recurring block;
    `min_bytes`: UTF-8 bytes of a line that goes by itself."""
    lines = text.split("\n")
    kinds, cut = _kinds(lines), [False] * len(lines)
    start = 0
    while start < len(lines):
        if kinds[start] != "item":
            cut[start] = kinds[start] == "prose" and recurs[start] and len(lines[start].encode()) >= min_bytes
            start += 1
            continue
        stop = start
        while stop < len(lines) and kinds[stop] in ("item", "empty"):
            stop += 1
        items = [k for k in range(start, stop) if kinds[k] == "item"]
        whole = all(recurs[k] for k in items) and sum(len(lines[k].encode()) for k in items) >= min_bytes
        for k in items:
            cut[k] = whole
        start = stop
    _cut_headings(lines, kinds, recurs, min_bytes, cut)
    return cut


def _cut_headings(
    lines: Sequence[str], kinds: Sequence[str], recurs: Sequence[bool], min_bytes: int, cut: list[bool]
) -> None:
    """Cut each recurring heading of whose section all is cut, from the last one up, so that a section
    may hold others. An empty section goes with what follows it."""
    for k in reversed(range(len(lines))):
        level = _level(lines[k])
        short = level == TITLE_LEVEL and len(lines[k].encode()) < min_bytes
        if kinds[k] != "heading" or not recurs[k] or short:
            continue
        stop = next(
            (j for j in range(k + 1, len(lines)) if kinds[j] == "heading" and _level(lines[j]) <= level),
            len(lines),
        )
        section = [j for j in range(k + 1, stop) if kinds[j] != "empty"]
        cut[k] = all(cut[j] for j in section) if section else stop == len(lines) or cut[stop]


def _level(line: str) -> int:
    """1 to 6 of a heading, TITLE_LEVEL of what may be one, NONE of other lines."""
    found = HEADING.match(line)
    return len(found[1]) if found else TITLE_LEVEL if TITLE.match(line.strip()) else NONE
