"""What MathJax 3 and 4 draw of a formula -> MathML again.

Belongs here: the elements and glyphs of MathJax's HTML and SVG output, for formulas that come
without MathML and TeX. Does not belong here: MathML itself (mathml.py).
"""

from __future__ import annotations

import re

from pipelines.extraction.markdown.mathml_tree import Node, parse

_GLYPH = re.compile(r"mjx-c([0-9A-F]{2,6})\b")
_LEAVES = frozenset(("mi", "mo", "mn", "mtext", "ms"))
_SCRIPTS = frozenset(("msup", "msub", "msubsup"))
_LIMITS = frozenset(("munder", "mover", "munderover"))


def glyphs_to_mathml(markup: str) -> Node | None:
    """The formula as a math element; None where nothing of it is drawn with known glyphs."""
    root = parse(markup, "mjx-math")
    if root is not None:
        return Node("math", children=[_from_html(child) for child in root.children])
    root = parse(markup, "svg")
    if root is not None:
        return Node("math", children=_from_svg(root))
    return None


def _text(node: Node) -> str:
    """The characters of the glyphs below an element."""
    found = _GLYPH.search(node.attributes.get("class", ""))
    if found:
        return chr(min(int(found[1], 16), 0x10FFFF))
    code = node.attributes.get("data-c", "")
    if re.fullmatch("[0-9A-F]{2,6}", code):
        return chr(min(int(code, 16), 0x10FFFF))
    return "".join(map(_text, node.children)) or node.text.strip()


def _below(node: Node, name: str) -> Node:
    """The first element of that name below an element, as a row; an empty row where there is
    none."""
    for child in node.children:
        if child.name == name:
            return Node("mrow", children=[_from_html(c) for c in child.children])
        found = _below(child, name)
        if found.children:
            return found
    return Node("mrow")


def _from_html(node: Node) -> Node:
    name = node.name.removeprefix("mjx-")
    if name in _LEAVES:
        return Node(name, text=_text(node))
    kids = [c for c in node.children if c.name not in ("mjx-spacer", "mjx-strut", "mjx-nstrut", "mjx-dstrut")]
    if name == "mfrac":
        return Node(name, children=[_below(node, "mjx-num"), _below(node, "mjx-den")])
    if name == "msqrt":
        return Node(name, children=_below(node, "mjx-box").children)
    if name == "mroot":
        return Node(name, children=[_below(node, "mjx-box"), _below(node, "mjx-root")])
    if name in _SCRIPTS and kids:
        scripts = [_from_html(c) for k in kids[1:] for c in k.children if c.name != "mjx-spacer"]
        if name == "msubsup":  # drawn from the top down
            scripts.reverse()
        return Node(name, children=[_from_html(kids[0]), *scripts])
    if name in _LIMITS:
        parts = {"munder": ("base", "under"), "mover": ("base", "over")}.get(name, ("base", "under", "over"))
        return Node(name, children=[_below(node, f"mjx-{part}") for part in parts])
    if name in ("mtable", "table", "itable"):
        rows = [_from_html(k) for k in kids]
        return rows[0] if name != "itable" and len(rows) == 1 else Node("mtable", children=rows)
    if name in ("mtr", "mtd"):
        return Node(name, children=[_from_html(k) for k in kids])
    return Node("mrow", children=[_from_html(k) for k in kids])


def _from_svg(node: Node) -> list[Node]:
    name = node.attributes.get("data-mml-node", "").lower()
    if name in _LEAVES:
        return [Node(name, text=_text(node))]
    kids = [found for child in node.children for found in _from_svg(child)]
    if not name:
        return kids
    if name in ("math", "texatom", "mstyle"):
        return [Node("mrow", children=kids)]
    return [Node(name, children=kids)]
