from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.extraction.page import extract
from tests.support.html_pages import whole_text

CASES = Path(__file__).resolve().parents[5] / "shared" / "data" / "cases" / "html"


def test_lists_have_markers_and_nesting() -> None:
    page = "<p>x</p><ul><li>a<li>b<ol start=3><li>c</li><li><p>d</p><p>e</p></li></ol><li>f</ul>y"
    assert whole_text(page) == "x\n- a\n- b\n  3. c\n  4. d\n    e\n- f\ny"


def test_lists_that_arrange_a_page_have_none() -> None:
    post = "<li><h3>head</h3><p>one</p><p>two</p></li>"
    assert whole_text(f"<ul>{post * 2}</ul>").count("- ") == 0


def test_equal_lines_are_content_unless_they_are_navigation() -> None:
    assert whole_text("<p>la la</p>" * 3) == "la la\nla la\nla la"
    assert whole_text("<p><a href=x>more</a></p>" * 3) == "more"


def test_a_paragraph_that_is_code_is_a_block_of_code() -> None:
    page = "<p>Run:</p><p><code>make  all</code> <code>-j</code></p><p>Use <code>x</code>.</p>"
    assert whole_text(page) == "Run:\n```\nmake all -j\n```\nUse x."
    item = "<ul><li><p><code>a</code></p><p><code>b</code></p></li></ul>"
    assert whole_text(item) == "- a\n```\nb\n```"
    assert whole_text("<p><a href=x><code>a</code></a></p>") == "a"


def test_a_block_of_code_in_the_language_math_is_a_formula() -> None:
    assert whole_text('<pre><code class="language-math">x^2</code></pre>') == "$$x^2$$"
    page = '<pre class="code math js-render-math" data-math-style="display"><code>x^2</code></pre>'
    assert whole_text(page) == "$$x^2$$"


def test_labels_and_line_numbers_beside_code_are_left_out() -> None:
    code = "<pre><code class=language-js>f()\ng()</code></pre>"
    assert whole_text(f"a<div>JavaScript</div>{code}<div>1<br>2</div>b") == ("a\n```js\nf()\ng()\n```\nb")
    assert whole_text(f"<h2>JavaScript</h2>{code}<div>3</div>") == "JavaScript\n```js\nf()\ng()\n```\n3"


def test_an_item_that_begins_with_code_has_its_marker() -> None:
    page = "<ol><li>a<pre>x</pre></li><li><pre>y</pre>b</li></ol>"
    assert whole_text(page) == "1. a\n```\nx\n```\n2.\n```\ny\n```\n  b"


def test_labels_of_a_bar_beside_code_are_left_out() -> None:
    bar = "<div>代码语言：<b>python</b></div><div>复制</div>"
    assert whole_text(f"<p>a</p>{bar}<pre class=language-python>f()</pre>") == "a\n```python\nf()\n```"
    for label in ("Code: [Select]", "View Code", "In&nbsp;[1]:", "Python代码"):
        assert whole_text(f"<p>a</p><div>{label}</div><pre>f()</pre>") == "a\n```\nf()\n```"
    assert whole_text("<p>a</p><div>Codes</div><pre>f()</pre>") == "a\nCodes\n```\nf()\n```"


def test_parts_of_one_code_are_one_block() -> None:
    page = "<p><code>a</code><br><br><code>&nbsp;b</code></p><p><code>c</code></p>"
    assert whole_text(page) == "```\na\n\n b\n```\n```\nc\n```"
    numbered = '<tr><td class="lineno">1</td><td>{}</td></tr>'
    assert whole_text(f"<table>{''.join(map(numbered.format, ('x', '', '&nbsp;y')))}</table>") == (
        "```\nx\n\n y\n```"
    )


def test_definitions_keep_their_terms_and_headings_an_empty_line() -> None:
    assert whole_text("<p>a</p><h2>b</h2><dl><dt>c<dd>d</dl>") == "a\n\nb\nc\nd"


def test_a_page_without_structure_keeps_its_text() -> None:
    assert whole_text("<div>a<p>b  c<br>d</p></div><blockquote>e</blockquote>") == "a\nb c\nd\ne"


@pytest.mark.skipif(not CASES.is_dir(), reason=f"{CASES} is not there: the shared data folder is needed")
@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("math-mathml", ["$E = m c^{2}$", "记作 $m$，", r"$\frac{1}{2}mv^{2}$"]),
        ("math-mathjax-script", [r"$x = \frac{-b \pm \sqrt{b^2-4ac}}{2a}$"]),
        ("math-wikipedia", [r"density is ${\displaystyle f(x)}$ with the scale"]),
        (
            "math-table",
            ["| Function | Error |\n| --- | --- |\n| elliptic | $1.33\\times 10^{-4}$ |\n| gamma |"],
        ),
        ("math-tex-plain", [r"$x = \frac{-b \pm \sqrt{b^2-4ac}}{2a}$", "如 $a < b$ 所示"]),
        ("math-supsub", ["100^{2}=10000", "3×10^{8} metres", "H_{2}O", "log_{2}8"]),
        (
            "code-hexo",
            ["```python\nwith open(name) as f:\n    for row in f:\n", "        count += 1\n```"],
        ),
        (
            "code-pre-linediv",
            ["```\nfunction walk(n) {\n  if (n) {\n", "      walk(c)\n    }\n\n    n.done()\n  }\n}\n```"],
        ),
        (
            "code-pre-spans",
            ["```python\ndef total(rows):\n    s = 0\n", "            s += r\n\n    return s\n```"],
        ),
        ("code-same-lines", ["```\nstep()\nstep()\nstep()\nstop()\n```"]),
        (
            "refrain",
            [
                "河水流过老磨坊，\n钟声响起来啊，\n钟声响起来啊，\n学徒扫地放工具，\n钟声响起来啊，\n钟声响起来啊。"
            ],
        ),
        ("ruby", ["在银行门口等了很久，终于看见"]),
        ("soft-hyphen", ["remember", "measured", "apprentices"]),
        ("list-span", ["- You have the right to know", "- You have the right to get them back"]),
        ("mixed-text", ["\nThis loose sentence stands", "\nAnd one more loose sentence"]),
        ("br-only", ["开了很多年\n店主每天清早打开木门\n先把"]),
    ],
)
def test_small_pages_with_a_known_answer(name: str, lines: list[str]) -> None:
    text = extract((CASES / f"{name}.html").read_text("utf-8")).text
    assert [line for line in lines if line not in text] == []
