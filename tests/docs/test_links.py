"""Links between pages lead somewhere, also for who reads the files without the site."""

from __future__ import annotations

import re

from tests.support.docs import ROOT, pages

GENERATED = ROOT / "docs" / "reference"


def test_relative_links_exist() -> None:
    broken = []
    for path in pages():
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", path.read_text(encoding="utf-8")):
            if "://" in target:
                continue
            found = (path.parent / target).resolve()
            if not found.exists() and GENERATED not in found.parents:
                broken.append(f"{path.relative_to(ROOT)}: {target}")
    assert not broken


def test_every_page_is_in_the_navigation() -> None:
    """mkdocs.yml names each page once; the reference is named although it is generated."""
    named = re.findall(r"[\w/-]+\.md", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    there = [p.relative_to(ROOT / "docs").as_posix() for p in (ROOT / "docs").rglob("*.md")]
    assert len(named) == len(set(named))
    assert {n for n in there if not n.startswith("reference/")} == {
        n for n in named if not n.startswith("reference/")
    }
