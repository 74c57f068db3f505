from __future__ import annotations

from pipelines.extraction.markdown.glyphs import glyphs_to_mathml
from pipelines.extraction.markdown.mathml import to_tex


def tex(markup: str) -> str:
    node = glyphs_to_mathml(markup)
    return "" if node is None else to_tex(node)


def glyph(code: str) -> str:
    return f'<mjx-c class="mjx-c{code} TEX-I"></mjx-c>'


def test_html_of_mathjax() -> None:
    x, two = f"<mjx-mi>{glyph('1D465')}</mjx-mi>", f"<mjx-mn>{glyph('32')}</mjx-mn>"
    power = f"<mjx-msup>{x}<mjx-script>{two}</mjx-script></mjx-msup>"
    row = f"<mjx-row><mjx-den>{two}</mjx-den></mjx-row>"
    below = f"<mjx-dbox><mjx-dtable><mjx-line></mjx-line>{row}</mjx-dtable></mjx-dbox>"
    fraction = f"<mjx-mfrac><mjx-frac><mjx-num>{power}</mjx-num>{below}</mjx-frac></mjx-mfrac>"
    root = f"<mjx-msqrt><mjx-sqrt><mjx-surd></mjx-surd><mjx-box>{x}</mjx-box></mjx-sqrt></mjx-msqrt>"
    both = f"<mjx-msubsup>{x}<mjx-script>{two}<mjx-spacer></mjx-spacer>{x}</mjx-script></mjx-msubsup>"
    page = f"<mjx-container><mjx-math>{fraction}{root}{both}</mjx-math></mjx-container>"
    assert tex(page) == r"\frac{x^{2}}{2}\sqrt{x}x_{x}^{2}"


def test_svg_of_mathjax() -> None:
    x = '<g data-mml-node="mi"><path data-c="1D465" d="M0"></path></g>'
    two = '<g data-mml-node="mn"><use data-c="32"></use></g>'
    power = f'<g data-mml-node="msup">{x}<g data-mml-node="TeXAtom">{two}</g></g>'
    assert tex(f'<svg><defs></defs><g data-mml-node="math">{power}</g></svg>') == "x^{2}"


def test_other_markup_is_none() -> None:
    assert glyphs_to_mathml("<span>x</span>") is None
