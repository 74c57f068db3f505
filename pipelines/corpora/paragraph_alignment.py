"""Which paragraphs of an English text say what paragraphs of a Chinese one say.

Belongs here: paragraphs, what both languages write alike, the alignment, its numbers. Does not belong
here: which texts are compared, from where on they are translations (parallel.py).

Gale and Church 1993 ("A Program for Aligning Sentences in Bilingual Corpora") align sentences by their
lengths; here paragraphs are aligned, by lengths and by anchors: numbers, names in Latin letters, links.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from pipelines.kernels.compiled import Array, kernel

_FENCE = re.compile(r"^\s*(```+|~~~+)")
_NUMBER = r"\d+(?:[.,]\d+)*"
_ANCHOR = re.compile(
    rf"\]\(([^()\s]+)\)|(?<![A-Za-z0-9_])([A-Za-z_][A-Za-z0-9_]+)(?![A-Za-z0-9_])|({_NUMBER})", re.ASCII
)
HAN_CHARS = 3.5
"""English characters for one Chinese character; other signs, such as code, are as long in both. Measured:
3.1 to 3.3 over whole pages, 3.7 to 3.9 over paragraphs, in the documentation of PaddlePaddle and in Dive
into Deep Learning."""
VARIANCE = 5.0
"""Variance of a length per character: measured there, 4.4 and 5.0 (Gale and Church have 6.8)."""
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
SHAPES = np.array([[1, 1], [1, 0], [0, 1], [2, 1], [1, 2], [2, 2]])
"""Paragraphs of either side in a group (Gale and Church, table 5)."""
PRIORS = -np.log(np.array([0.89, 0.00495, 0.00495, 0.0445, 0.0445, 0.011]))
ANCHOR_COST = 6.0
"""Cost of a group that shares none of its anchors, in nats; ours."""
KIND_COST = 8.0
"""Cost of code beside prose, in nats; ours."""
_MOST = 20.0  # a length that cannot be costs no more than this, so that anchors may outweigh it


class Group(NamedTuple):
    """Paragraphs [en_start, en_stop) of the one text that go with [zh_start, zh_stop) of the other;
    either may be empty. `score`: share of their anchors that both hold, smoothed."""

    en_start: int
    en_stop: int
    zh_start: int
    zh_stop: int
    score: float


def paragraphs(text: str) -> list[str]:
    """The paragraphs of a Markdown text, in order: what blank lines part, fenced code as one. Joined by
    blank lines they give the text but for its blank lines."""
    found: list[str] = []
    open_lines: list[str] = []
    fence = ""
    for line in text.split("\n"):
        mark = _FENCE.match(line)
        if fence:
            open_lines.append(line)
            if mark and mark[1].startswith(fence) and line.strip() == mark[1]:
                found.append("\n".join(open_lines))
                open_lines, fence = [], ""
            continue
        if mark or not line.strip():
            if open_lines:
                found.append("\n".join(open_lines))
            open_lines = []
        if mark:
            fence = mark[1]
        if line.strip():
            open_lines.append(line)
    return [*found, "\n".join(open_lines)] if open_lines else found


def length(text: str) -> float:
    """Characters of the text, or of its translation into English where it is Chinese."""
    return len(text) + (HAN_CHARS - 1) * len(_HAN.findall(text))


def anchors(text: str) -> Counter[str]:
    """What a translation leaves as it is: link targets, words in Latin letters (lower case), numbers
    without separators."""
    counts: Counter[str] = Counter()
    for link, word, number in _ANCHOR.findall(text):
        counts[link or word.lower() or number.replace(",", "")] += 1
    return counts


def common(en: Counter[str], zh: Counter[str]) -> tuple[Counter[str], Counter[str]]:
    """The anchors that can be compared: all of the Chinese text, and of the English one its numbers and
    the words that the Chinese text has too, for every English word is in Latin letters."""
    return Counter({a: n for a, n in en.items() if a in zh or a[0].isdigit()}), zh


def shared(en: Counter[str], zh: Counter[str]) -> int:
    """Anchors that both hold, each as often as in both."""
    return sum(min(n, en[a]) for a, n in zh.items() if a in en)


def share(hits: float, total: float) -> float:
    """2 hits / total, as if both sides had one anchor more that they share by halves: few anchors say
    little. Without any it is .5; 0 to 1."""
    return min(1.0, (2 * hits + 1) / (total + 2))


@kernel
def _group_cost(
    chars_a: float, chars_b: float, num_a: float, num_b: float, hits: float, mixed: float,
    variance: float, weight: float, mixed_cost: float, most: float,
) -> float:  # fmt: skip
    """Cost in nats of a group with paragraphs on both sides, without its prior."""
    delta = abs(chars_b - chars_a) / math.sqrt(max(chars_a, 1.0) * variance)
    tail = math.erfc(delta / math.sqrt(2.0))
    cost = min(most, -math.log(tail)) if tail > 0 else most
    if num_a + num_b > 0:
        cost += weight * (1.0 - min(1.0, 2.0 * hits / (num_a + num_b)))
    return cost + mixed_cost * mixed


@kernel
def cheapest(
    chars_a: Array, chars_b: Array, num_a: Array, num_b: Array, hits: Array, code_a: Array, code_b: Array,
    shapes: Array, priors: Array, constants: Array,
) -> Array:  # fmt: skip
    """For each (i, j) the shape of the last group of the cheapest alignment of the first i and j
    paragraphs; int8 (n + 1, m + 1).

    chars, num: float64 (n,) and (m,), lengths and anchors; hits: float32 (n, m), shared anchors;
    code: bool. constants: variance, weight, mixed_cost, most.
    """
    n, m = len(chars_a), len(chars_b)
    best = np.full((n + 1, m + 1), np.inf)
    last = np.full((n + 1, m + 1), -1, np.int8)
    best[0, 0] = 0.0
    for i in range(n + 1):
        for j in range(m + 1):
            for k in range(len(shapes)):
                p, q = i - shapes[k, 0], j - shapes[k, 1]
                if p < 0 or q < 0 or best[p, q] == np.inf:
                    continue
                cost = best[p, q] + priors[k]
                if p < i and q < j:
                    a = b = x = y = h = mixed = 0.0
                    for s in range(p, i):
                        a += chars_a[s]
                        x += num_a[s]
                        for t in range(q, j):
                            h += hits[s, t]
                            if code_a[s] != code_b[t]:
                                mixed = 1.0
                    for t in range(q, j):
                        b += chars_b[t]
                        y += num_b[t]
                    cost += _group_cost(
                        a, b, x, y, h, mixed,
                        constants[0], constants[1], constants[2], constants[3],
                    )  # fmt: skip
                if cost < best[i, j]:
                    best[i, j], last[i, j] = cost, k
    return last


CONSTANTS = np.array([VARIANCE, ANCHOR_COST, KIND_COST, _MOST])


def arrays(en: Sequence[str], zh: Sequence[str]) -> tuple[Any, ...]:
    """The first arguments of `cheapest` for two lists of paragraphs."""
    en_all = [anchors(p) for p in en]
    zh_all = [anchors(p) for p in zh]
    known = set().union(*zh_all) if zh_all else set()
    en_all = [Counter({a: n for a, n in c.items() if a in known or a[0].isdigit()}) for c in en_all]
    places: dict[str, list[tuple[int, int]]] = {}
    for j, counts in enumerate(zh_all):
        for anchor, number in counts.items():
            places.setdefault(anchor, []).append((j, number))
    hits = np.zeros((len(en), len(zh)), np.float32)
    for i, counts in enumerate(en_all):
        for anchor, number in counts.items():
            for j, other in places.get(anchor, ()):
                hits[i, j] += min(number, other)
    return (
        np.array([length(p) for p in en], np.float64),
        np.array([length(p) for p in zh], np.float64),
        np.array([c.total() for c in en_all], np.float64),
        np.array([c.total() for c in zh_all], np.float64),
        hits,
        np.array([_FENCE.match(p) is not None for p in en], np.bool_),
        np.array([_FENCE.match(p) is not None for p in zh], np.bool_),
    )


def align(en: Sequence[str], zh: Sequence[str]) -> list[Group]:
    """The cheapest alignment of two lists of paragraphs: groups in order that cover each paragraph once.

    Takes time and memory by the product of their numbers.
    """
    chars_en, chars_zh, num_en, num_zh, hits, code_en, code_zh = arrays(en, zh)
    last = cheapest(chars_en, chars_zh, num_en, num_zh, hits, code_en, code_zh, SHAPES, PRIORS, CONSTANTS)
    i, j = len(en), len(zh)
    groups: list[Group] = []
    while i or j:
        p, q = (i, j) - SHAPES[last[i, j]]
        score = 0.0
        if p < i and q < j:
            score = share(float(hits[p:i, q:j].sum()), float(num_en[p:i].sum() + num_zh[q:j].sum()))
        groups.append(Group(int(p), i, int(q), j, round(score, 4)))
        i, j = int(p), int(q)
    return groups[::-1]
