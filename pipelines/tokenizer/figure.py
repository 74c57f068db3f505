"""The report of a vocabulary as one page: a plot for each domain and the table behind it.

Belongs here: HTML, SVG and Markdown of the figures. Does not belong here: measuring (report.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

WIDTH, LABEL, ROW = 400, 150, 18  # pixels: of a plot, of its names, of a bar
MEASURES = ("bytes_per_token", "characters_per_token", "fertility", "fallback_share", "tokens")


def plot_svg(domain: str, rows: Mapping[str, Mapping[str, float]], sizes: Mapping[str, int]) -> str:
    """Bytes per token as a bar for each vocabulary, the smallest vocabulary first, ours filled."""
    top = 1.2 * max(r["bytes_per_token"] for r in rows.values())
    marks = []
    for index, name in enumerate(sorted(rows, key=lambda n: (sizes[n], n))):
        value, y = rows[name]["bytes_per_token"], 24 + ROW * index
        length = value / top * (WIDTH - LABEL)
        fill = "#1f5fa8" if name == "ours" else "#c9d8ea"
        marks.append(
            f'<text x="{LABEL - 6}" y="{y + 11}" text-anchor="end">{escape(name)} {sizes[name]:,}</text>'
        )
        marks.append(f'<rect x="{LABEL}" y="{y}" width="{length:.1f}" height="{ROW - 4}" fill="{fill}"/>')
        marks.append(f'<text x="{LABEL + length + 4:.1f}" y="{y + 11}">{value:.2f}</text>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{34 + ROW * len(rows)}" font-family="sans-serif" font-size="11"'
        f' role="img"><title>{escape(domain)}: bytes per token</title>'
        f'<text x="{LABEL}" y="14" font-weight="bold">{escape(domain)}: bytes per token</text>{"".join(marks)}</svg>'
    )


def page(name: str, report: Mapping[str, Any]) -> str:
    """A whole HTML page from a report.json value."""
    head = "".join(
        f"<th>{escape(h.replace('_', ' '))}</th>"
        for h in ("domain", "vocabulary", "pieces", "unused_ids", *MEASURES)
    )
    body = [
        f"<tr><td>{escape(domain)}</td><td>{escape(vocabulary)}</td><td>{report['vocab_size'][vocabulary]:,}</td>"
        f"<td>{report['unused_ids'][vocabulary]:,}</td>"
        + "".join(f"<td>{row[m]:,}</td>" for m in MEASURES)
        + "</tr>"
        for domain, rows in report["domains"].items()
        for vocabulary, row in rows.items()
    ]
    plots = "".join(
        plot_svg(domain, rows, report["vocab_size"]) for domain, rows in report["domains"].items()
    )
    style = "body{font-family:sans-serif;margin:2em}td,th{padding:.2em .8em;text-align:right}td:nth-child(-n+2){text-align:left}"
    note = "Held-out text; in plots with the number of pieces. Unused ids: of all domains together. Fertility: tokens a word."
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table>"
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Vocabulary {escape(name)}</title><style>{style}</style>'
        f"<h1>Vocabulary {escape(name)}</h1><p>{note}</p>{plots}{table}</html>\n"
    )


def markdown(report: Mapping[str, Any]) -> str:
    """Bytes per token, domains down and vocabularies across."""
    names = list(report["vocab_size"])
    lines = ["| bytes per token | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for domain, rows in report["domains"].items():
        lines.append(f"| {domain} | " + " | ".join(f"{rows[n]['bytes_per_token']:.3f}" for n in names) + " |")
    return "\n".join(lines)
