from __future__ import annotations

import pytest

from pipelines.extraction.markdown.formulas import delimited, tex_of, with_asciimath
from tests.support.html_pages import texts

MATH = "<math><msup><mi>c</mi><mn>2</mn></msup></math>"
TEX = '<semantics><mrow/><annotation encoding="application/x-tex">E = m c^{2}</annotation></semantics>'


@pytest.mark.parametrize(
    ("markup", "formula"),
    [
        (MATH, "$c^{2}$"),
        (f"<math>{TEX}</math>", "$E = m c^{2}$"),
        ('<math alttext="a&lt;b" display="block"><mi>a</mi></math>', "$$a<b$$"),
        ('<script type="math/tex">x_1</script>', "$x_1$"),
        ('<script type="math/tex; mode=display">% <![CDATA[\nx_1 %]]></script>', "$$x_1$$"),
        ('<script type="math/asciimath">a/b</script>', r"$\frac{a}{b}$"),
        (f'<script type="math/mml">{MATH}</script>', "$c^{2}$"),
        (f'<span class="katex"><span class="katex-mathml"><math>{TEX}</math></span></span>', "$E = m c^{2}$"),
        (
            f'<span class="katex-display"><span class="katex"><math>{TEX}</math></span></span>',
            "$$E = m c^{2}$$",
        ),
        (f'<mjx-container display="true"><mjx-math/>{MATH}</mjx-container>', "$$c^{2}$$"),
        ('<mjx-container><mjx-math data-latex="x"><mjx-mi></mjx-mi></mjx-math></mjx-container>', "$x$"),
        (
            '<span class="MathJax" data-mathml="&lt;math&gt;&lt;mi&gt;q&lt;/mi&gt;&lt;/math&gt;"></span>',
            "$q$",
        ),
        ('<span class="ztext-math" data-eeimg="1" data-tex="x^2">x^2</span>', "$x^2$"),
        ('<span data-formula="x^2" data-tool="mdnice"><svg><g></g></svg></span>', "$x^2$"),
        ('<span class="block-equation" data-formula="x^2"><svg></svg></span>', "$$x^2$$"),
        (
            '<span class="katex--inline"><span class="katex"><span class="katex-mathml">\n x\n 2\n \n \n '
            'x^2\n \n</span><span class="katex-html"><span class="mord">x2</span></span></span></span>',
            "$x^2$",
        ),
        ('<img src="https://math.jianshu.com/math?formula=x%5E2">', "$x^2$"),
        (
            '<img alt="\\sum x_i" class="mathcode" src="https://latex.csdn.net/eq?%5Csum%20x_i">',
            r"$\sum x_i$",
        ),
        ('<img src="https://latex.csdn.net/eq?a&plus;b%5E%7B2%7D">', "$a+b^{2}$"),
        ('<img class="math-block" src="https://math.jianshu.com/math?formula=x" alt="x=1">', "$$x=1$$"),
        ('<span class="asciimath">x^2/3</span>', r"$\frac{x^{2}}{3}$"),
        ('<span data-latex="x^2"><svg><g></g></svg></span>', "$x^2$"),
        ("<math:math><math:mi>x</math:mi></math:math>", "$x$"),
        ('<img src="https://i.upmath.me/svg/x%5E2">', "$x^2$"),
        ('<img src="//chart.apis.google.com/chart?cht=tx&chl=x%5E2">', "$x^2$"),
        ('<img class="formula" src="y.svg" alt="x^2">', "$x^2$"),
        ('<img src="https://texrendr.com/?eqn=x%5E2">', "$x^2$"),
        ('<img class="latex" alt="\\kappa" src="https://s0.wp.com/latex.php?latex=%5Ckappa">', r"$\kappa$"),
        ('<img src="//latex.codecogs.com/gif.latex?\\dpi{120}&space;a^{2}&plus;b">', "$a^{2}+b$"),
        ('<img src="https://www.zhihu.com/equation?tex=x%5E2%2By" alt="x^2+y" eeimg="1">', "$x^2+y$"),
        ('<img src="/cgi-bin/mimetex.cgi?\\exp(z)-1" align="middle" />', r"$\exp(z)-1$"),
        ('<code class="code math js-render-math" data-math-style="inline">x</code>', "$x$"),
        ('<span class="js-render-math" data-math-style="display">x &lt; y</span>', "$$x < y$$"),
        ('<span class="math inline">x^2</span>', "$x^2$"),
        ('<span class="math display">x^2</span>', "$$x^2$$"),
        (r'<span class="math">\(x\)</span>', "$x$"),
        ('<span class="katex-error" title="ParseError">x^2</span>', "$x^2$"),
        ('<span class="math">Algebra</span>', "Algebra"),
        (f'<span class="math">{MATH}</span>', "$c^{2}$"),
        (
            '<img class="ql-img-inline-formula quicklatex" alt="&#120;&#94;&#50;" src="q.png">',
            "$x^2$",
        ),
        (r'<img class="ql-img-displayed-equation" alt="\[x^2\]" src="quicklatex.png">', "$$x^2$$"),
        ('<img class="texrender" alt="x^2" src="/filter/tex/pix.php/1.gif">', "$x^2$"),
        ('<IMG WIDTH="70" BORDER="0" SRC="img3.png" ALT="$x^2$">', "$x^2$"),
        (r'<img src="img9.png" alt="$\displaystyle x^2$">', r"$$\displaystyle x^2$$"),
        ('<img src="a.png" class="latexcenter" alt="\\[x^2\\]">', "$$x^2$$"),
        ('<img class="numberedequation" src="x.svg" alt="x^2">', "$x^2$"),
        ('<img data-latex="x^2" src="data:image/svg" class="ne-math">', "$x^2$"),
        (
            '<img class="Wirisformula" alt="c squared" data-mathml="«math xmlns=¨x¨»«msup»«mi»c«/mi»'
            '«mn»2«/mn»«/msup»«/math»" src="x">',
            "$c^{2}$",
        ),
        ('<img src="price.png" alt="$5">', ""),
        ('<img src="latex-mattress.jpg" alt="A mattress of latex">', ""),
        ('<img class="context" src="texture.png" alt="x_y">', ""),
    ],
)
def test_every_notation_gives_its_tex(markup: str, formula: str) -> None:
    assert tex_of(markup, False) == formula
    assert texts(f"<p>so {markup} it is</p>") == [" ".join(f"so {formula} it is".split())]


def test_a_formula_that_noscript_holds_is_read() -> None:
    image = '<img src="x.svg" class="mwe-math-fallback-image-inline" alt="x^2">'
    assert texts(f"<p>so <noscript>{image}</noscript> is</p>") == ["so $x^2$ is"]


def test_what_stands_around_a_post_is_left_out() -> None:
    assert delimited(r"$\begingroup$ Let $x$ be $\endgroup$") == r"Let $x$ be "


def test_what_mathjax_drew_is_left_out_beside_its_script() -> None:
    drawn = '<span class="MathJax_Preview">x</span><span class="MathJax" id="M-1-Frame"><nobr>x</nobr></span>'
    assert texts(f'<p>so {drawn}<script type="math/tex" id="M-1">x</script> is</p>') == ["so $x$ is"]


def test_a_hidden_formula_beside_its_image_is_read_once() -> None:
    hidden = f'<span class="mwe-math-mathml-inline" style="display: none;"><math>{TEX}</math></span>'
    image = '<img class="mwe-math-fallback-image-inline" alt="E = m c^{2}" src="x.svg">'
    assert texts(f'<p>so <span class="mwe-math-element">{hidden}{image}</span>.</p>') == ["so $E = m c^{2}$."]
    assert texts(f"<p>so {hidden}{image}.</p>") == ["so $E = m c^{2}$."]


@pytest.mark.parametrize(
    ("text", "formula"),
    [
        (r"a \(x\) b \[y\] c", "a $x$ b $$y$$ c"),
        ("[tex]p(x)[/tex] and [itex]q[/itex]", "$$p(x)$$ and $q$"),
        (r"\begin{align*}a &= b\\[4pt] c\end{align*}", r"$$\begin{align*}a &= b\\[4pt] c\end{align*}$$"),
        (r"$$\begin{align}a\end{align}$$", r"$$\begin{align}a\end{align}$$"),
        (r"分组用 \( 和 \) 来写成，这里的括号前面都要加上反斜杠 \)", None),
        ("$5 and $6", "$5 and $6"),
        (r"\( a \[b\] c", r"\( a $$b$$ c"),
        (r"\\(a\) [tex]b\(c\)", r"\\(a\) [tex]b$c$"),
        (
            r"\begin{align}a \begin{equation}b\end{equation}",
            r"\begin{align}a $$\begin{equation}b\end{equation}$$",
        ),
    ],
)
def test_delimiters_become_dollar_signs(text: str, formula: str | None) -> None:
    assert formula is None or delimited(text) == formula


def test_asciimath_between_backticks() -> None:
    assert with_asciimath("area `pi r^2` of") == r"area $\pi r^{2}$ of"
    assert with_asciimath(r"`a`\ `\ \ \ `b").split() == ["$a$\\", "b"]
    page = "<p>area `a/b` of</p>"
    from tests.support.html_pages import whole_text

    assert whole_text(page) == "area `a/b` of"
    assert whole_text("<script src='MathJax.js?config=AM_CHTML'></script>" + page) == r"area $\frac{a}{b}$ of"


def test_a_formula_alone_is_a_block_and_an_endless_one_is_none() -> None:
    assert texts(f"<div>{MATH}</div><p>b</p>") == ["$c^{2}$", "b"]
    assert tex_of("<math>" + "<mi>x</mi>" * 30_000, False) == ""
    long = (
        f"<math><semantics><mrow>{'<mi>x</mi>' * 3000}</mrow>{TEX.removeprefix('<semantics><mrow/>')}</math>"
    )
    assert tex_of(long, False) == "$E = m c^{2}$"
