"""The markup that forums, blogs and their editors write for one block of code.

Belongs here: one function a form of markup, as in code_pages.py. Does not belong here: forms of
documentation and repositories (code_pages_docs.py).
"""

from __future__ import annotations

from tests.support.code_pages import PAGES, Lines, escaped, joined, marked, page

__all__ = ["PAGES"]


def _raw(lines: Lines) -> str:
    return "\n".join(escaped(lines))


def _broken(lines: Lines) -> str:
    return "<br />".join(line.replace("  ", "&nbsp; ") for line in escaped(lines))


@page("phpBB 3.0")
def _phpbb3(lines: Lines) -> str:
    return (
        '<dl class="codebox"><dt>Code: <a href="#" onclick="selectCode(this); return false;">Select all</a>'
        f"</dt><dd><code>{_broken(lines)}</code></dd></dl>"
    )


@page("SMF")
def _smf(lines: Lines) -> str:
    return (
        '<div class="codeheader">Code: <a href="javascript:void(0);" onclick="return smfSelectText(this);" '
        f'class="codeoperation">[Select]</a></div><code class="bbc_code">{_broken(lines)}<br /></code>'
    )


@page("MyBB")
def _mybb(lines: Lines) -> str:
    return (
        '<div class="codeblock"><div class="title">Code:</div><div class="body" dir="ltr"><code>'
        f"{_broken(lines)}</code></div></div>"
    )


@page("vBulletin 4")
def _vbulletin(lines: Lines) -> str:
    return (
        '<div class="bbcode_container"><div class="bbcode_description">Code:</div><pre class="bbcode_code" '
        f'style="height:168px;">{_raw(lines)}</pre></div>'
    )


@page("vBulletin 3")
def _vbulletin3(lines: Lines) -> str:
    return (
        '<div style="margin:20px; margin-top:5px"><div class="smallfont"'
        ' style="margin-bottom:2px">Code:</div>'
        f'<pre class="alt2" dir="ltr" style="margin: 0px">{_raw(lines)}</pre></div>'
    )


@page("Invision")
def _invision(lines: Lines) -> str:
    return f'<pre class="ipsCode prettyprint lang-py prettyprinted">{marked(lines)}</pre>'


@page("Discourse")
def _discourse(lines: Lines) -> str:
    return (
        '<pre data-code-wrap="python" class="codeblock-buttons"><div'
        ' class="codeblock-button-wrapper"><button '
        'class="btn nohighlight copy-cmd" aria-label="copy"><svg></svg></button></div><code class="hljs '
        f'language-python">{marked(lines)}\n</code></pre>'
    )


@page("Enlighter before its script")
def _enlighter_raw(lines: Lines) -> str:
    return (
        '<pre class="EnlighterJSRAW" data-enlighter-language="python" data-enlighter-theme="" '
        f'data-enlighter-linenumbers="">{_raw(lines)}</pre>'
    )


@page("Enlighter")
def _enlighter(lines: Lines) -> str:
    code = joined(lines, "<div><div>{line}</div></div>")
    return (
        '<div class="enlighter-default enlighter-v-standard enlighter-t-enlighter'
        ' enlighter-linenumbers"><div '
        'class="enlighter-toolbar-top enlighter-toolbar"><div class="enlighter-btn enlighter-btn-raw" '
        'title="Plain text"></div></div><div class="enlighter-code"><div'
        f' class="enlighter">{code}</div></div>'
        f'<pre class="enlighter-raw">{_raw(lines)}</pre></div><pre class="EnlighterJSRAW enlighter-origin" '
        f'data-enlighter-language="python" style="display: none;">{_raw(lines)}</pre>'
    )


@page("WP-Syntax")
def _wp_syntax(lines: Lines) -> str:
    numbers = "".join(f"{n}\n" for n in range(1, len(lines) + 1))
    return (
        f'<div class="wp_syntax"><table><tr><td class="line_numbers"><pre>{numbers}</pre></td><td '
        f'class="code"><pre class="python" style="font-family:monospace;">{marked(lines)}</pre></td></tr>'
        "</table></div>"
    )


@page("GeSHi with a list")
def _geshi(lines: Lines) -> str:
    code = joined(lines, '<li style="font-weight: normal;" class="li1"><div class="de1">{line}</div></li>')
    return (
        '<div class="geshifilter"><pre class="python geshifilter-python" style="font-family:monospace;">'
        f"<ol>{code}</ol></pre></div>"
    )


@page("GeSHi without pre")
def _geshi_div(lines: Lines) -> str:
    code = joined(lines, '<li class="li1"><div class="de1">{hard}</div></li>').replace(
        '"de1"></div>', '"de1">&nbsp;</div>'
    )
    return (
        '<div class="wp-geshi-highlight-wrap5"><div class="wp-geshi-highlight"><div class="python"><ol>'
        f"{code}</ol></div></div></div>"
    )


@page("Code Block Pro")
def _code_block_pro(lines: Lines) -> str:
    code = joined(lines, '<span class="line"><span style="color: #81A1C1">{line}</span></span>', "\n")
    return (
        '<div class="wp-block-kevinbatdorf-code-block-pro"><span style="display:block;padding:16px 0 0 16px">'
        '<svg></svg></span><span role="button" tabindex="0" class="code-block-pro-copy-button"><pre '
        'class="code-block-pro-copy-button-pre" aria-hidden="true"><textarea '
        f'class="code-block-pro-copy-button-textarea" readonly>{_raw(lines)}</textarea></pre>'
        "<svg></svg></span>"
        f'<pre class="shiki nord" style="background-color: #2e3440ff" tabindex="0"><code>{code}'
        "</code></pre></div>"
    )


@page("dev.to")
def _devto(lines: Lines) -> str:
    return (
        '<div class="highlight js-code-highlight"><pre class="highlight python"><code>'
        f'{marked(lines)}\n</code></pre><div class="highlight__panel js-actions-panel"><div '
        'class="highlight__panel-action js-fullscreen-code-action"><svg><title>Enter fullscreen mode</title>'
        "</svg></div></div></div>"
    )


@page("Ghost")
def _ghost(lines: Lines) -> str:
    return (
        f'<figure class="kg-card kg-code-card"><pre><code class="language-python">{_raw(lines)}</code></pre>'
        "</figure>"
    )


@page("Substack")
def _substack(lines: Lines) -> str:
    return f"<pre><code><code>{_raw(lines)}</code></code></pre>"


@page("Docsify")
def _docsify(lines: Lines) -> str:
    return (
        f'<pre v-pre="" data-lang="python"><code class="lang-python">{marked(lines)}</code><button '
        'class="docsify-copy-code-button"><span class="label">Copy to clipboard</span></button></pre>'
    )


@page("react-notion-x")
def _notion(lines: Lines) -> str:
    return (
        '<pre class="notion-code language-python"><div class="notion-code-copy"><div '
        'class="notion-code-copy-button"><svg></svg></div></div><code'
        f' class="language-python">{marked(lines)}'
        "</code></pre>"
    )


@page("SegmentFault")
def _segmentfault(lines: Lines) -> str:
    return (
        '<div class="widget-codetool" style="display: none;"><div class="widget-codetool--inner"><span '
        'type="button" class="btn copyCode code-tool">复制</span></div></div><pre><code class="python hljs">'
        f"{marked(lines)}</code></pre>"
    )


@page("Tencent Cloud")
def _tencent(lines: Lines) -> str:
    return (
        '<div class="rno-markdown-code"><div class="rno-markdown-code-toolbar"><div '
        'class="rno-markdown-code-toolbar-info"><div class="rno-markdown-code-toolbar-item is-type"><span '
        'class="is-m-hidden">代码语言：</span>python</div></div><div'
        ' class="rno-markdown-code-toolbar-opt"><div '
        'class="rno-markdown-code-toolbar-copy"><i class="icon-copy"></i><span'
        ' class="is-m-hidden">复制</span>'
        '</div></div></div><div class="developer-code-block"><pre class="prism-token token line-numbers '
        f'language-python"><code class="language-python">{marked(lines)}</code></pre></div></div>'
    )


@page("cnblogs, folded")
def _cnblogs_folded(lines: Lines) -> str:
    return (
        '<div class="cnblogs_code" onclick="show()"><img class="code_img_closed" src="x.gif" '
        'alt="" /><div id="cnblogs_code_open_k" class="cnblogs_code_hide"><pre>'
        f'{marked(lines)}</pre></div><span class="cnblogs_code_collapse">View Code</span></div>'
    )


@page("cnblogs_Highlighter")
def _cnblogs_highlighter(lines: Lines) -> str:
    return (
        f'<div class="cnblogs_Highlighter"><pre class="brush:python;gutter:true;">{_raw(lines)}</pre></div>'
    )


@page("iteye")
def _iteye(lines: Lines) -> str:
    code = joined(lines, "<li><span>{hard}&nbsp;&nbsp;</span></li>")
    return (
        '<div class="dp-highlighter"><div class="bar"><div class="tools">Python代码 <a href="#" title="copy">'
        '<img class="star" src="x.png" alt="copy"></a></div></div><ol start="1"'
        f' class="dp-py">{code}</ol></div>'
        f'<pre class="python" name="code" style="display: none;">{_raw(lines)}</pre>'
    )


@page("textarea of SyntaxHighlighter 1")
def _textarea(lines: Lines) -> str:
    return f'<div class="codeblock"><textarea name="code" class="python">{_raw(lines)}</textarea></div>'


@page("script of SyntaxHighlighter 3")
def _script(lines: Lines) -> str:
    code = "\n".join(lines)
    return f'<script type="syntaxhighlighter" class="brush: python"><![CDATA[\n{code}\n]]></script>'


@page("hilite.me with numbers")
def _hilite(lines: Lines) -> str:
    numbers = "\n".join(str(n) for n in range(1, len(lines) + 1))
    style = 'style="margin: 0; line-height: 125%"'
    return (
        '<div style="background: #ffffff; overflow:auto;width:auto;"><table><tr><td>'
        f"<pre {style}>{numbers}</pre></td><td><pre {style}>{marked(lines)}\n</pre></td></tr></table></div>"
    )


@page("paste of VS Code")
def _vscode(lines: Lines) -> str:
    code = joined(lines, '<div><span style="color: #569cd6;">{line}</span></div>').replace(
        '<div><span style="color: #569cd6;"></span></div>', "<br />"
    )
    return (
        "<div style=\"color: #d4d4d4;background-color: #1e1e1e;font-family: Consolas, 'Courier New', "
        f'monospace;font-size: 14px;line-height: 19px;white-space: pre;">{code}</div>'
    )


@page("lines in code of their own")
def _each(lines: Lines) -> str:
    code = "<br>\n".join(
        f"<code>{line.replace(' ', '&nbsp;')}</code>" if line else "" for line in escaped(lines)
    )
    return f"<p>{code}</p>"


@page("code that keeps its newlines")
def _white_space(lines: Lines) -> str:
    return (
        '<div class="code-wrap"><code class="language-python" style="white-space:'
        f' pre;">{marked(lines)}</code></div>'
    )


@page("code shown as a block")
def _display(lines: Lines) -> str:
    return f'<div class="highlight"><code class="hljs language-python">{marked(lines)}</code></div>'


@page("LMFDB")
def _codebox(lines: Lines) -> str:
    code = joined(lines, "{hard}<br />")
    return f'<div class="sage nodisplay code codebox">{code}</div>'


@page("GeeksforGeeks")
def _gfg(lines: Lines) -> str:
    return (
        '<gfg-tabs data-run-ide="true" data-mode="light"><gfg-tab slot="tab">Python</gfg-tab><gfg-panel '
        'slot="panel" data-code-lang="python3"><pre><code'
        f' class="language-python3">{marked(lines)}</code></pre>'
        "</gfg-panel></gfg-tabs>"
    )


@page("GeeksforGeeks, older")
def _gfg_old(lines: Lines) -> str:
    rows = joined(
        lines,
        '<div class="line number{n} index{n} alt2"><code class="undefined spaces"></code><code '
        'class="plain">{hard}</code></div>',
    )
    return (
        '<div class="responsive-tabs"><h2 class="tabtitle">Python3</h2><div class="tabcontent"><div '
        'class="noIdeBtnDiv"><div id="highlighter_1" class="syntaxhighlighter nogutter  "><table border="0">'
        f'<tbody><tr><td class="code"><div class="container">{rows}</div></td></tr></tbody>'
        "</table></div></div>"
        "</div></div>"
    )
