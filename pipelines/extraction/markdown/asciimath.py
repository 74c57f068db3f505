r"""AsciiMath -> TeX.

Belongs here: the grammar and symbols of asciimath.org. Does not belong here: where a page holds
AsciiMath (formulas.py).

Grammar (asciimath.org): an expression is a row of simple expressions, each with `_` and `^`, and
`/` between two of them; brackets around the whole of a fraction's part, root or power are dropped.
Written here because py-asciimath 0.3, the only converter on PyPI, has had no release since 2020.
"""

from __future__ import annotations

import re

MAX_CHARS = 2000  # of one formula
MAX_DEPTH = 40
_SAME = (
    "alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi "
    "pi rho sigma tau upsilon phi varphi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Phi "
    "Psi Omega sin cos tan sec csc cot arcsin arccos arctan sinh cosh tanh exp log ln det dim gcd "
    "max min lim inf in notin subset supset cup cap sum prod int oint partial nabla "
    "times div cdot ast star circ oplus otimes odot wedge vee pm mp ne le ge leq geq lt gt prec "
    "succ cong approx equiv propto forall exists bot top vdash models aleph ldots cdots vdots "
    "ddots quad qquad diamond square lfloor rfloor lceil rceil langle rangle uparrow downarrow "
    "rightarrow to leftarrow leftrightarrow Rightarrow Leftarrow Leftrightarrow mapsto setminus "
    "neg angle triangle therefore because infty emptyset bullet"
)
_SYMBOLS = {name: "\\" + name for name in _SAME.split()}
_OTHERS = (
    r"* \cdot ** \ast *** \star // / \\ \backslash xx \times -: \div @ \circ o+ \oplus ox \otimes "
    r"o. \odot ^^ \wedge ^^^ \bigwedge vv \vee vvv \bigvee nn \cap nnn \bigcap uu \cup uuu \bigcup "
    r"!= \ne <= \le >= \ge -< \prec >- \succ !in \notin sub \subset sube \subseteq supe \supseteq "
    r"-= \equiv ~= \cong ~~ \approx ~ \sim prop \propto not \neg => \implies <=> \iff AA \forall "
    r"EE \exists _|_ \bot TT \top |-- \vdash |== \models del \partial +- \pm O/ \emptyset oo "
    r"\infty ... \ldots :. \therefore :' \because uarr \uparrow darr \downarrow rarr \rightarrow "
    r"-> \to larr \leftarrow harr \leftrightarrow rArr \Rightarrow lArr \Leftarrow hArr "
    r"\Leftrightarrow |-> \mapsto CC \mathbb{C} NN \mathbb{N} QQ \mathbb{Q} RR \mathbb{R} ZZ "
    r"\mathbb{Z} = = < < > > |__ \lfloor __| \rfloor |~ \lceil ~| \rceil dx dx dy dy dz dz dt dt "
    r"lcm \operatorname{lcm} mod \operatorname{mod} abs abs Lim \lim hat hat sup \supset grad \nabla"
)
_SYMBOLS |= dict(zip(_OTHERS.split()[::2], _OTHERS.split()[1::2], strict=True))
_SYMBOLS |= {word: rf"\text{{ {word} }}" for word in ("and", "or", "if")}
_UNARY_PAIRS = (
    r"sqrt \sqrt hat \hat bar \overline overline \overline vec \vec dot \dot ddot \ddot tilde "
    r"\tilde ul \underline underline \underline ubrace \underbrace underbrace \underbrace obrace "
    r"\overbrace overbrace \overbrace bb \mathbf bbb \mathbb cc \mathcal tt \mathtt fr \mathfrak "
    r"sf \mathsf mathbf \mathbf mathbb \mathbb mathcal \mathcal cancel \cancel abs || norm ‖‖ "
    r"floor ⌊⌋ ceil ⌈⌉"
)
_UNARY = dict(zip(_UNARY_PAIRS.split()[::2], _UNARY_PAIRS.split()[1::2], strict=True))
_BINARY = {
    "frac": r"\frac",
    "root": r"\sqrt",
    "stackrel": r"\stackrel",
    "overset": r"\overset",
    "underset": r"\underset",
}
_LEFT = {"(": "(", "[": "[", "{": r"\{", "(:": r"\langle", "{:": ".", "<<": r"\langle", "langle": r"\langle"}
_RIGHT = {")": ")", "]": "]", "}": r"\}", ":)": r"\rangle", ":}": ".", ">>": r"\rangle", "rangle": r"\rangle"}
_WRAPS = {"||": (r"\left|", r"\right|"), "‖‖": (r"\left\|", r"\right\|")}
_WRAPS |= {"⌊⌋": (r"\left\lfloor ", r"\right\rfloor "), "⌈⌉": (r"\left\lceil ", r"\right\rceil ")}
_NAMES = sorted(
    [*_SYMBOLS, *_UNARY, *_BINARY, *_LEFT, *_RIGHT, "text", "_", "^", "/", "|"], key=len, reverse=True
)
_TOKEN = re.compile(
    r'\s*(?:"(?P<quoted>[^"]*)"|text\((?P<text>[^()]*)\)|(?P<number>[0-9]+(?:\.[0-9]+)?)|(?P<name>'
    + "|".join(map(re.escape, _NAMES))
    + r")|(?P<other>\S))"
)


def asciimath_to_tex(source: str) -> str:
    """The TeX of a formula; "" where it is too long or nested too deeply."""
    if len(source) > MAX_CHARS:
        return ""
    try:
        return _Reader(source).row(())
    except RecursionError:
        return ""


class _Reader:
    """Reads tokens from left to right: (kind, text)."""

    def __init__(self, source: str) -> None:
        self.tokens = [(m.lastgroup or "", m[m.lastgroup or 0]) for m in _TOKEN.finditer(source)]
        self.at = self.depth = 0

    def peek(self) -> str:
        """The next token if it is a name or sign; "" at the end and before text."""
        if self.at >= len(self.tokens) or self.tokens[self.at][0] in ("quoted", "text"):
            return ""
        return self.tokens[self.at][1]

    def row(self, ends: tuple[str, ...]) -> str:
        """Expressions up to one of `ends`, which is left unread."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise RecursionError
        pieces = []
        while self.at < len(self.tokens) and self.peek() not in ends:
            part = self.with_scripts()
            if self.peek() == "/":
                self.at += 1
                below = self.with_scripts() if self.at < len(self.tokens) else ""
                part = rf"\frac{{{_bare(part)}}}{{{_bare(below)}}}"
            pieces.append(part)
        self.depth -= 1
        return " ".join(filter(None, pieces))

    def with_scripts(self) -> str:
        tex = self.simple()
        for mark in "_^":
            if self.peek() == mark:
                self.at += 1
                tex += f"{mark}{{{_bare(self.simple())}}}"
        return tex

    def simple(self) -> str:
        """One simple expression."""
        if self.at >= len(self.tokens):
            return ""
        kind, token = self.tokens[self.at]
        self.at += 1
        if kind in ("quoted", "text"):
            return rf"\text{{{token}}}"
        if token in _LEFT:
            return self.bracketed(token)
        if token == "|":
            return self.between_bars()
        if token in _UNARY:
            inner = _bare(self.simple())
            if _UNARY[token] in _WRAPS:
                return inner.join(_WRAPS[_UNARY[token]])
            return f"{_UNARY[token]}{{{inner}}}"
        if token in _BINARY:
            first, second = _bare(self.simple()), _bare(self.simple())
            return (
                rf"\sqrt[{first}]{{{second}}}"
                if token == "root"
                else f"{_BINARY[token]}{{{first}}}{{{second}}}"
            )
        if token in _RIGHT:
            return _RIGHT[token].strip(".")
        return _SYMBOLS.get(token, "\\" + token if token in "#%&$" else token)

    def bracketed(self, opening: str) -> str:
        inner = self.row(tuple(_RIGHT))
        closing = self.peek()
        self.at += 1
        rows = _matrix(inner) if opening in ("[", "(", "{:", "{", "|") else None
        end = _RIGHT.get(closing, ".")
        if rows:
            body = r" \\ ".join(rows)
            return rf"\left{_LEFT[opening]}\begin{{matrix}}{body}\end{{matrix}}\right{end}"
        return (
            rf"\left{_LEFT[opening]} {inner} \right{end}" if inner else rf"{_LEFT[opening]}{end}".strip(".")
        )

    def between_bars(self) -> str:
        start = self.at
        inner = self.row(("|", *_RIGHT))
        if self.peek() == "|" and inner:
            self.at += 1
            return rf"\left| {inner} \right|"
        self.at = start
        return "|"


_WHOLE = re.compile(r"\\left([(\[.]|\\\{) (.*) \\right([)\].]|\\\})", re.DOTALL)


def _bare(tex: str) -> str:
    """An expression without the brackets that only group it."""
    found = _WHOLE.fullmatch(tex)
    if not found or found[2].count(r"\left") != found[2].count(r"\right"):
        return tex
    depth = 0
    for m in re.finditer(r"\\(left|right)(?![a-z])", found[2]):
        depth += 1 if m[1] == "left" else -1
        if depth < 0:
            return tex
    return found[2]


_MATRIX_ROW = re.compile(r"\\left[(\[] ((?:(?!\\left|\\right).)*) \\right[)\]]")


def _matrix(inner: str) -> list[str] | None:
    """The rows of a matrix: two or more bracketed rows of equal length with commas between."""
    rows = _MATRIX_ROW.findall(inner)
    if len(rows) < 2 or _MATRIX_ROW.sub("", inner).replace(",", "").strip():
        return None
    cells = [[cell.strip() for cell in row.split(",")] for row in rows]
    return [" & ".join(row) for row in cells] if len({len(row) for row in cells}) == 1 else None
