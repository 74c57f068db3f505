"""The report of a vocabulary as one page: a plot for each domain and the table behind it.

Belongs here: the page and the Markdown table of the figures. Does not belong here: measuring
(pipelines/tokenizer/report.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reports.figures import vocabularies_svg
from reports.pages import render

MEASURES = ("bytes_per_token", "characters_per_token", "fertility", "fallback_share", "tokens")


def page(name: str, report: Mapping[str, Any]) -> str:
    """A whole HTML page from a report.json value. It is a file of the table `tokenizer_report`:
    other bytes are another content hash."""
    plots = [
        vocabularies_svg(domain, rows, report["vocab_size"]) for domain, rows in report["domains"].items()
    ]
    return render("vocabulary.html", name=name, report=report, measures=MEASURES, plots=plots)


def markdown(report: Mapping[str, Any]) -> str:
    """Bytes per token, domains down and vocabularies across."""
    names = list(report["vocab_size"])
    lines = ["| bytes per token | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for domain, rows in report["domains"].items():
        lines.append(f"| {domain} | " + " | ".join(f"{rows[n]['bytes_per_token']:.3f}" for n in names) + " |")
    return "\n".join(lines)
