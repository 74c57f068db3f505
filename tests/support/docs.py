"""The pages of the documentation, cut into headings and fences.

Belongs here: reading Markdown as the tests of documentation need it. Does not belong here: what is
right or wrong in a page.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MARK = re.compile(r"<!-- needs: (.+?) -->")


@dataclass(frozen=True)
class Fence:
    """One fenced block. `needs`: what the comment before it says that its commands need, or ""."""

    page: Path
    line: int
    language: str
    heading: str
    needs: str
    text: str

    def lines(self) -> list[str]:
        """Lines without comments and blank ones; a backslash at the end joins two."""
        joined = self.text.replace("\\\n", " ")
        bare = [re.sub(r"\s+#\s.*$", "", line).strip() for line in joined.split("\n")]
        return [line for line in bare if line and not line.startswith("#")]


def page(name: str) -> Path:
    """A page below docs/."""
    return ROOT / "docs" / name


def pages() -> list[Path]:
    """Every page that a person wrote: docs/ without the reference and the journal, and the pages at
    the top."""
    found = [
        p
        for p in sorted((ROOT / "docs").rglob("*.md"))
        if not {"reference", "journal"} & set(p.relative_to(ROOT / "docs").parts)
    ]
    return [*found, *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "deploy/README.md"))]


def fences(path: Path, *languages: str) -> Iterator[Fence]:
    """The fenced blocks of a page in these languages, in order."""
    heading, needs, start = "", "", 0
    inside: str | None = None
    block: list[str] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        if inside is not None:
            if line.startswith("```"):
                if inside in languages:
                    yield Fence(path, start, inside, heading, needs, "\n".join(block) + "\n")
                inside, needs = None, ""
            else:
                block.append(line)
        elif line.startswith("```"):
            inside, start, block = line[3:].strip(), number, []
        elif line.startswith("#"):
            heading, needs = line.lstrip("# "), ""
        elif found := MARK.fullmatch(line.strip()):
            needs = found[1]
        elif line.strip():
            needs = ""
