from __future__ import annotations

import re

import pytest

from pipelines.extraction.markdown.code import Code, code_of, fenced, is_line_numbers, is_prose, raw_code
from tests.support import code_pages_docs, code_pages_forums, code_pages_sites
from tests.support.code_pages import CODE
from tests.support.html_pages import whole_text

PAGES = code_pages_docs.PAGES | code_pages_forums.PAGES | code_pages_sites.PAGES
GUTTER = '<td class="gutter"><pre><span>1</span><br><span>2</span><br></pre></td>'


@pytest.mark.parametrize(
    ("markup", "code"),
    [
        ("a\n\tb\n\n  c", "a\n\tb\n\n  c"),
        (
            '<div class="line">a {</div><div class="line">  b</div><div class="line"></div><div>}</div>',
            "a {\n  b\n\n}",
        ),
        ("<div>a</div>\n<div>  b</div>\n", "a\n  b"),
        ("<span>a</span><br><span>  b</span><br>", "a\n  b"),
        ("<div>a<br></div><div><br></div><div>b</div>", "a\n\nb"),
        ("<ol><li>a</li><li>  b</li></ol>", "a\n  b"),
        ('<code style="display:block">a</code><code style="display:block">b</code>', "a\nb"),
        ('<div style="display:inline">a</div> <div style="display: inline">b</div>', "a b"),
        ("if&nbsp;x &lt; 1:\r\n  y<button>Copy</button><svg>z</svg><!-- c -->", "if x < 1:\n  y"),
        ('<span class="lineno">1 </span>a\n<span class="lineno">2 </span>b', "a\nb"),
        ('<span class="line-number" data-line="1"></span>a', "a"),
        ('<span class="number">1</span> + <span class="num">x</span>', "1 + x"),
        ('a <i class="conum" data-value="1"></i><b>(1)</b>\nb <b>(1)</b>', "a\nb (1)"),
        (f'<table><tr>{GUTTER}<td class="code"><pre>x\n  y</pre></td></tr></table>', "x\n  y"),
    ],
)
def test_lines_and_indentation_are_exact(markup: str, code: str) -> None:
    assert code_of(markup, "<pre>") == code


@pytest.mark.parametrize(
    ("around", "tag", "inner", "language"),
    [
        ("", "<pre>", '<code class="language-python">', "python"),
        ('<figure class="highlight js">', "<pre>", "", "js"),
        ('<div class="highlight-source-shell">', "<pre>", "", "shell"),
        ("", '<pre class="brush: java; toolbar: false">', "", "java"),
        ("", '<pre data-lang="rust">', "", "rust"),
        ("", '<pre class="line-numbers language-none">', "", ""),
        ('<div class="java-course">', "<pre>", "", ""),
        ("", '<pre class="hljs sql">', "", "sql"),
    ],
)
def test_language_where_named(around: str, tag: str, inner: str, language: str) -> None:
    assert code_of(f"{inner}x", tag, around).language == language


def test_fences_are_longer_than_any_within() -> None:
    assert fenced(code_of("a", "<pre>")) == "```\na\n```"
    assert fenced(code_of("  a\n\n    b", "<pre>")) == "```\na\n\n  b\n```"
    assert fenced(code_of(" \ta\n  b\nc", "<pre>")) == "```\n \ta\n  b\nc\n```"
    assert fenced(code_of("```\na\n```", "<pre>")) == "````\n```\na\n```\n````"


def test_gutters_and_prose_are_no_code() -> None:
    assert is_line_numbers("1\n2\n3") and not is_line_numbers("1\n3") and not is_line_numbers("")
    code = Code("The old mill has stood beside the river for as long as anyone remembers,\n" * 3)
    code.language = ""
    assert is_prose(code) and not is_prose(code_of("for (i = 0; i < n; i++) { step(); }\n" * 5, "<pre>"))


def test_code_in_a_frame_is_its_only_inner_element() -> None:
    frame = '<p>Code: <a href="#">Select all</a></p><pre><code>a\n  b</code></pre>'
    assert code_of(frame, '<div class="codebox">') == "a\n  b"
    assert code_of("<code>a</code> <code>b</code>", "<div>") == "a b"


def test_code_whose_class_names_a_language_keeps_its_lines() -> None:
    markup = "a\n  b"
    assert code_of(markup, "<code>", '<p><code class="language-c">') == markup
    assert code_of(markup, "<code>", "<p><code>") == "a b"


def test_raw_code_is_read_as_its_element_says() -> None:
    assert raw_code("\na &lt; b\r\n", '<textarea class="java">') == "a < b"
    assert raw_code("a &lt; <b>", "<xmp>") == "a &lt; <b>"
    assert raw_code(" <![CDATA[\na\n]]> ", '<script class="brush: js">').language == "js"


def test_the_code_of_hexo_and_of_other_software() -> None:
    lines = '<span class="line">for x in y:</span><br><span class="line">    f(x)</span><br>'
    code = f'<td class="code"><pre>{lines}</pre></td>'
    figure = f'<figure class="highlight python"><table><tr>{GUTTER}{code}</tr></table></figure>'
    assert whole_text(f"<p>a</p>{figure}<p>b</p>") == "a\n```python\nfor x in y:\n    f(x)\n```\nb"
    gist = '<tr><td class="blob-num" data-line-number="1"></td><td class="blob-code">a {</td></tr>'
    table = (
        f'<table class="highlight js-file-line-container">\n{gist}\n{gist.replace("a {", "&nbsp; b")}</table>'
    )
    assert whole_text(table) == "```\na {\n  b\n```"


@pytest.mark.parametrize("name", PAGES)
def test_every_highlighter_gives_its_code_exactly(name: str) -> None:
    text = whole_text(f"<p>Before it.</p>{PAGES[name](CODE)}<p>Behind it.</p>")
    found = re.search(r"^```(\w*)\n(.*?)\n```$", text, re.DOTALL | re.MULTILINE)
    assert found, text
    assert found[2] == "\n".join(CODE)
    assert text.count("```") == 2 and "\n2\n" not in text
