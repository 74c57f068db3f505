"""English texts of our own that fail each of datatrove's rules, or pass them all: from a seed, so that
answers may be saved beside a test.

Belongs here: making the texts. Does not belong here: what datatrove says of them
(tests/pipelines/signals/datatrove_reasons.json), comparing.
"""

from __future__ import annotations

import random

WORDS = [
    "river",
    "stone",
    "winter",
    "garden",
    "letter",
    "engine",
    "market",
    "window",
    "quiet",
    "narrow",
    "carry",
    "follow",
    "between",
    "morning",
    "village",
    "copper",
    "ladder",
    "harvest",
    "shadow",
    "signal",
    "weather",
    "teacher",
    "paper",
    "island",
    "forest",
    "mountain",
    "harbour",
]
SMALL = ["the", "of", "and", "to", "that", "with", "have", "be", "in", "a", "is", "it"]


def rule_texts(count: int = 240, seed: int = 5) -> list[str]:
    """`count` texts, each kind in turn."""
    rng = random.Random(seed)
    kinds = (_prose, _short, _signs, _bullets, _ellipses, _repeated, _paragraphs, _lines, _code, _listed)
    fixed = ["", "\n", "a", "- x\n" * 60, "the of and to " * 20 + "\n", "a...\n" * 80, "x" * 2000]
    return fixed + [kinds[k % len(kinds)](rng) for k in range(count)]


def _sentence(rng: random.Random, low: int = 6, high: int = 18) -> str:
    chosen = [rng.choice(SMALL if rng.random() < 0.45 else WORDS) for _ in range(rng.randint(low, high))]
    return " ".join(chosen).capitalize() + rng.choice(".....?!")


def _prose(rng: random.Random) -> str:
    lines = (" ".join(_sentence(rng) for _ in range(rng.randint(2, 5))) for _ in range(rng.randint(3, 9)))
    return rng.choice(("\n", "\n\n")).join(lines)


def _short(rng: random.Random) -> str:
    return " ".join(_sentence(rng) for _ in range(rng.randint(1, 5)))


def _signs(rng: random.Random) -> str:
    share = rng.choice((0.02, 0.08, 0.2, 0.4))
    signs = rng.choice(("#", "12", "...", "%%"))
    return " ".join(w + " " + signs if rng.random() < share else w for w in _prose(rng).split(" "))


def _bullets(rng: random.Random) -> str:
    marked = rng.choice((0.5, 0.8, 0.95, 1.0))
    lines = (_sentence(rng) for _ in range(rng.randint(8, 30)))
    return "\n".join("• " + line if rng.random() < marked else line for line in lines)


def _ellipses(rng: random.Random) -> str:
    cut = rng.choice((0.1, 0.3, 0.5))
    end = rng.choice(("...", "…"))
    lines = (_sentence(rng) for _ in range(rng.randint(8, 30)))
    return "\n".join(line[:-1] + end if rng.random() < cut else line for line in lines)


def _repeated(rng: random.Random) -> str:
    phrase = " ".join(rng.choice(WORDS) for _ in range(rng.randint(2, 11)))
    often = rng.choice((0.05, 0.2, 0.5))
    pieces = (phrase if rng.random() < often else _sentence(rng, 3, 9) for _ in range(60))
    return " ".join(pieces) + "."


def _paragraphs(rng: random.Random) -> str:
    some = [_short(rng) for _ in range(rng.randint(3, 12))]
    return "\n\n".join(rng.choice(some) for _ in range(12))


def _lines(rng: random.Random) -> str:
    some = [_sentence(rng, 2, 12).rstrip(rng.choice((".", ""))) for _ in range(rng.randint(4, 40))]
    return "\n".join(rng.choice(some) for _ in range(40))


def _code(rng: random.Random) -> str:
    lines = [_sentence(rng) for _ in range(rng.randint(3, 14))]
    extra = rng.choice(
        ("{ return x; }", "Lorem ipsum dolor sit amet.", "Please enable javascript here.", "See [1].")
    )
    lines.insert(rng.randrange(len(lines)), extra)
    return "\n".join(lines)


def _listed(rng: random.Random) -> str:
    return "\n".join(rng.choice(WORDS) for _ in range(rng.randint(20, 120))) + "\n" + _prose(rng)
