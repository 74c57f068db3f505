"""The report of a vocabulary as one page: a plot for each domain and the table behind it.

Belongs here: HTML, SVG and Markdown of the figures. Does not belong here: measuring (report.py).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from html import escape
from typing import Any

WIDTH, HEIGHT, MARGIN = 420, 260, 44
MEASURES = ("bytes_per_token", "characters_per_token", "fertility", "fallback_share", "tokens")


def plot_svg(domain: str, rows: Mapping[str, Mapping[str, float]], sizes: Mapping[str, int]) -> str:
    """Bytes per token by vocabulary size (logarithmic), one dot a vocabulary, ours filled."""
    low, high = math.log2(min(sizes.values())) - 0.3, math.log2(max(sizes.values())) + 0.9
    top = 1.1 * max(r["bytes_per_token"] for r in rows.values())
    marks = []
    for name, row in rows.items():
        x = MARGIN + (math.log2(sizes[name]) - low) / (high - low) * (WIDTH - 2 * MARGIN)
        y = HEIGHT - MARGIN - row["bytes_per_token"] / top * (HEIGHT - 2 * MARGIN)
        fill = "#1f5fa8" if name == "ours" else "none"
        marks.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{fill}" stroke="#1f5fa8"/>')
        marks.append(f'<text x="{x + 7:.1f}" y="{y + 4:.1f}">{escape(name)} {row["bytes_per_token"]:.2f}</text>')
    axis = f"M{MARGIN} {MARGIN / 2} V{HEIGHT - MARGIN} H{WIDTH - MARGIN}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" font-family="sans-serif" font-size="10" role="img">'
        f'<title>{escape(domain)}: bytes per token by vocabulary size</title><path d="{axis}" fill="none" stroke="#888"/>'
        f'<text x="{MARGIN}" y="14" font-weight="bold">{escape(domain)}</text>'
        f'<text x="{WIDTH / 2:.0f}" y="{HEIGHT - 12}" text-anchor="middle">pieces in the vocabulary (log scale)</text>'
        f'<text transform="translate(14 {HEIGHT / 2:.0f}) rotate(-90)" text-anchor="middle">bytes per token</text>{"".join(marks)}</svg>'
    )


def page(name: str, report: Mapping[str, Any]) -> str:
    """A whole HTML page from a report.json value."""
    head = "".join(f"<th>{escape(h.replace('_', ' '))}</th>" for h in ("domain", "vocabulary", "pieces", "unused_ids", *MEASURES))
    body = [
        f"<tr><td>{escape(domain)}</td><td>{escape(vocabulary)}</td><td>{report['vocab_size'][vocabulary]:,}</td>"
        f"<td>{report['unused_ids'][vocabulary]:,}</td>" + "".join(f"<td>{row[m]:,}</td>" for m in MEASURES) + "</tr>"
        for domain, rows in report["domains"].items()
        for vocabulary, row in rows.items()
    ]
    plots = "".join(plot_svg(domain, rows, report["vocab_size"]) for domain, rows in report["domains"].items())
    style = "body{font-family:sans-serif;margin:2em}td,th{padding:.2em .8em;text-align:right}td:nth-child(-n+2){text-align:left}"
    note = "Held-out text. Unused ids are over all domains together; fertility is tokens a word."
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
