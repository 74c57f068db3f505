"""Texts of three topics that classifiers tell apart, and dumps of them."""

from __future__ import annotations

import random

from pipelines.engine import InProcess
from pipelines.lake import Lake
from pipelines.tables.inputs import DumpTables
from tests.support.pages import make_dump

TOPICS = {
    "reference": "history river province century population city founded kingdom treaty museum census",
    "web": "buy shop discount price order shipping click offer sale deal cart coupon brand",
    "stem": "question answer solve equation sum number equals solution calculate apples therefore",
}


def topic_texts(topic: str, count: int) -> list[str]:
    """English texts with thirty words of a topic."""
    rng = random.Random(topic)
    beginning = (
        "The people of this place have said that it is the best of all, and this is what they wrote"
        " about the "
    )
    return [beginning + " ".join(rng.choices(TOPICS[topic].split(), k=30)) + "." for _ in range(count)]


def topic_dumps(lake: Lake, engine: InProcess, sources: int = 8) -> dict[str, DumpTables]:
    """A reference dump, web pages, exercises, and web pages that are held out; the first two from
    several hosts."""
    reference, web, stem = (topic_texts(topic, 40) for topic in TOPICS)
    return {
        "ref": make_dump(
            lake, engine, "ref", [reference], category="encyclopedia", reference=True, sources=sources
        ),
        "web": make_dump(lake, engine, "web", [web, topic_texts("web", 30)], sources=sources),
        "stem": make_dump(lake, engine, "stem", [stem], category="stem"),
        "held": make_dump(lake, engine, "held", [topic_texts("web", 20)], side="validation", held_out=True),
    }
