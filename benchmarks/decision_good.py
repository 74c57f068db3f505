"""Pages that are articles and threads by choice of their collections, for benchmarks.decisions: what
share of them a policy keeps, and what each bound removes alone.

Belongs here: which pages, counting. Does not belong here: pages judged by hand and good text without
a page (decisions.py). Nobody read these pages one by one: a few hold no text, or sell, so 1.0 is not
the goal. Their hosts are others than those of the labels, so they say what a bound costs where it was
not chosen.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

TYPES = ("article", "documentation", "forum")
"""Types of WCXB whose pages tell something."""
COLLECTIONS = ("magic-html-article", "magic-html-forum")
"""Files of extraction-gold that hold pages of other hosts, in both languages."""
Row = tuple[str, str, Mapping[str, Any]]
"""(name of the group, language, row of `decisions`)."""


def wcxb_rows(
    rows: Iterable[tuple[str, str, Mapping[str, Any]]], types: Mapping[str, str], judged: set[str]
) -> Iterator[Row]:
    """Rows of the pages of WCXB of TYPES, those with a label left out. `rows` are (URL, language, row
    of `decisions`)."""
    for url, language, row in rows:
        if types.get(url) in TYPES and url not in judged:
            yield f"wcxb-{types[url]}", language, row


def kept_and_alone(rows: Iterable[Row]) -> dict[tuple[str, str], tuple[int, int, Counter[str]]]:
    """By group and language, English and Chinese alone: pages kept, pages in all, and how many each
    reason removes alone."""
    kept: Counter[tuple[str, str]] = Counter()
    total: Counter[tuple[str, str]] = Counter()
    alone: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for name, language, row in rows:
        if language not in ("en", "zh"):
            continue
        key = (name, language)
        total[key] += 1
        kept[key] += bool(row["keep"])
        if len(row["reasons"]) == 1:
            alone[key][row["reasons"][0]] += 1
    return {key: (kept[key], num, alone[key]) for key, num in sorted(total.items())}
