"""Inline SVG of curves and bars: system fonts, no outside references, equal bytes for equal
numbers.

Belongs here: drawing. Curves and bars are matplotlib's; the bars of vocabularies are drawn by hand,
because they are part of a table, whose content hash no release of matplotlib may change. Does not
belong here: choosing what is drawn (run_report.py), the asset graph (graph.py).
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

MAX_POINTS = 2000  # of one curve; longer logs are drawn at every n-th step
SVG = "http://www.w3.org/2000/svg"
WIDTH, LABEL, ROW = 400, 150, 18  # pixels: of a plot of vocabularies, of its names, of a bar
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "skypile",
    "font.family": "sans-serif",
    "font.size": 9,
}


def _svg(height: float, draw: Callable[[Any], None]) -> str:
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(8, height), layout="constrained")
        draw(figure.add_subplot())
        out = io.StringIO()
        FigureCanvasSVG(figure).print_svg(
            out, metadata={"Date": None, "Creator": None, "Format": None, "Type": None}
        )  # type: ignore[no-untyped-call]
    svg = out.getvalue()
    return svg[svg.index("<svg") :]


def curves_svg(curves: Mapping[str, Sequence[tuple[float, float]]], x: str, y: str) -> str:
    """One line per name over (x, y) points. "" without points."""
    curves = {name: points for name, points in curves.items() if points}
    if not curves:
        return ""

    def draw(axes: Any) -> None:
        for name, points in curves.items():
            stride = 1 + len(points) // MAX_POINTS
            drawn = [*points[:-1:stride], points[-1]]
            axes.plot(
                [p[0] for p in drawn],
                [p[1] for p in drawn],
                label=name,
                marker="." if len(drawn) < 30 else "",
                linewidth=1.2,
            )
        axes.set_xlabel(x)
        axes.set_ylabel(y)
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8, frameon=False)

    return _svg(3.6, draw)


def bars_svg(groups: Mapping[str, Mapping[str, float]], x: str) -> str:
    """Horizontal bars: one block for each label, in it one bar for each series that has it.
    `groups`: series -> label -> value."""
    labels = list(dict.fromkeys(label for values in groups.values() for label in values))
    if not labels:
        return ""
    width = 0.8 / len(groups)

    def draw(axes: Any) -> None:
        for index, (series, values) in enumerate(groups.items()):
            places = [
                (row + (index + 0.5) * width - 0.4, values[label])
                for row, label in enumerate(labels)
                if label in values
            ]
            axes.barh([p for p, _ in places], [v for _, v in places], height=width * 0.92, label=series)
        axes.set_yticks(range(len(labels)), labels)
        axes.invert_yaxis()
        axes.set_xlabel(x)
        axes.grid(axis="x", alpha=0.3)
        if len(groups) > 1:
            axes.legend(fontsize=8, frameon=False)

    return _svg(0.8 + 0.2 * len(labels) * max(1.0, 0.6 * len(groups)), draw)


def vocabularies_svg(domain: str, rows: Mapping[str, Mapping[str, float]], sizes: Mapping[str, int]) -> str:
    """Bytes per token as a bar for each vocabulary, the smallest vocabulary first, ours filled."""
    top = 1.2 * max(r["bytes_per_token"] for r in rows.values())
    caption = f"{domain}: bytes per token"
    marks = [
        element("title", escape(caption)),
        element("text", escape(caption), x=LABEL, y=14, font_weight="bold"),
    ]
    for index, name in enumerate(sorted(rows, key=lambda n: (sizes[n], n))):
        value, y = rows[name]["bytes_per_token"], 24 + ROW * index
        length = value / top * (WIDTH - LABEL)
        fill = "#1f5fa8" if name == "ours" else "#c9d8ea"
        label = f"{escape(name)} {sizes[name]:,}"
        marks.append(element("text", label, x=LABEL - 6, y=y + 11, text_anchor="end"))
        marks.append(element("rect", x=LABEL, y=y, width=f"{length:.1f}", height=ROW - 4, fill=fill))
        marks.append(element("text", f"{value:.2f}", x=f"{LABEL + length + 4:.1f}", y=y + 11))
    return element(
        "svg",
        "".join(marks),
        xmlns=SVG,
        width=WIDTH,
        height=34 + ROW * len(rows),
        font_family="sans-serif",
        font_size=11,
        role="img",
    )


def element(name: str, inside: str | None = None, **attributes: object) -> str:
    """An element of a drawing that is made by hand; `inside` is markup, attributes are escaped, an
    underscore in their names is a hyphen."""
    said = "".join(f' {k.replace("_", "-")}="{escape(str(v))}"' for k, v in attributes.items())
    return f"<{name}{said}/>" if inside is None else f"<{name}{said}>{inside}</{name}>"
