"""The asset graph as inline SVG, drawn from the lineage of what was really read.

Belongs here: layers, order within a layer, drawing. Does not belong here: where nodes and edges
come from (gather.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from reports.figures import SVG, element

BOX = (150, 34)  # width and height of a node, pixels
GAP = (18, 24)


def layers(edges: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """Nodes by the longest way from a source; within a layer near their inputs. `edges`: node ->
    its inputs, without cycles."""
    depth: dict[str, int] = {}

    def of(node: str) -> int:
        if node not in depth:
            depth[node] = 1 + max((of(i) for i in edges.get(node, ())), default=-1)
        return depth[node]

    for node in sorted(edges):
        of(node)
    rows: list[list[str]] = [[] for _ in range(1 + max(depth.values(), default=-1))]
    for node in sorted(depth):
        rows[depth[node]].append(node)
    place: dict[str, float] = {}
    for row in rows:
        row.sort(key=lambda n: (sum(place[i] for i in edges.get(n, ())) / max(1, len(edges.get(n, ()))), n))
        place.update({node: index - (len(row) - 1) / 2 for index, node in enumerate(row)})
    return rows


def direct(edges: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """The edges that no longer way implies: what a reader needs to see which asset feeds which."""
    known: dict[str, frozenset[str]] = {}

    def above(node: str) -> frozenset[str]:
        if node not in known:
            inputs = frozenset(edges.get(node, ()))
            known[node] = inputs.union(*(above(i) for i in inputs))
        return known[node]

    return {
        n: sorted(i for i in inputs if not any(i in above(o) for o in inputs if o != i))
        for n, inputs in edges.items()
    }


def graph_svg(edges: Mapping[str, Sequence[str]], notes: Mapping[str, str]) -> str:
    """Boxes from top to bottom, one for each asset, with its note (rows, tokens) below the name. ""
    without nodes."""
    rows = layers(edges)
    if not rows:
        return ""
    (width, height), (across, down) = BOX, GAP
    widest = max(len(row) for row in rows)
    total = (widest * (width + across) - across + 8, len(rows) * (height + down) - down + 8)
    at = {
        node: (4 + (index + (widest - len(row)) / 2) * (width + across), 4 + level * (height + down))
        for level, row in enumerate(rows)
        for index, node in enumerate(row)
    }
    out = []
    for node, inputs in sorted(direct(edges).items()):
        for source in inputs:
            (x0, y0), (x1, y1) = at[source], at[node]
            x0, x1, y0 = x0 + width / 2, x1 + width / 2, y0 + height
            bend = (y1 - y0) / 2
            path = f"M{x0:.1f} {y0:.0f}C{x0:.1f} {y0 + bend:.0f} {x1:.1f} {y1 - bend:.0f} {x1:.1f} {y1:.0f}"
            out.append(element("path", d=path, fill="none", stroke="#9aa5b1", stroke_width=1.1))
    for node, (x, y) in sorted(at.items()):
        out.append(
            element(
                "rect",
                x=f"{x:.1f}",
                y=f"{y:.0f}",
                width=width,
                height=height,
                rx=5,
                fill="#eef3f8",
                stroke="#7b8794",
            )
        )
        place = {"x": f"{x + 7:.1f}", "y": f"{y + 14:.0f}"}
        out.append(element("text", escape(node), **place, font_size=11.5, font_weight=600, fill="#1c2024"))
        place["y"] = f"{y + 27:.0f}"
        out.append(element("text", escape(notes.get(node, "")), **place, font_size=10, fill="#52606d"))
    return element(
        "svg",
        "".join(out),
        xmlns=SVG,
        viewBox=f"0 0 {total[0]:.0f} {total[1]:.0f}",
        width=f"{total[0]:.0f}",
        font_family="system-ui, sans-serif",
        role="img",
        aria_label="asset graph",
    )
