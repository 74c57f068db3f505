"""The markup that highlighters and generators of sites write for one block of code.

Belongs here: one function a form of markup, lines of code in, an element out. Does not belong here:
forms of single sites and forums (code_pages_sites.py), what is made of them. The forms follow what
the named software writes; the words are ours.
"""

from __future__ import annotations

import html
from collections.abc import Callable

CODE = [
    "def walk(tree, depth=0):",
    '    """Yield <nodes> & leaves."""',
    "    if depth < 2:",
    "        for part in tree[1:]:",
    "            yield from walk(part, depth + 1)",
    "",
    "    # a comment with $x$ and `y`",
    "    return None",
]
Lines = list[str]
PAGES: dict[str, Callable[[Lines], str]] = {}


def page(name: str) -> Callable[[Callable[[Lines], str]], Callable[[Lines], str]]:
    def add(written: Callable[[Lines], str]) -> Callable[[Lines], str]:
        PAGES[name] = written
        return written

    return add


def escaped(lines: Lines) -> Lines:
    return [html.escape(line, quote=False) for line in lines]


def tokens(line: str, mark: str = "span class=token") -> str:
    """The first word of a line in an element of its own, as highlighters have it."""
    bare = html.escape(line, quote=False)
    body = bare.lstrip()
    word, space, rest = body.partition(" ")
    indent = bare[: len(bare) - len(body)]
    return f"{indent}<{mark}>{word}</{mark.split()[0]}>{space}{rest}" if word else bare


def _numbers(lines: Lines) -> list[int]:
    return list(range(1, len(lines) + 1))


def joined(lines: Lines, form: str, between: str = "") -> str:
    """Each line in a form with {n}, {line} (tokens) and {hard} (no-break spaces)."""
    return between.join(
        form.format(n=n, line=tokens(line), hard=html.escape(line, quote=False).replace(" ", "&nbsp;"))
        for n, line in enumerate(lines, 1)
    )


def marked(lines: Lines) -> str:
    return joined(lines, "{line}", "\n")


@page("plain pre")
def _plain(lines: Lines) -> str:
    return f"<pre>{chr(10).join(escaped(lines))}</pre>"


@page("Markdown fence")
def _fence(lines: Lines) -> str:
    code = "\n".join(escaped(lines))
    return f'<pre><code class="language-python">{code}\n</code></pre>'


@page("Hexo")
def _hexo(lines: Lines) -> str:
    numbers = joined(lines, '<span class="line">{n}</span><br>')
    code = joined(lines, '<span class="line">{line}</span><br>')
    return (
        '<figure class="highlight python"><figcaption><span>walk.py</span><a href="/x">link</a></figcaption>'
        f'<table><tr><td class="gutter"><pre>{numbers}</pre></td>'
        f'<td class="code"><pre>{code}</pre></td></tr></table></figure>'
    )


@page("Hexo with hljs and a scroller")
def _hexo_hljs(lines: Lines) -> str:
    numbers = joined(lines, '<span class="line">{n}</span><br>')
    code = joined(lines, '<span class="line">{line}</span><br>')
    return (
        '<figure class="highlight python hljs"><div class="table-container"><table><tbody><tr>'
        f'<td class="gutter"><pre>{numbers}</pre></td><td class="code"><pre><code class="hljs python">{code}'
        "</code></pre></td></tr></tbody></table></div></figure>"
    )


@page("Hexo Butterfly")
def _butterfly(lines: Lines) -> str:
    tools = (
        '<div class="highlight-tools"><i class="fas fa-angle-down expand"></i>'
        '<div class="code-lang">python</div><div class="copy-notice"></div>'
        '<i class="fas fa-paste copy-button"></i></div>'
    )
    return _hexo(lines).replace("<figcaption>", tools + "<figcaption>", 1)


@page("highlight.js")
def _hljs(lines: Lines) -> str:
    code = marked(lines)
    return f'<pre><code class="hljs language-python" data-highlighted="yes">{code}\n</code></pre>'


@page("highlight.js with line numbers")
def _hljs_numbers(lines: Lines) -> str:
    rows = joined(
        lines,
        '<tr><td class="hljs-ln-line hljs-ln-numbers" data-line-number="{n}">'
        '<div class="hljs-ln-n" data-line-number="{n}"></div></td>'
        '<td class="hljs-ln-line hljs-ln-code" data-line-number="{n}">{line}</td></tr>',
    )
    return f'<pre><code class="hljs python"><table class="hljs-ln"><tbody>{rows}</tbody></table></code></pre>'


@page("Prism with line numbers and a toolbar")
def _prism(lines: Lines) -> str:
    rows = "<span></span>" * len(lines)
    return (
        '<div class="code-toolbar"><pre class="line-numbers language-python" tabindex="0">'
        f'<code class="language-python">{marked(lines)}'
        f'<span aria-hidden="true" class="line-numbers-rows">{rows}</span></code></pre>'
        '<div class="toolbar"><div class="toolbar-item"><span>Python</span></div>'
        '<div class="toolbar-item"><button class="copy-to-clipboard-button"><span>Copy</span></button></div>'
        "</div></div>"
    )


@page("Rouge")
def _rouge(lines: Lines) -> str:
    return (
        '<div class="language-python highlighter-rouge"><div class="highlight"><pre class="highlight">'
        f"<code>{marked(lines)}\n</code></pre></div></div>"
    )


@page("Rouge table")
def _rouge_table(lines: Lines) -> str:
    numbers = "".join(f"{n}\n" for n in _numbers(lines))
    return (
        '<figure class="highlight"><pre><code class="language-python" data-lang="python">'
        '<table class="rouge-table"><tbody><tr><td class="gutter gl"><pre class="lineno">'
        f'{numbers}</pre></td><td class="code"><pre>{marked(lines)}\n</pre></td></tr>'
        "</tbody></table></code></pre></figure>"
    )


@page("Rouge table of Chirpy")
def _chirpy(lines: Lines) -> str:
    numbers = "".join(f"{n}\n" for n in _numbers(lines))
    return (
        '<div class="language-python highlighter-rouge"><div class="code-header">'
        '<span data-label-text="Python"><i class="fas fa-code fa-fw small"></i></span>'
        '<button aria-label="copy"><i class="far fa-clipboard"></i></button></div><div '
        'class="highlight"><code>'
        '<table class="rouge-table"><tbody><tr><td class="rouge-gutter gl"><pre class="lineno">'
        f'{numbers}</pre></td><td class="rouge-code"><pre>{marked(lines)}\n</pre></td></tr>'
        "</tbody></table></code></div></div>"
    )


@page("Chroma")
def _chroma(lines: Lines) -> str:
    code = joined(lines, '<span class="line"><span class="cl">{line}\n</span></span>')
    return (
        '<div class="highlight"><pre tabindex="0" class="chroma"><code class="language-python" '
        f'data-lang="python">{code}</code></pre></div>'
    )


@page("Chroma with styles in the line")
def _chroma_styled(lines: Lines) -> str:
    code = joined(lines, '<span style="display:flex;"><span>{line}\n</span></span>')
    return (
        '<div class="highlight"><pre tabindex="0" style="color:#f8f8f2;-moz-tab-size:4;tab-size:4;">'
        f'<code class="language-python" data-lang="python">{code}</code></pre></div>'
    )


@page("Chroma with numbers in the line")
def _chroma_numbers(lines: Lines) -> str:
    style = "white-space:pre;-webkit-user-select:none;user-select:none;margin-right:0.4em;color:#7f7f7f"
    code = joined(
        lines,
        f'<span style="display:flex;"><span style="{style}">{{n:>2}}</span><span>{{line}}\n</span></span>',
    )
    return f'<div class="highlight"><pre tabindex="0"><code data-lang="python">{code}</code></pre></div>'


@page("Chroma with classes and numbers")
def _chroma_ln(lines: Lines) -> str:
    code = joined(
        lines, '<span class="line"><span class="ln">{n:>2}</span><span class="cl">{line}\n</span></span>'
    )
    return f'<div class="highlight"><pre class="chroma"><code data-lang="python">{code}</code></pre></div>'


@page("Chroma table")
def _chroma_table(lines: Lines) -> str:
    numbers = joined(lines, '<span class="lnt" id="l{n}"><a href="#l{n}">{n}</a>\n</span>')
    code = joined(lines, '<span class="line"><span class="cl">{line}\n</span></span>')
    return (
        '<div class="highlight"><div class="chroma"><table class="lntable"><tr>'
        f'<td class="lntd"><pre tabindex="0" class="chroma"><code>{numbers}</code></pre></td>'
        '<td class="lntd"><pre tabindex="0" class="chroma"><code class="language-python" data-lang="python">'
        f"{code}</code></pre></td></tr></table></div></div>"
    )


@page("Pygments")
def _pygments(lines: Lines) -> str:
    code = marked(lines)
    return (
        '<div class="highlight-python notranslate"><div class="highlight"><pre><span></span>'
        f"{code}\n</pre></div></div>"
    )


@page("Pygments table")
def _pygments_table(lines: Lines) -> str:
    numbers = joined(lines, '<span class="normal">{n}</span>', "\n")
    return (
        '<div class="highlight"><table class="highlighttable"><tr><td class="linenos"><div class="linenodiv">'
        f'<pre>{numbers}</pre></div></td><td class="code"><div><pre><span></span>'
        f"{marked(lines)}\n</pre></div></td></tr></table></div>"
    )


@page("Pygments with numbers in the line")
def _pygments_inline(lines: Lines) -> str:
    code = joined(lines, '<span class="linenos">{n:>2}</span>{line}', "\n")
    return (
        f'<div class="highlight-python"><div class="highlight"><pre><span></span>{code}\n</pre></div></div>'
    )


@page("Material for MkDocs")
def _mkdocs(lines: Lines) -> str:
    numbers = joined(lines, '<span class="normal"><a href="#c-{n}">{n}</a></span>', "\n")
    code = joined(lines, '<span id="c-{n}"><a id="d-{n}" name="d-{n}" href="#d-{n}"></a>{line}\n</span>')
    return (
        '<div class="language-python highlight"><table class="highlighttable"><tr><th colspan="2" '
        'class="filename"><span class="filename">walk.py</span></th></tr><tr><td class="linenos">'
        f'<div class="linenodiv"><pre><span></span>{numbers}</pre></div></td><td class="code"><div><pre>'
        '<span></span><button class="md-clipboard md-icon" title="Copy to clipboard"></button>'
        f"<code>{code}</code></pre></div></td></tr></table></div>"
    )


@page("Docusaurus")
def _docusaurus(lines: Lines) -> str:
    code = joined(
        lines,
        '<span class="token-line" style="color:#393A34"><span class="token plain">{line}</span><br></span>',
    )
    return (
        '<div class="language-python codeBlockContainer_Ckt0 theme-code-block">'
        '<div class="codeBlockTitle_Ktv7">walk.py</div><div class="codeBlockContent_biex">'
        '<pre tabindex="0" class="prism-code language-python codeBlock_bY9V thin-scrollbar">'
        f'<code class="codeBlockLines_e6Vv">{code}</code></pre><div class="buttonGroup__atx">'
        '<button type="button" aria-label="Copy code to '
        'clipboard"><span>Copy</span></button></div></div></div>'
    )


@page("Docusaurus 2 beta")
def _docusaurus_div(lines: Lines) -> str:
    code = "".join(
        f'<div class="token-line" style="color:#bfc7d5"><span class="token plain">{tokens(line)}</span></div>'
        if line
        else '<div class="token-line"><span class="token plain" style="display:inline-block"></span></div>'
        for line in lines
    )
    return (
        '<div class="mdxCodeBlock_iHAB"><div class="codeBlockContent_hGly python"><div tabindex="0" '
        'class="prism-code language-python codeBlock_23N8 thin-scrollbar">'
        f'<div class="codeBlockLines_39YC">{code}</div></div><button>Copy</button></div></div>'
    )


@page("Docusaurus with line numbers")
def _docusaurus_numbers(lines: Lines) -> str:
    code = joined(
        lines,
        '<span class="token-line codeLine_lJS_"><span class="codeLineNumber_Tfdd"></span>'
        '<span class="codeLineContent_feaV">{line}</span><br></span>',
    )
    return f'<pre class="prism-code language-python"><code class="codeBlockLines_e6Vv">{code}</code></pre>'


@page("VuePress")
def _vuepress(lines: Lines) -> str:
    numbers = joined(lines, '<span class="line-number">{n}</span><br>')
    return (
        '<div class="language-python line-numbers-mode" data-ext="py"><pre class="language-python"><code>'
        f'{marked(lines)}\n</code></pre><div class="line-numbers-wrapper" '
        f'aria-hidden="true">'
        f"{numbers}</div></div>"
    )


@page("VitePress")
def _vitepress(lines: Lines) -> str:
    code = joined(lines, '<span class="line"><span style="--shiki-light:#d73a49">{line}</span></span>', "\n")
    numbers = joined(lines, '<span class="line-number">{n}</span><br>')
    return (
        '<div class="language-python vp-adaptive-theme line-numbers-mode"><button title="Copy Code" '
        'class="copy"></button><span class="lang">python</span><pre class="shiki github-light vp-code" '
        f'tabindex="0"><code>{code}</code></pre><div class="line-numbers-wrapper" aria-hidden="true">'
        f"{numbers}</div></div>"
    )


@page("Shiki in rehype-pretty-code")
def _pretty(lines: Lines) -> str:
    code = joined(lines, '<span data-line=""><span style="color:#d73a49">{line}</span></span>', "\n")
    return (
        '<figure data-rehype-pretty-code-figure=""><figcaption data-rehype-pretty-code-title="">walk.py'
        '</figcaption><pre tabindex="0" data-language="python"><code data-language="python" '
        f'style="display:grid">{code}</code></pre></figure>'
    )


@page("Expressive Code")
def _expressive(lines: Lines) -> str:
    code = joined(
        lines,
        '<div class="ec-line"><div class="gutter"><div class="ln" aria-hidden="true">{n}</div></div>'
        '<div class="code"><span style="--0:#d6deeb">{line}</span></div></div>',
    )
    return (
        '<div class="expressive-code"><figure class="frame has-title"><figcaption class="header">'
        '<span class="title">walk.py</span></figcaption><pre data-language="python"><code>'
        f'{code}</code></pre><div class="copy"><button title="Copy"><div></div></button></div></figure></div>'
    )


@page("Gatsby")
def _gatsby(lines: Lines) -> str:
    code = "\n".join(
        f'<span class="gatsby-highlight-code-line">{tokens(line)}</span>' if n == 2 else tokens(line)
        for n, line in enumerate(lines)
    )
    return (
        '<div class="gatsby-highlight" data-language="python"><pre class="language-python">'
        f'<code class="language-python">{code}</code></pre></div>'
    )


@page("Stack Overflow")
def _stack(lines: Lines) -> str:
    code = marked(lines)
    return (
        '<pre class="lang-py s-code-block"><code class="hljs language-python" data-highlighted="yes">'
        f"{code}\n</code></pre>"
    )
