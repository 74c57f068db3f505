"""Texts for the tests of deduplication: originals, copies, near copies, pages of one template."""

from __future__ import annotations

import random

WORDS = [f"word{chr(97 + i % 26)}{chr(97 + i // 26 % 26)}" for i in range(300)]


def text(seed: int, size: int = 120) -> str:
    """Words drawn by `seed`: texts of two seeds share few shingles."""
    return " ".join(random.Random(seed).choices(WORDS, k=size))


def edited(source: str, seed: int, share: float) -> str:
    """`source` with this share of its words drawn anew."""
    gen = random.Random(seed)
    return " ".join(gen.choice(WORDS) if gen.random() < share else w for w in source.split())


def corpus(count: int = 60) -> list[dict[str, object]]:
    """Originals, exact copies, near copies, and pages that share a template."""
    rows: list[dict[str, object]] = [{"text": text(i)} for i in range(count)]
    rows += [{"text": text(i).upper()} for i in range(0, count, 6)]
    rows += [{"text": edited(text(i), i, 0.02)} for i in range(1, count, 4)]
    rows += [{"text": text(1000, 60) + " " + text(2000 + i, 60)} for i in range(8)]
    for n, row in enumerate(rows):
        row["offset"], row["dump"] = n, "all"
    return rows
