"""The markup that forums, sites for programmers and content systems write for one block of code.

Belongs here: as in code_pages.py. Does not belong here: the forms of highlighters (code_pages.py).
"""

from __future__ import annotations

import html

from tests.support.code_pages import PAGES, Lines, escaped, joined, marked, page, tokens

__all__ = ["PAGES"]


@page("cnblogs")
def _cnblogs(lines: Lines) -> str:
    copy = (
        '<div class="cnblogs_code_toolbar"><span class="cnblogs_code_copy"><a href="javascript:void(0);" '
        'onclick="copyCnblogsCode(this)" title="复制代码"><img src="x.gif" alt="复制代码"></a></span></div>'
    )
    code = marked(lines)
    return f'<div class="cnblogs_code">{copy}<pre>{code}</pre>{copy}</div>'


@page("cnblogs with numbers")
def _cnblogs_numbers(lines: Lines) -> str:
    code = joined(lines, '<span style="color: #008080;">{n:>2}</span> {line}', "\n")
    return f'<div class="cnblogs_code"><pre>{code}</pre></div>'


@page("CSDN")
def _csdn(lines: Lines) -> str:
    numbers = joined(lines, '<li style="color: rgb(153, 153, 153);">{n}</li>')
    code = marked(lines)
    return (
        '<pre data-index="0" class="set-code-show prettyprint"><code class="prism language-python '
        'has-numbering" '
        f'onclick="mdcp.signin(event)" style="position: unset;">{code}\n'
        '<div class="hljs-button signin active" data-title="登录复制" data-report-click="{}"></div></code>'
        f'<ul class="pre-numbering" style="">{numbers}</ul></pre>'
    )


@page("CSDN with a list")
def _csdn_list(lines: Lines) -> str:
    code = joined(
        lines,
        '<li><div class="hljs-ln-numbers"><div class="hljs-ln-line hljs-ln-n" '
        'data-line-number="{n}"></div></div>'
        '<div class="hljs-ln-code"><div class="hljs-ln-line">{line}</div></div></li>',
    )
    return (
        '<pre data-index="1"><code class="language-python hljs"><ol class="hljs-ln" style="width:100%">'
        f'{code}</ol></code><div class="hljs-button" data-title="复制"></div></pre>'
    )


@page("dp.SyntaxHighlighter")
def _dp(lines: Lines) -> str:
    code = joined(lines, '<li class="alt"><span>{hard}&nbsp;&nbsp;</span></li>')
    return (
        '<div class="dp-highlighter bg_python"><div class="bar"><div class="tools"><b>[python]</b>'
        '<a href="#" class="ViewSource" title="view plain">view plain</a><a href="#">copy</a></div></div>'
        f'<ol start="1" class="dp-py">{code}</ol></div>'
    )


@page("SyntaxHighlighter 3")
def _syntaxhighlighter(lines: Lines) -> str:
    numbers = joined(lines, '<div class="line number{n} index0 alt2">{n}</div>')
    code = "".join(
        f'<div class="line number{n} index0 alt1">'
        + (
            f'<code class="python spaces">{"&nbsp;" * (len(line) - len(line.lstrip()))}</code>'
            f'<code class="python keyword">{html.escape(line.strip(), quote=False)}</code>'
            if line
            else "&nbsp;"
        )
        + "</div>"
        for n, line in enumerate(lines, 1)
    )
    return (
        '<div><div id="highlighter_8" class="syntaxhighlighter python"><div class="toolbar"><span>'
        '<a href="#" class="toolbar_item command_help help">?</a></span></div>'
        f'<table border="0" cellpadding="0"><tbody><tr><td class="gutter">{numbers}</td>'
        f'<td class="code"><div class="container">{code}</div></td></tr></tbody></table></div></div>'
    )


@page("Crayon")
def _crayon(lines: Lines) -> str:
    numbers = joined(lines, '<div class="crayon-num" data-line="c-{n}">{n}</div>')
    code = "".join(
        f'<div class="crayon-line" id="c-{n}">{tokens(line, "span class=crayon-k") or "&nbsp;"}</div>'
        for n, line in enumerate(lines, 1)
    )
    plain = html.escape("\n".join(lines))
    return (
        '<div id="crayon-5f" class="crayon-syntax crayon-theme-classic" data-settings=" minimize">'
        '<div class="crayon-toolbar"><span class="crayon-title">walk.py</span><div class="crayon-tools">'
        '<span class="crayon-language">Python</span></div></div><div class="crayon-info"></div>'
        f'<div class="crayon-plain-wrap"><textarea wrap="soft" class="crayon-plain" '
        f"readonly>{plain}</textarea>"
        '</div><div class="crayon-main"><table class="crayon-table"><tr class="crayon-row">'
        f'<td class="crayon-nums" data-settings="show"><div class="crayon-nums-content">{numbers}</div></td>'
        f'<td class="crayon-code"><div class="crayon-pre">{code}</div></td></tr></table></div></div>'
    )


@page("juejin")
def _juejin(lines: Lines) -> str:
    code = joined(
        lines, '<span class="code-block-extension-codeLine" data-line-num="{n}">{line}</span>', "\n"
    )
    head = (
        '<div class="code-block-extension-header" style="background-color: rgb(246, 246, 246);">'
        '<div class="code-block-extension-headerLeft"><div '
        'class="code-block-extension-foldBtn"><svg></svg></div>'
        '</div><div class="code-block-extension-headerRight"><span '
        'class="code-block-extension-lang">python</span>'
        '<div class="render"></div><div class="code-block-extension-copyCodeBtn">复制代码</div></div></div>'
    )
    return (
        f'<pre>{head}<code class="hljs language-python code-block-extension-codeShowNum">{code}</code></pre>'
    )


@page("juejin, older")
def _juejin_old(lines: Lines) -> str:
    code = marked(lines)
    return (
        f'<pre><code class="hljs language-python copyable" lang="python">{code}\n'
        '<span class="copy-code-btn">复制代码</span></code></pre>'
    )


@page("Jianshu")
def _jianshu(lines: Lines) -> str:
    code = marked(lines)
    rows = "<span></span>" * len(lines)
    return (
        '<div class="_2Uzcx_"><button class="VJbwyy" type="button" aria-label="复制代码"><i></i></button>'
        f'<pre class="line-numbers  language-python"><code class="  language-python">{code}'
        f'<span aria-hidden="true" class="line-numbers-rows">{rows}</span></code></pre></div>'
    )


@page("Weixin")
def _weixin(lines: Lines) -> str:
    code = joined(lines, '<code><span class="code-snippet_outer">{line}</span></code>')
    return (
        '<section class="code-snippet__fix code-snippet__js"><ul class="code-snippet__line-index '
        f'code-snippet__js">{"<li></li>" * len(lines)}</ul><pre class="code-snippet__js" '
        f'data-lang="python">{code}</pre></section>'
    )


@page("GitHub")
def _github(lines: Lines) -> str:
    rows = joined(
        lines,
        '<tr><td id="L{n}" class="blob-num js-line-number" data-line-number="{n}"></td>\n'
        '<td id="LC{n}" class="blob-code blob-code-inner js-file-line">{line}</td></tr>\n',
    )
    return f'<table class="highlight tab-size js-file-line-container" data-tab-size="8">{rows}</table>'


@page("Gist")
def _gist(lines: Lines) -> str:
    return (
        f'<div class="gist"><div class="gist-file"><div class="gist-data">{_github(lines)}</div></div></div>'
    )


@page("GitLab")
def _gitlab(lines: Lines) -> str:
    code = joined(lines, '<span id="LC{n}" class="line" lang="python">{line}</span>', "\n")
    numbers = joined(
        lines, '<a class="file-line-num diff-line-num" href="#L{n}" data-line-number="{n}">{n}</a>'
    )
    return (
        f'<div class="file-content code js-syntax-highlight"><div class="line-numbers">{numbers}</div>'
        f'<div class="blob-content"><pre class="code highlight"><code>{code}</code></pre></div></div>'
    )


@page("WordPress block")
def _wordpress(lines: Lines) -> str:
    return f'<pre class="wp-block-code"><code>{chr(10).join(escaped(lines))}</code></pre>'


@page("WordPress with breaks")
def _wordpress_breaks(lines: Lines) -> str:
    return f'<pre class="wp-block-preformatted">{"<br>".join(escaped(lines))}</pre>'


@page("Medium")
def _medium(lines: Lines) -> str:
    code = "<br>".join(escaped(lines))
    return (
        f'<pre class="mi mj mk ml"><span id="8f3a" class="mq mr" '
        f'data-selectable-paragraph="">{code}</span></pre>'
    )


@page("MDN")
def _mdn(lines: Lines) -> str:
    return (
        '<div class="code-example"><div class="example-header"><span class="language-name">python</span>'
        '<button type="button" class="icon copy-icon"><span '
        'class="visually-hidden">Copy</span></button></div>'
        f'<pre class="brush: python notranslate"><code>{marked(lines)}\n</code></pre></div>'
    )


@page("Microsoft Learn")
def _learn(lines: Lines) -> str:
    code = joined(lines, "<span>{line}</span>", "\n")
    return (
        '<div class="codeHeader" id="code-try-0"><span class="language">Python</span><button type="button" '
        'class="action position-relative"><span>Copy</span></button></div><pre tabindex="0" '
        f'class="has-inner-focus"><code class="lang-python">{code}</code></pre>'
    )


@page("Asciidoctor")
def _asciidoctor(lines: Lines) -> str:
    return (
        '<div class="listingblock"><div class="content"><pre class="highlightjs highlight">'
        '<code class="language-python hljs" data-lang="python">'
        f"{marked(lines)}</code></pre></div></div>"
    )


@page("CodeRay table")
def _coderay(lines: Lines) -> str:
    numbers = joined(lines, '<a href="#n{n}" name="n{n}">{n}</a>', "\n")
    return (
        '<table class="CodeRay"><tr><td class="line-numbers"><pre>'
        f'{numbers}\n</pre></td><td class="code"><pre>{marked(lines)}</pre></td></tr></table>'
    )


@page("MediaWiki")
def _mediawiki(lines: Lines) -> str:
    return (
        '<div class="mw-highlight mw-highlight-lang-python mw-content-ltr" dir="ltr"><pre><span></span>'
        f"{marked(lines)}\n</pre></div>"
    )


@page("MediaWiki with lines")
def _mediawiki_lines(lines: Lines) -> str:
    gutter = '<a href="#L-{n}"><span class="linenos" data-line="{n}"></span></a>'
    code = joined(lines, f'<span id="L-{{n}}">{gutter}{{line}}\n</span>')
    return f'<div class="mw-highlight mw-highlight-lang-python mw-highlight-lines"><pre>{code}</pre></div>'


@page("phpBB")
def _phpbb(lines: Lines) -> str:
    code = "\n".join(escaped(lines))
    return f'<div class="codebox"><p>Code: <a href="#">Select all</a></p><pre><code>{code}</code></pre></div>'


@page("XenForo")
def _xenforo(lines: Lines) -> str:
    return (
        '<div class="bbCodeBlock bbCodeBlock--code"><div class="bbCodeBlock-title">Python:</div>'
        '<div class="bbCodeBlock-content" dir="ltr"><pre class="bbCodeCode" dir="ltr" data-lang="python">'
        f"<code>{chr(10).join(escaped(lines))}</code></pre></div></div>"
    )


@page("Discuz")
def _discuz(lines: Lines) -> str:
    code = joined(lines, "<li>{hard}<br /></li>")
    return (
        f'<div class="blockcode"><div id="code_k9"><ol>{code}</ol></div>'
        "<em onclick=\"copycode($('code_k9'));\">复制代码</em></div>"
    )


@page("W3Schools")
def _w3(lines: Lines) -> str:
    code = "<br>\n".join(line.replace("  ", "&nbsp; ") for line in escaped(lines))
    return f'<div class="w3-code notranslate pythonHigh">\n{code}\n</div>'


@page("Runoob")
def _runoob(lines: Lines) -> str:
    code = "<br>".join(line.replace("  ", "&nbsp; ") for line in escaped(lines))
    return f'<div class="example_code"><div class="hl-main">{code}</div></div>'


@page("code with breaks")
def _breaks(lines: Lines) -> str:
    code = "<br>\n".join(line.replace(" ", "&nbsp;") for line in escaped(lines))
    return f"<p><code>{code}</code></p>"


@page("LaTeXML")
def _latexml(lines: Lines) -> str:
    code = "".join(
        f'<div class="ltx_listingline" id="l{n}"><span class="ltx_tag ltx_tag_listingline">{n}</span>'
        f'<span class="ltx_text ltx_font_typewriter">{tokens(line)}</span>\n</div>'
        for n, line in enumerate(lines, 1)
    )
    return f'<div class="ltx_listing ltx_lstlisting">{code}</div>'


@page("Jupyter")
def _jupyter(lines: Lines) -> str:
    return (
        '<div class="jp-CodeMirrorEditor jp-Editor" data-type="inline"><div class="cm-editor cm-s-jupyter">'
        '<div class="highlight hl-ipython3"><pre><span></span>'
        f"{marked(lines)}\n</pre></div></div></div>"
    )


@page("Oxygen and prettify with a list")
def _prettify(lines: Lines) -> str:
    code = joined(lines, '<li class="L{n}"><span class="kwd">{line}</span></li>')
    return (
        f'<pre class="prettyprint lang-python linenums prettyprinted"><ol class="linenums">{code}</ol></pre>'
    )


@page("Confluence")
def _confluence(lines: Lines) -> str:
    return (
        '<div class="code panel pdl"><div class="codeContent panelContent pdl"><pre '
        'class="syntaxhighlighter-pre" '
        f'data-syntaxhighlighter-params="brush: python; gutter: false">{chr(10).join(escaped(lines))}</pre>'
        "</div></div>"
    )
