r"""Presentation MathML -> TeX.

Belongs here: the elements of MathML 3 and how TeX writes them. Does not belong here: reading markup
(mathml_tree.py), other markup that holds TeX already (formulas.py), which TeX command a character is
(symbols.py).

Written here because what PyPI has does not do: of 149 formulas that latex2mathml 3.81 wrote as
MathML, mathml-to-latex 1.0 gave 59 back (it writes `\left(\right.` for a bracket and `exp` for
`\exp`); mml2tex 0.1 runs an XSLT processor of 110 MB.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from pipelines.extraction.markdown.mathml_tree import Node
from pipelines.extraction.markdown.symbols import (
    ACCENTS,
    FENCES,
    FUNCTIONS,
    OVER_AND_UNDER,
    VARIANTS,
    command,
    joined,
)

_SPACES = {".167": r"\,", ".1667": r"\,", ".222": r"\:", ".2222": r"\:", ".278": r"\;", ".2778": r"\;"}
_SPACES |= {".333": r"\ ", ".3333": r"\ ", "1": r"\quad", "2": r"\qquad"}
_LENGTH = re.compile(r"(-?)0*+([0-9]*+\.?[0-9]*+)em")
_NAMED = {
    "thinmathspace": r"\,", "mediummathspace": r"\:", "thickmathspace": r"\;", "negativethinmathspace": r"\!",
}  # fmt: skip
_MATRICES = {
    "()": "pmatrix",
    "[]": "bmatrix",
    "||": "vmatrix",
    "{}": "Bmatrix",
    "‖‖": "Vmatrix",
    "{": "cases",
}
_SIZES = (("big", 1.2), ("Big", 1.8), ("bigg", 2.4), ("Bigg", 3.0))
_IGNORED_NAMES = "annotation annotation-xml mprescripts none script style mphantom"
_IGNORED = frozenset(_IGNORED_NAMES.split())
_TEXT_SPECIAL = re.compile(r"([#%&_$])")
_RAW_COMMAND = re.compile(r"\\[A-Za-z]+")  # TeX that a converter did not know and left


def to_tex(node: Node) -> str:
    """The TeX of an element and what it holds."""
    convert = _CONVERTERS.get(node.name)
    if convert:
        return convert(node)
    return "" if node.name in _IGNORED else _row(node.children)


def _row(nodes: list[Node]) -> str:
    """Elements one after another; brackets around a table or a fraction without line belong to
    it."""
    pieces: list[str] = []
    i = 0
    nodes = [n for n in nodes if n.name not in _IGNORED]
    while i < len(nodes):
        node = nodes[i]
        inner = _only(nodes[i + 1]) if i + 1 < len(nodes) else None
        sign = _only(node)
        if sign.name == "mo" and inner is not None:
            closing = _only(nodes[i + 2]) if i + 2 < len(nodes) else None
            start = sign.text.strip()
            end = closing.text.strip() if closing is not None and closing.name == "mo" else ""
            if inner.name == "mtable":
                if _MATRICES.get(start + end):
                    pieces.append(_table(inner, _MATRICES[start + end]))
                    i += 3
                    continue
                if start == "{" and not end:
                    pieces.append(_table(inner, "cases"))
                    i += 2
                    continue
            elif start == "(" and inner.text.strip() == "mod" and inner.name in ("mi", "mo", "mtext"):
                last = next((j for j in range(i + 2, len(nodes)) if _only(nodes[j]).text.strip() == ")"), 0)
                if last:
                    while pieces and pieces[-1] in (r"\quad", r"\qquad", r"\ ", r"\;", ""):
                        pieces.pop()
                    behind = [n for n in nodes[i + 2 : last] if _only(n).name != "mspace"]
                    pieces.append(rf"\pmod{{{_row(behind)}}}")
                    i = last + 1
                    continue
            elif start + end == "()" and inner.name == "mfrac" and _is_binomial(inner):
                pieces.append(r"\binom" + "".join(map(_group, inner.children[:2])))
                i += 3
                continue
        pieces.append(to_tex(node))
        i += 1
    return joined(pieces)


def _only(node: Node) -> Node:
    """What a row, style or padding of one child holds."""
    while node.name in ("mrow", "mstyle", "mpadded") and len(node.children) == 1:
        node = node.children[0]
    return node


def _is_binomial(node: Node) -> bool:
    return (
        node.attributes.get("linethickness", "").rstrip("pxtem") in ("0", "0.0") and len(node.children) == 2
    )


def _group(node: Node) -> str:
    return "{" + to_tex(node) + "}"


def _base(node: Node) -> str:
    """What carries a power or index: in braces unless it is one sign or command."""
    tex = to_tex(node)
    if (
        not tex
        or len(tex) == 1
        or re.fullmatch(r"\\[a-zA-Z]+(?:\{[^{}]*\})?|[0-9.,]+|\\left.*\\right\S+", tex)
    ):
        return tex or "{}"
    return "{" + tex + "}"


def _identifier(node: Node) -> str:
    text = node.text.strip() or "".join(c.text for c in node.children).strip()
    named = _named(text)
    if named:
        return named
    tex = joined([command(c) for c in text])
    variant = VARIANTS.get(node.attributes.get("mathvariant", ""), "")
    if variant == r"\mathrm" and len(text) == 1 and not text.isascii():
        variant = ""
    if variant and tex:
        return f"{variant}{{{tex}}}"
    if len(text) > 1 and text.isalpha() and text.isascii():
        return f"\\math{'it' if node.attributes.get('mathvariant') == 'italic' else 'rm'}{{{tex}}}"
    return tex


def _named(text: str) -> str:
    """The command of a function's name, which may be of two words; "" for other texts."""
    if len(text) < 2:
        return ""
    if text in FUNCTIONS:
        return "\\" + text
    if _RAW_COMMAND.fullmatch(text):
        return text
    words = text.split()  # such as lim inf, arg max
    if len(words) < 2 or not all(word.isascii() and word.isalpha() for word in words):
        return ""
    name = "".join(words)
    return "\\" + name if name in FUNCTIONS else r"\operatorname{" + r"\,".join(words) + "}"


def _number(node: Node) -> str:
    tex = joined([command(c) for c in re.sub(r"\s", "", node.text)])
    variant = VARIANTS.get(node.attributes.get("mathvariant", ""), "")
    return f"{variant}{{{tex}}}" if variant not in ("", r"\mathrm") and tex else tex


def _operator(node: Node) -> str:
    text = node.text.strip()
    given = node.attributes
    named = _named(text)
    if named:
        return named
    if text.isalpha() and text.isascii():
        return r"\bmod" if text == "mod" else f"\\operatorname{{{text}}}"
    tex = joined([command(c) for c in text])
    size = _LENGTH.fullmatch(given.get("minsize", ""))
    if size and size[2] and text in FENCES:
        name = min(_SIZES, key=lambda s: abs(s[1] - float(size[2])))[0]
        return f"\\{name}{'l' if FENCES[text] == 'open' else 'r' if FENCES[text] == 'close' else ''}{tex}"
    if given.get("fence") == "true" and given.get("stretchy") == "true":
        if given.get("form") == "prefix":
            return r"\left" + (tex or ".")
        if given.get("form") == "postfix":
            return r"\right" + (tex or ".")
    return tex


def _text(node: Node) -> str:
    text = node.text if node.text.strip() else "".join(c.text for c in node.children)
    text = re.sub(r"[ \n\t\r]+", " ", text).replace("\xa0", " ")
    if not text.strip():
        return r"\ " if text else ""
    if len(text.strip()) == 1 and not text.strip().isalpha():
        return command(text.strip())
    return r"\text{" + _TEXT_SPECIAL.sub(r"\\\1", text) + "}"


def _space(node: Node) -> str:
    if node.attributes.get("linebreak") == "newline":
        return r"\\"
    width = node.attributes.get("width", "")
    if width in _NAMED:
        return _NAMED[width]
    found = _LENGTH.fullmatch(width)
    if not found:
        return ""
    return r"\!" if found[1] else _SPACES.get(found[2].rstrip("0").rstrip(".") or "0", "")


def _fraction(node: Node) -> str:
    if len(node.children) < 2:
        return _row(node.children)
    if _is_binomial(node):
        return "{" + to_tex(node.children[0]) + r" \atop " + to_tex(node.children[1]) + "}"
    continued = all(n.name == "mstyle" and n.attributes.get("scriptlevel") == "0" for n in node.children)
    return (r"\cfrac" if continued else r"\frac") + "".join(map(_group, node.children[:2]))


def _root(node: Node) -> str:
    if len(node.children) < 2:
        return rf"\sqrt{{{_row(node.children)}}}"
    return rf"\sqrt[{to_tex(node.children[1])}]{_group(node.children[0])}"


def _script(node: Node, marks: str) -> str:
    if not node.children:
        return ""
    pieces = _base(node.children[0])
    for mark, child in zip(marks, node.children[1:], strict=False):
        tex = to_tex(child)
        if mark == "^" and tex and set(tex) == {"'"}:
            pieces += tex
        elif tex:
            pieces += f"{mark}{{{tex}}}"
    return pieces


def _accented(base: Node, mark: Node, table: dict[str, tuple[str, str]]) -> str | None:
    """A base under or over an accent; None where the mark is none."""
    sign = _only(mark)
    names = table.get(sign.text.strip()) if sign.name in ("mo", "mi", "mtext") else None
    if names is None:
        return None
    inner = to_tex(base)
    return f"\\{names[len(_only(base).text.strip()) != 1]}{{{inner}}}"


def _takes_limits(node: Node) -> bool:
    inner = _only(node)
    text = inner.text.strip()
    braced = (
        inner.name in ("munder", "mover")
        and bool(inner.children[1:])
        and (_only(inner.children[1]).text.strip() in ("⏞", "⏟"))
    )
    return braced or (
        inner.name in ("mo", "mi") and (bool(_named(text)) or (text in "∑∏∐∫∬∭∮⋂⋃⨁⨂⋁⋀lim" and bool(text)))
    )


def _over(node: Node) -> str:
    return _over_and_under(node, (None, 1))


def _under(node: Node) -> str:
    return _over_and_under(node, (1, None))


def _over_and_under(node: Node, places: tuple[int | None, int | None]) -> str:
    if len(node.children) < 2:
        return _row(node.children)
    base = node.children[0]
    under, over = (node.children[p] if p and p < len(node.children) else None for p in places)
    if _takes_limits(base):
        inner = _only(base)
        tex = to_tex(base) if inner.name in ("munder", "mover") else _base(base)
        if tex.startswith(r"\operatorname{"):
            tex = tex.replace("{", "*{", 1)
        tex += f"_{_group(under)}" if under and to_tex(under) else ""
        return tex + (f"^{_group(over)}" if over and to_tex(over) else "")
    if over is not None and under is None:
        arrow = _only(base).text.strip()
        if arrow in ("→", "←", "⇒") and node.attributes.get("accent") != "true" and to_tex(over):
            name = {"→": "xrightarrow", "←": "xleftarrow", "⇒": "xRightarrow"}[arrow]
            return rf"\{name}{_group(over)}"
        accented = _accented(base, over, ACCENTS)
        return accented or rf"\overset{_group(over)}{_group(base)}"
    if under is not None and over is None:
        accented = _accented(base, under, OVER_AND_UNDER)
        return accented or rf"\underset{_group(under)}{_group(base)}"
    inner_tex = f"\\overset{_group(over)}{_group(base)}" if over else to_tex(base)
    return rf"\underset{_group(under)}{{{inner_tex}}}" if under else inner_tex


def _prescripts(node: Node) -> str:
    before: list[str] = []
    after: list[str] = []
    side, mark = after, "_"
    for child in node.children[1:]:
        if child.name == "mprescripts":
            side, mark = before, "_"
            continue
        tex = "" if child.name == "none" else to_tex(child)
        side += [f"{mark}{{{tex}}}"] if tex else []
        mark = "^" if mark == "_" else "_"
    base = _base(node.children[0]) if node.children else ""
    return ("{}" + "".join(before) if before else "") + base + "".join(after)


def _fenced(node: Node) -> str:
    start, end = node.attributes.get("open", "("), node.attributes.get("close", ")")
    separators = node.attributes.get("separators", ",").replace(" ", "")
    inner = _only(node.children[0]) if len(node.children) == 1 else None
    if inner is not None and inner.name == "mtable" and _MATRICES.get(start + end):
        return _table(inner, _MATRICES[start + end])
    pieces: list[str] = []
    for i, child in enumerate(node.children):
        if i and separators:
            pieces.append(command(separators[min(i, len(separators)) - 1]))
        pieces.append(to_tex(child))
    signs = [joined([command(c) for c in sign]) or "." for sign in (start, end)]
    return joined([r"\left" + signs[0], *pieces, r"\right" + signs[1]])


def _enclosed(node: Node) -> str:
    inner, notation = _row(node.children), node.attributes.get("notation", "longdiv")
    for name, tex in (("box", "boxed"), ("updiagonalstrike", "cancel"), ("downdiagonalstrike", "bcancel")):
        if name in notation:
            return rf"\{tex}{{{inner}}}"
    return rf"\sqrt{{{inner}}}" if notation == "radical" else inner


def _table(node: Node, environment: str = "") -> str:
    rows = [r for r in node.children if r.name in ("mtr", "mlabeledtr")]
    lines = []
    aligned = ""
    for row in rows:
        cells = [c for c in row.children if c.name == "mtd"][row.name == "mlabeledtr" :]
        if len(cells) > 2 and _is_label(cells):
            cells.pop()
        lines.append(" & ".join(_row(c.children) for c in cells))
        own = "".join(c.attributes.get("columnalign", " ")[0] for c in cells)
        aligned = aligned or own.strip()
    argument = ""
    if not environment:
        columns = node.attributes.get("columnalign", "").split()
        if columns[:2] == ["right", "left"] or (
            node.attributes.get("displaystyle") == "true" and aligned[:2] == "rl"
        ):
            environment = "aligned"
        elif aligned:
            environment, argument = "array", f"{{{aligned}}}"
        else:
            environment = "matrix"
    return rf"\begin{{{environment}}}{argument}" + r" \\ ".join(lines) + rf"\end{{{environment}}}"


def _is_label(cells: list[Node]) -> bool:
    """Whether the last cell of a row is the number of its equation: text in parentheses, not aligned as
    the others are."""
    last = cells[-1]
    text = _only(last.children[0]).text.strip() if len(last.children) == 1 else ""
    numbered = text.startswith("(") and text.endswith(")") and _only(last.children[0]).name == "mtext"
    return numbered and "columnalign" in cells[0].attributes and "columnalign" not in last.attributes


def _styled(node: Node) -> str:
    inner = _only(node)
    if node.attributes.get("scriptlevel") == "1" and inner.name == "mtable":
        rows = (" ".join(_row(c.children) for c in r.children) for r in inner.children)
        return r"\substack{" + r" \\ ".join(rows) + "}"
    if inner.name == "mfrac" and not _is_binomial(inner):
        kind = {"true": "d", "false": "t"}.get(node.attributes.get("displaystyle", ""), "")
        return "\\" + kind + _fraction(inner)[1:]
    tex = _row(node.children)
    if len(node.children) == 3 and tex.startswith(r"\binom") and "displaystyle" in node.attributes:
        return ("\\d" if node.attributes["displaystyle"] == "true" else "\\t") + tex[1:]
    variant = VARIANTS.get(node.attributes.get("mathvariant", ""), "")
    return f"{variant}{{{tex}}}" if variant and tex else tex


_CONVERTERS: dict[str, Callable[[Node], str]] = {
    "mi": _identifier,
    "mn": _number,
    "mo": _operator,
    "mtext": _text,
    "ms": _text,
    "mspace": _space,
    "mfrac": _fraction,
    "msqrt": lambda node: rf"\sqrt{{{_row(node.children)}}}",
    "mroot": _root,
    "msup": lambda node: _script(node, "^"),
    "msub": lambda node: _script(node, "_"),
    "msubsup": lambda node: _script(node, "_^"),
    "mover": _over,
    "munder": _under,
    "munderover": lambda node: _over_and_under(node, (1, 2)),
    "mmultiscripts": _prescripts,
    "mfenced": _fenced,
    "menclose": _enclosed,
    "mtable": _table,
    "mstyle": _styled,
    "semantics": lambda node: _row(node.children[:1]),
    "maction": lambda node: _row(node.children[:1]),
}
