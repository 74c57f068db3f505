from __future__ import annotations

import pytest

from pipelines.extraction.markdown.asciimath import asciimath_to_tex


@pytest.mark.parametrize(
    ("source", "tex"),
    [
        ("E=mc^2", "E = m c^{2}"),
        ("x=(-b+-sqrt(b^2-4ac))/(2a)", r"x = \frac{- b \pm \sqrt{b^{2} - 4 a c}}{2 a}"),
        ("sum_(i=1)^n i^3", r"\sum_{i = 1}^{n} i^{3}"),
        ("[[a,b],[c,d]]", r"\left[\begin{matrix}a & b \\ c & d\end{matrix}\right]"),
        ("f(x)", r"f \left( x \right)"),
        ("|x| le oo", r"\left| x \right| \le \infty"),
        ('text(if) "x"', r"\text{if} \text{x}"),
        ("hat x in NN", r"\hat{x} \in \mathbb{N}"),
        ("root(3)(x)", r"\sqrt[3]{x}"),
        ("a sup b", r"a \supset b"),
        ("", ""),
        ("(", "("),
    ],
)
def test_expressions(source: str, tex: str) -> None:
    assert asciimath_to_tex(source) == tex


def test_no_source_is_too_deep_or_too_long() -> None:
    assert asciimath_to_tex("(" * 1000) == ""
    assert asciimath_to_tex("x" * 5000) == ""
