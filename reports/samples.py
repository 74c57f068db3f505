"""Samples of a dump's documents as one page, by reason and language.

Belongs here: the page. Does not belong here: choosing the samples, and masking what is personal in
them (pipelines/inspection/samples.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pipelines.inspection.samples import KEPT, SampledDocument
from reports.pages import render


def page(found: Iterable[SampledDocument], title: str) -> str:
    """The samples as one page, a section for each reason and language."""
    sections: dict[str, dict[str, Any]] = {}
    for s in found:
        name = f"{s.reason} · {s.language or 'no language'}"
        kind = "kept" if s.reason == KEPT else "rejected"
        section = sections.setdefault(name, {"title": name, "kind": kind, "samples": []})
        about = [s.dump, s.url, f"{s.num_chars:,} characters"]
        if others := [r for r in s.reasons if r != s.reason]:
            about.append(f"also {', '.join(others)}")
        section["samples"].append({"about": " · ".join(about), "text": s.text})
    return render("samples.html", title=title, sections=list(sections.values()))
