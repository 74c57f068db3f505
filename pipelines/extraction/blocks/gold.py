"""Pages whose main text people have marked, and the measure that they are for.

Belongs here: reading the gold files, which fold a page is in, tokens and their F1. Does not
belong here: labels of blocks and training (training.py), peers (benchmarks/extraction.py).
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

GOLD = Path(__file__).resolve().parents[4] / "shared" / "data" / "extraction-gold"
SETS = ("magic-html", "wcxb")
TYPES = ("article", "documentation", "service", "forum", "collection", "listing", "product")
FOLDS = 5
SOURCES = {
    "magic-html": (
        "github.com/opendatalab/magic-html benchmark, articles and forums (Apache-2.0 repository;"
        " pages by their publishers): numbers only"
    ),
    "wcxb": (
        "github.com/Murrough-Foley/web-content-extraction-benchmark, development half (CC-BY-4.0;"
        " pages by their publishers): numbers only"
    ),
}
_CJK = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class GoldPage:
    """A page whose main text a person has marked; `title`, `date`, `wanted` and `unwanted` (strings
    that the text must hold, or must not) where the set has them."""

    kind: str  # one of TYPES
    url: str
    html: str
    gold: str
    set: str = "magic-html"
    title: str = ""
    date: str = ""
    wanted: tuple[str, ...] = ()
    unwanted: tuple[str, ...] = ()

    @property
    def chinese(self) -> bool:
        """Whether more than 30 % of the letters of the gold text are CJK."""
        return len(_CJK.findall(self.gold)) > 0.3 * max(1, sum(c.isalpha() for c in self.gold))

    @property
    def cell(self) -> str:
        """The group of pages whose mean is reported."""
        if self.set == "wcxb":
            return f"wcxb_{self.kind}"
        return f"{self.kind}_{'zh' if self.chinese else 'en'}"

    @property
    def fold(self) -> int:
        """By registered name, roughly: pages of one site are in one fold."""
        site = ".".join((urlsplit(self.url).hostname or "").split(".")[-2:])
        return int(hashlib.sha256(b"0" + site.encode()).hexdigest(), 16) % FOLDS


def gold_pages(folder: Path) -> list[GoldPage]:
    """The gold pages. Raises FileNotFoundError where the files are not there."""
    return list(_all_pages(folder))


def _all_pages(folder: Path) -> Iterator[GoldPage]:
    for kind in ("article", "forum"):
        for row in read_rows(folder / f"magic-html-{kind}.jsonl.zst"):
            yield GoldPage(kind, row["url"], row["html"], row["gold"])
    for row in read_rows(folder / "wcxb-dev.jsonl.zst"):
        if row["text"].strip():
            yield GoldPage(
                row["page_type"],
                row["url"],
                row["html"],
                row["text"],
                "wcxb",
                row["title"] or "",
                row["date"] or "",
                tuple(row["with"] or ()),
                tuple(row["without"] or ()),
            )


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a compressed file with one JSON object a line."""
    import zstandard

    with open(path, "rb") as stream:
        reader = zstandard.ZstdDecompressor().stream_reader(stream)
        for line in io.TextIOWrapper(reader, encoding="utf-8"):
            yield json.loads(line)


def tokens(text: str, chinese: bool) -> list[str]:
    """What F1 counts: letters and digits one by one for Chinese, lower-case words for everything
    else."""
    return [c for c in text if c.isalnum()] if chinese else _WORD.findall(text.lower())


def token_f1(text: str, gold: str, chinese: bool) -> float:
    """F1 of the token multisets."""
    return bag_f1(Counter(tokens(text, chinese)), Counter(tokens(gold, chinese)))


def bag_f1(found: Counter[str], gold: Counter[str]) -> float:
    """F1 of two multisets; 0 where they share nothing."""
    common = (found & gold).total()
    return 2 * common / (found.total() + gold.total()) if common else 0.0
