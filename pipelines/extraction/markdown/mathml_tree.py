"""The markup of a formula in MathML -> its elements.

Belongs here: reading elements, whatever their prefix, with bounds; the TeX that stands beside them.
Does not belong here: what the elements mean (mathml.py).
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field

MAX_ELEMENTS = 4000  # of one formula; a larger one is left out
MAX_DEPTH = 60
_TOKEN = re.compile(
    r"<!--.*?-->|<!\[CDATA\[(.*?)\]\]>|<(/?)([a-zA-Z][\w:.-]*+)((?:[^<>\"']|\"[^\"]*\"|'[^']*')*+)>", re.S
)
_ATTRIBUTE = re.compile(r"""(?<![\w:-])([\w:-]++)\s*+=\s*+(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""")


@dataclass(slots=True)
class Node:
    """An element: its name without prefix, attributes, children, and its text if it is a leaf."""

    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list[Node] = field(default_factory=list)
    text: str = ""


def parse(markup: str, first: str = "math") -> Node | None:
    """The first element of that name in a piece of markup; None where there is none, or it is too
    large."""
    root: Node | None = None
    stack: list[Node] = []
    position = count = 0
    for m in _TOKEN.finditer(markup):
        if stack:
            stack[-1].text += html.unescape(markup[position : m.start()])
            stack[-1].text += m[1] or ""
        position = m.end()
        name = (m[3] or "").rpartition(":")[2].lower()
        if not name or (not stack and name != first):
            continue
        if m[2]:
            at = next((i for i in range(len(stack) - 1, -1, -1) if stack[i].name == name), -1)
            if at == 0:
                return root
            if at > 0:
                del stack[at:]
            continue
        count += 1
        if count > MAX_ELEMENTS or len(stack) >= MAX_DEPTH:
            return None
        given = {a[1].lower(): html.unescape(a[2] or a[3] or a[4] or "") for a in _ATTRIBUTE.finditer(m[4])}
        node = Node(name, given)
        if stack:
            stack[-1].children.append(node)
        else:
            root = node
        if not m[4].endswith("/"):
            stack.append(node)
        elif not stack:
            return root
    if stack:
        stack[-1].text += html.unescape(markup[position:])
    return root


def annotation(node: Node) -> str:
    """The TeX that a formula carries beside its MathML; "" where it carries none."""
    if node.name == "annotation" and "tex" in node.attributes.get("encoding", "").lower():
        return node.text.strip()
    for child in node.children:
        found = annotation(child)
        if found:
            return found
    return ""
