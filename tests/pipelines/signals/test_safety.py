"""The automaton that looks first never hides a word."""

from __future__ import annotations

import random

from pipelines.signals import safety


def test_hits_are_those_of_looking_at_every_text() -> None:
    rng = random.Random(5)
    words = [w for lists in (safety.ENGLISH, safety.CHINESE) for group in lists.values() for w in group]
    around = [" ", "", "s", "X", "。", "\n", "\u212a", "\u0130", "7", "-"]
    texts = [""]
    for word in words * 4:
        shown = "".join(c.upper() if rng.random() < 0.3 else c for c in word)
        texts.append(
            "".join(
                (
                    "some text",
                    rng.choice(around),
                    shown.replace("K", rng.choice("K\u212a")),
                    rng.choice(around),
                    "文字",
                )
            )
        )
    plain = [safety._TEXT.findall(text.lower()) for text in texts]
    measured = safety.measure_safety(texts, [None] * len(texts))
    assert (
        measured["word_hits"].to_pylist() == [len(found) for found in plain] and any(plain) and not all(plain)
    )
