from __future__ import annotations

import random
import re

import latex2mathml.converter
import pytest

from pipelines.extraction.markdown.mathml import to_tex
from pipelines.extraction.markdown.mathml_tree import parse


def tex(inner: str) -> str:
    node = parse(f'<p><math xmlns="x">{inner}</math></p>')
    assert node is not None
    return to_tex(node)


@pytest.mark.parametrize(
    ("mathml", "expected"),
    [
        ("<mi>sin</mi><mi>x</mi>", r"\sin x"),
        ("<mi>α</mi><mi>x</mi>", r"\alpha x"),
        ("<mn mathvariant='bold'>1</mn><mn mathvariant='double-struck'>1</mn>", r"\mathbf{1}\mathbb{1}"),
        (
            "<mi mathvariant='bold'>V</mi><mi>&#x211D;</mi><mi>&#x1D431;</mi>",
            r"\mathbf{V}\mathbb{R}\mathbf{x}",
        ),
        ("<mfrac><mn>1</mn><mn>2</mn></mfrac><mi>m</mi>", r"\frac{1}{2}m"),
        ("<msubsup><mi>x</mi><mi>i</mi><mn>2</mn></msubsup>", "x_{i}^{2}"),
        ("<msup><mrow><mi>a</mi><mi>b</mi></mrow><mn>2</mn></msup>", "{ab}^{2}"),
        ("<msup><mi>f</mi><mo>′</mo></msup>", "f'"),
        ("<mroot><mi>x</mi><mn>3</mn></mroot><msqrt><mi>y</mi></msqrt>", r"\sqrt[3]{x}\sqrt{y}"),
        ("<munderover><mo>∑</mo><mi>i</mi><mi>n</mi></munderover>", r"\sum_{i}^{n}"),
        ("<munder><mo>lim</mo><mi>x</mi></munder>", r"\lim_{x}"),
        (
            "<mover><mi>x</mi><mo>^</mo></mover><mover><mi>xy</mi><mo>¯</mo></mover>",
            r"\hat{x}\overline{\mathrm{xy}}",
        ),
        ("<mover><mo>→</mo><mi>f</mi></mover>", r"\xrightarrow{f}"),
        ("<mo>(</mo><mfrac linethickness='0'><mi>n</mi><mi>k</mi></mfrac><mo>)</mo>", r"\binom{n}{k}"),
        (
            "<mo>(</mo><mtable><mtr><mtd><mi>a</mi></mtd><mtd><mi>b</mi></mtd></mtr></mtable><mo>)</mo>",
            r"\begin{pmatrix}a & b\end{pmatrix}",
        ),
        ("<mo>{</mo><mtable><mtr><mtd><mi>a</mi></mtd></mtr></mtable>", r"\begin{cases}a\end{cases}"),
        ("<mfenced open='[' close=')'><mi>a</mi><mi>b</mi></mfenced>", r"\left[a,b\right)"),
        (
            "<mmultiscripts><mi>X</mi><mi>b</mi><none/><mprescripts/><mi>a</mi><none/></mmultiscripts>",
            "{}_{a}X_{b}",
        ),
        ("<mtext>if 5%</mtext><mspace width='1em'/><mo>Var</mo>", r"\text{if 5\%}\quad\operatorname{Var}"),
        ("<mi></mi><mo>&#x2061;</mo><!-- c --><mn>1 000</mn><mo>&lt;</mo>", "1000<"),
        ("<munder><mo>lim\u2006inf</mo><mi>n</mi></munder><mi>x</mi>", r"\liminf_{n}x"),
        ("<munder><mi>arg max</mi><mi>x</mi></munder>", r"\operatorname*{arg\,max}_{x}"),
        (
            "<mi>a</mi><mspace width='1em'/><mo>(</mo><mi>mod</mi><mspace width='.333em'/><mi>n</mi>"
            "<mo>)</mo>",
            r"a\pmod{n}",
        ),
        ("<mn>7</mn><mo>mod</mo><mn>3</mn>", r"7\bmod3"),
        ("<mi mathvariant='italic'>ac</mi><mi>\\arg</mi><mi>x</mi>", r"\mathit{ac}\arg x"),
        (
            "<mtable displaystyle='true'><mtr><mtd columnalign='right'><mi>a</mi></mtd><mtd columnalign="
            "'left'><mo>=</mo><mn>1</mn></mtd><mtd><mtext>(1)</mtext></mtd></mtr></mtable>",
            r"\begin{aligned}a & =1\end{aligned}",
        ),
        (
            "<mstyle displaystyle='true'><mo>(</mo><mfrac linethickness='0'><mi>n</mi><mi>k</mi></mfrac>"
            "<mo>)</mo></mstyle>",
            r"\dbinom{n}{k}",
        ),
        (
            "<mfrac><mstyle scriptlevel='0'><mn>1</mn></mstyle><mstyle scriptlevel='0'><mi>x</mi></mstyle>"
            "</mfrac>",
            r"\cfrac{1}{x}",
        ),
        ("<mo>⟂</mo><mo>↗</mo><mo>⊧</mo><mo>⊴</mo>", r"\perp\nearrow\models\trianglelefteq"),
        ("<semantics><mi>x</mi><annotation-xml><mi>y</mi></annotation-xml></semantics>", "x"),
    ],
)
def test_elements_of_mathml(mathml: str, expected: str) -> None:
    assert tex(mathml) == expected


ATOMS = [*"abcxyzn", "2", "10", r"\alpha", r"\beta", r"\lambda", r"\Omega", r"\infty", r"\pi", r"\mathbb{R}"]
RELATIONS = ["=", r"\leq", r"\neq", r"\approx", r"\in", r"\to", "<", r"\subseteq"]
SIGNS = ["+", "-", r"\times", r"\cdot", r"\pm", r"\cup"]


def formula(draw: random.Random, depth: int = 3) -> str:
    """Some TeX of school and university mathematics."""
    if depth == 0:
        return draw.choice(ATOMS)

    def part() -> str:
        return formula(draw, depth - 1)

    kinds = [
        lambda: rf"{part()} {draw.choice(SIGNS)} {part()}",
        lambda: rf"{part()} {draw.choice(RELATIONS)} {part()}",
        lambda: rf"\frac{{{part()}}}{{{part()}}}",
        lambda: rf"\sqrt{{{part()}}}",
        lambda: rf"\sqrt[3]{{{part()}}}",
        lambda: rf"{draw.choice(ATOMS[:7])}_{{{part()}}}^{{{part()}}}",
        lambda: rf"\left( {part()} \right)^{{2}}",
        lambda: rf"\sum_{{i=1}}^{{n}} {part()}",
        lambda: rf"\int_{{0}}^{{1}} {part()} dx",
        lambda: rf"\lim_{{x \to 0}} {part()}",
        lambda: rf"\sin\left( {part()} \right)",
        lambda: rf"\hat{{{draw.choice('xyz')}}} + \overline{{{part()}}}",
        lambda: rf"\binom{{n}}{{{draw.choice('kij')}}} {part()}",
        lambda: rf"\begin{{pmatrix}} {part()} & {part()} \\ {part()} & {part()} \end{{pmatrix}}",
        lambda: rf"\begin{{cases}} {part()} & {part()} \\ {part()} & {part()} \end{{cases}}",
        lambda: rf"| {part()} | < \vec{{v}} \ldots",
    ]
    return draw.choice(kinds)()


def bare(source: str) -> str:
    return re.sub(r"\s|[{}]", "", source)


def test_formulas_come_back_from_mathml() -> None:
    draw = random.Random(13)
    wrong = []
    for _ in range(300):
        source = formula(draw)
        node = parse(latex2mathml.converter.convert(source))
        assert node is not None
        if bare(to_tex(node)) != bare(source):
            wrong.append((source, to_tex(node)))
    assert len(wrong) <= 3, wrong[:5]
