from __future__ import annotations

import pytest

from tests.support.html_pages import texts


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("3×10<sup>8</sup> m", "3×10^{8} m"),
        ("100<sup>2</sup>=10000", "100^{2}=10000"),
        ("H<sub>2</sub>O and log<sub>2</sub>8", "H_{2}O and log_{2}8"),
        ("20 km<sup>2</sup>", "20 km^{2}"),
        ("(a+b)<sup>n+1</sup>", "(a+b)^{n+1}"),
        ("x<sub>i</sub><sup>2</sup>", "x_{i}^{2}"),
        ("2<sup>n</sup>-1 and (x+y)<sup>n</sup>", "2^{n}-1 and (x+y)^{n}"),
        ("f<sup>(n)</sup>(x), as said<sup>(2)</sup>", "f^{(n)}(x), as said"),
        ("10<sup>－5</sup>", "10^{－5}"),
        ("the 21<sup>st</sup> of May, brand<sup>®</sup>", "the 21st of May, brand®"),
        ("as was shown<sup>[3]</sup>.", "as was shown."),
        ('as was shown<sup><a href="#n3">3</a></sup>.', "as was shown."),
        ("as was shown.<sup>12</sup> Next", "as was shown. Next"),
        ("面积是 5 平方米<sup>2</sup>", "面积是 5 平方米^{2}"),
        ("ages by <sup>14</sup>C and <sup>235</sup><sub>92</sub>U", "ages by ^{14}C and ^{235}_{92}U"),
        ("the sea. <sup>4</sup>He said", "the sea. 4He said"),
        ("M<sup>lle</sup> Curie, D<sup>r</sup> X", "Mlle Curie, D^{r} X"),
        ("fish<sup>†</sup>, A<sup>†</sup>", "fish, A^{†}"),
        ("<sup>small print of a whole line</sup>", "small print of a whole line"),
    ],
)
def test_powers_are_marked_and_footnotes_dropped(markup: str, text: str) -> None:
    assert texts(f"<p>{markup}</p>") == [text]


def test_ruby_keeps_its_base_alone() -> None:
    assert texts("<p>在<ruby>银<rt>yín</rt>行<rt>háng</rt></ruby>门口</p>") == ["在银行门口"]
    assert texts("<ruby>终<rp>(</rp><rt>zhōng</rt><rp>)</rp></ruby>于") == ["终于"]
    assert texts("<ruby><rb>漢<rt>kan<rb>字<rt>ji</ruby>です") == ["漢字です"]


def test_unseen_characters_go_and_joiners_stay() -> None:
    assert texts("<p>re&shy;mem\u00adber \u200ea\u202eb\u2066c &#8203;d</p>") == ["remember abc d"]
    assert texts("<p>می\u200cخواهم 👩\u200d🔧</p>") == ["می\u200cخواهم 👩\u200d🔧"]


def test_tex_in_text_has_dollar_signs_and_code_is_left_alone() -> None:
    assert texts(r"<p>so \(a &lt; b\) and \[c\]</p>") == ["so $a < b$ and $$c$$"]
    assert texts(r"<p>so <code>s/\(a\)/b/</code> and \(c\)</p>") == [r"so s/\(a\)/b/ and $c$"]


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        (r"from $5 to $10 a unit of \(x\)", r"from \$5 to \$10 a unit of $x$"),
        (r"$5 a unit of <math><mi>x</mi></math>, or US$1,200.", r"\$5 a unit of $x$, or US\$1,200."),
        (r"每个 $3.50 的 \(n\)", r"每个 \$3.50 的 $n$"),
        (r"with $5$, $5 cm$, $2 x + 1$ and \(y\)", r"with $5$, $5 cm$, $2 x + 1$ and $y$"),
        ("from $5 to $10 a unit", "from $5 to $10 a unit"),
    ],
)
def test_money_beside_a_formula_is_no_delimiter(markup: str, text: str) -> None:
    assert texts(f"<p>{markup}</p>") == [text]


def test_breaks_part_lines_and_spaces_are_one() -> None:
    assert texts("<p>a\n  b<br>c<sup>2</sup><br> d &amp;lt; e</p>") == ["a b\nc^{2}\nd &lt; e"]
