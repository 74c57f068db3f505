"""The markup that more generators of documentation, editors and repositories write for one block of code.

Belongs here: one function a form of markup, as in code_pages.py. Does not belong here: forms of
forums, blogs and sites (code_pages_forums.py, code_pages_sites.py).
"""

from __future__ import annotations

from tests.support.code_pages import PAGES, Lines, escaped, joined, marked, page

__all__ = ["PAGES"]


def _raw(lines: Lines) -> str:
    return "\n".join(escaped(lines))


@page("Sphinx with a caption and a copy button")
def _sphinx(lines: Lines) -> str:
    return (
        '<div class="literal-block-wrapper docutils container" id="id1"><div class="code-block-caption">'
        '<span class="caption-text">walk.py</span><a class="headerlink" href="#id1" title="Link">¶</a></div>'
        '<div class="highlight-python notranslate"><div class="highlight"><pre id="codecell0"><span></span>'
        f'{marked(lines)}\n</pre><button class="copybtn o-tooltip--left" data-tooltip="Copy"><svg></svg>'
        "</button></div></div></div>"
    )


@page("Sphinx tabs")
def _sphinx_tabs(lines: Lines) -> str:
    return (
        '<div class="sphinx-tabs docutils container"><div aria-label="Tabbed content" role="tablist">'
        '<button aria-controls="panel-0" class="sphinx-tabs-tab" role="tab">Python</button></div>'
        '<div class="sphinx-tabs-panel" id="panel-0" role="tabpanel" hidden="true"><div '
        f'class="highlight-python notranslate"><div class="highlight"><pre><span></span>{marked(lines)}\n'
        "</pre></div></div></div></div>"
    )


@page("MkDocs tabs")
def _mkdocs_tabs(lines: Lines) -> str:
    return (
        '<div class="tabbed-set tabbed-alternate" data-tabs="1:1"><input checked="checked" id="t1" '
        'name="t" type="radio" /><div class="tabbed-labels"><label for="t1">Python</label></div>'
        '<div class="tabbed-content"><div class="tabbed-block"><div class="language-python highlight"><pre>'
        f"<span></span><code>{marked(lines)}\n</code></pre></div></div></div></div>"
    )


@page("Docusaurus tabs")
def _docusaurus_tabs(lines: Lines) -> str:
    code = joined(lines, '<span class="token-line"><span class="token plain">{line}</span><br></span>')
    return (
        '<div class="tabs-container"><ul role="tablist" class="tabs"><li role="tab" class="tabs__item '
        'tabs__item--active">Python</li></ul><div class="margin-top--md"><div role="tabpanel" '
        'class="tabItem_Ymn6"><div class="language-python codeBlockContainer_Ckt0"><div '
        f'class="codeBlockContent_biex"><pre tabindex="0" class="prism-code language-python"><code>{code}'
        "</code></pre></div></div></div></div></div>"
    )


@page("VitePress code group")
def _code_group(lines: Lines) -> str:
    code = joined(lines, '<span class="line"><span style="--shiki-light:#005CC5;">{line}</span></span>', "\n")
    numbers = joined(lines, '<span class="line-number">{n}</span><br>')
    return (
        '<div class="vp-code-group"><div class="tabs"><input type="radio" checked><label '
        'data-title="walk.py">walk.py</label></div><div class="blocks"><div class="language-py '
        'vp-adaptive-theme active line-numbers-mode"><button title="Copy Code" class="copy"></button>'
        f'<span class="lang">py</span><pre class="shiki shiki-themes vp-code"><code>{code}</code></pre>'
        f'<div class="line-numbers-wrapper" aria-hidden="true">{numbers}</div></div></div></div>'
    )


@page("Asciidoctor with callouts")
def _callouts(lines: Lines) -> str:
    code = marked(lines).replace("\n", ' <i class="conum" data-value="1"></i><b>(1)</b>\n', 1)
    return (
        '<div class="listingblock"><div class="title">walk.py</div><div class="content"><pre '
        'class="highlightjs highlight"><code class="language-python hljs" data-lang="python">'
        f"{code}</code></pre></div></div>"
    )


@page("Asciidoctor with Rouge and a table")
def _linenotable(lines: Lines) -> str:
    numbers = "".join(f"{n}\n" for n in range(1, len(lines) + 1))
    return (
        '<div class="listingblock"><div class="content"><pre class="rouge highlight"><code '
        'data-lang="python"><table class="linenotable"><tbody><tr><td class="linenos gl"><pre '
        f'class="lineno">{numbers}</pre></td><td class="code"><pre>{marked(lines)}\n</pre></td></tr>'
        "</tbody></table></code></pre></div></div>"
    )


@page("Doxygen")
def _doxygen(lines: Lines) -> str:
    code = joined(
        lines,
        '<div class="line"><a id="l{n}" name="l{n}"></a><span class="lineno">{n:>5}</span>{line}</div>\n',
    )
    return f'<div class="fragment">{code}</div><!-- fragment -->'


@page("Doxygen without numbers")
def _doxygen_plain(lines: Lines) -> str:
    return f'<div class="fragment">{joined(lines, "<div class=line>{line}</div>", chr(10))}</div>'


@page("rustdoc")
def _rustdoc(lines: Lines) -> str:
    return (
        '<div class="example-wrap"><pre class="rust rust-example-rendered"><code>'
        f'{marked(lines)}</code></pre><a class="test-arrow" target="_blank" href="/x">Run</a></div>'
    )


@page("rustdoc source")
def _rustdoc_source(lines: Lines) -> str:
    numbers = joined(lines, '<a href="#{n}" id="{n}">{n}</a>', "\n")
    return (
        f'<div class="example-wrap digits-1"><pre class="src-line-numbers">{numbers}</pre>'
        f'<pre class="rust"><code>{marked(lines)}\n</code></pre></div>'
    )


@page("Go source")
def _godoc(lines: Lines) -> str:
    code = joined(lines, '<span id="L{n}" class="ln">{n:>6}&nbsp;&nbsp;</span>{line}', "\n")
    return f"<pre>{code}\n</pre>"


@page("pandoc")
def _pandoc(lines: Lines) -> str:
    code = joined(
        lines, '<span id="c-{n}"><a href="#c-{n}" aria-hidden="true" tabindex="-1"></a>{line}</span>', "\n"
    )
    return (
        '<div class="sourceCode" id="cb1"><pre class="sourceCode python code-with-copy"><code '
        f'class="sourceCode python">{code}</code><button title="Copy to Clipboard" '
        'class="code-copy-button"><i class="bi"></i></button></pre></div>'
    )


@page("docutils with numbers")
def _docutils(lines: Lines) -> str:
    code = joined(lines, '<small class="ln">{n} </small>{line}', "\n")
    return f'<pre class="code python literal-block">{code}\n</pre>'


@page("cgit")
def _cgit(lines: Lines) -> str:
    numbers = joined(lines, "<a id='n{n}' href='#n{n}'>{n}</a>", "\n")
    return (
        "<table summary='blob content' class='blob'>\n<tr><td class='linenumbers'>"
        f"<pre>{numbers}\n</pre></td>\n"
        f"<td class='lines'><pre><code>{marked(lines)}\n</code></pre></td></tr></table>"
    )


@page("Gitea")
def _gitea(lines: Lines) -> str:
    rows = joined(
        lines,
        '<tr><td id="L{n}" class="lines-num"><span id="L{n}" data-line-number="{n}"></span></td>'
        '<td rel="L{n}" class="lines-code chroma"><code class="code-inner">{line}\n</code></td></tr>',
    )
    return f'<div class="file-view code-view"><table><tbody>{rows}</tbody></table></div>'


@page("Redmine")
def _redmine(lines: Lines) -> str:
    rows = joined(
        lines,
        '<tr id="L{n}"><th class="line-num"><a href="#L{n}" data-txt="{n}"></a></th>\n'
        '<td class="line-code">\n<pre>{line}\n</pre></td></tr>\n',
    )
    return f'<div class="autoscroll"><table class="filecontent syntaxhl"><tbody>{rows}</tbody></table></div>'


@page("Trac")
def _trac(lines: Lines) -> str:
    rows = joined(lines, '<tr><th id="L{n}"><a href="#L{n}">{n}</a></th><td>{line}</td></tr>')
    return (
        '<table class="code"><thead><tr><th class="lineno" title="Line numbers">Line</th><th '
        f'class="content">&nbsp;</th></tr></thead><tbody>{rows}</tbody></table>'
    )


@page("Gitiles")
def _gitiles(lines: Lines) -> str:
    rows = joined(
        lines,
        '<tr class="u-pre u-monospace FileContents-line"><td class="u-lineNum u-noSelect '
        'FileContents-lineNum" data-line-number="{n}"></td><td class="FileContents-lineContents" '
        'id="{n}">{line}</td></tr>',
    )
    return f'<table class="FileContents">{rows}</table>'


@page("Bootlin")
def _bootlin(lines: Lines) -> str:
    numbers = joined(lines, '<a name="L{n}" href="#L{n}">{n}</a>', "\n")
    return (
        '<div class="lxrcode"><table class="highlighttable"><tr><td class="linenos"><div class="linenodiv">'
        f'<pre>{numbers}</pre></div></td><td class="code"><div class="highlight"><pre>{marked(lines)}\n'
        "</pre></div></td></tr></table></div>"
    )


@page("CodeMirror 5")
def _codemirror5(lines: Lines) -> str:
    code = joined(
        lines,
        '<div style="position: relative;"><div class="CodeMirror-gutter-wrapper" style="left: -29px;"><div '
        'class="CodeMirror-linenumber CodeMirror-gutter-elt">{n}</div></div><pre class=" CodeMirror-line " '
        'role="presentation"><span role="presentation">{line}</span></pre></div>',
    ).replace('<span role="presentation"></span>', '<span role="presentation"><span>\u200b</span></span>')
    return (
        '<div class="CodeMirror cm-s-default"><div style="overflow: hidden;"><textarea></textarea></div>'
        '<div class="CodeMirror-vscrollbar" cm-not-content="true"><div></div></div><div '
        'class="CodeMirror-scroll"><div class="CodeMirror-sizer"><div class="CodeMirror-lines"><div '
        'style="position: relative;"><div class="CodeMirror-measure"></div><div class="CodeMirror-cursors">'
        f'<div class="CodeMirror-cursor">&nbsp;</div></div><div class="CodeMirror-code">{code}'
        "</div></div></div>"
        "</div></div></div>"
    )


@page("CodeMirror 6")
def _codemirror6(lines: Lines) -> str:
    numbers = joined(lines, '<div class="cm-gutterElement" style="height: 14px;">{n}</div>')
    code = joined(lines, '<div class="cm-line">{line}</div>').replace("></div>", "><br></div>")
    return (
        '<div class="cm-editor"><div class="cm-scroller"><div class="cm-gutters" aria-hidden="true"><div '
        'class="cm-gutter cm-lineNumbers"><div class="cm-gutterElement" style="visibility: hidden;">9</div>'
        f'{numbers}</div></div><div class="cm-content" role="textbox">{code}</div></div></div>'
    )


@page("Ace")
def _ace(lines: Lines) -> str:
    numbers = joined(lines, '<div class="ace_gutter-cell" style="height: 16px;">{n}<span></span></div>')
    code = joined(
        lines, '<div class="ace_line_group" style="height: 16px;"><div class="ace_line">{line}</div></div>'
    )
    return (
        '<pre class="ace_editor ace-tm"><textarea class="ace_text-input"></textarea><div class="ace_gutter">'
        f'<div class="ace_layer ace_gutter-layer">{numbers}</div></div><div class="ace_scroller"><div '
        f'class="ace_content"><div class="ace_layer ace_text-layer">{code}</div></div></div></pre>'
    )


@page("Monaco")
def _monaco(lines: Lines) -> str:
    numbers = joined(lines, '<div style="top:{n}px;"><div class="line-numbers lh-odd">{n}</div></div>')
    code = joined(lines, '<div class="view-line"><span><span class="mtk1">{hard}</span></span></div>')
    return (
        '<div class="monaco-editor"><div class="overflow-guard"><div class="margin" role="presentation">'
        f'<div class="margin-view-overlays">{numbers}</div></div><div class="monaco-scrollable-element"><div '
        f'class="lines-content"><div class="view-lines" role="presentation">{code}</div></div>'
        "</div></div></div>"
    )


@page("Sandpack")
def _sandpack(lines: Lines) -> str:
    code = joined(lines, '<div class="cm-line ">{line}<br/></div>')
    return (
        '<div class="sp-stack"><div class="sp-code-editor"><pre class="sp-cm sp-pristine"><code '
        f'class="sp-pre-placeholder">{code}</code></pre></div></div>'
    )


@page("Shiki twoslash")
def _twoslash(lines: Lines) -> str:
    code = joined(lines, "<div class='line'>{line}</div>")
    return (
        '<pre class="shiki github-light twoslash lsp"><div class="language-id">python</div><div '
        f"class='code-container'><code>{code}</code></div></pre>"
    )


@page("Jupyter of nbconvert 5")
def _nbconvert(lines: Lines) -> str:
    return (
        '<div class="cell border-box-sizing code_cell rendered"><div class="input">\n<div class="prompt '
        'input_prompt">In&nbsp;[1]:</div>\n<div class="inner_cell"><div class="input_area">\n<div '
        f'class=" highlight hl-ipython3"><pre><span></span>{marked(lines)}\n</pre></div></div>'
        "</div></div></div>"
    )


@page("ReadMe")
def _readme(lines: Lines) -> str:
    return (
        '<div class="CodeTabs CodeTabs_initial theme-light"><div class="CodeTabs-toolbar"><button '
        'type="button" value="python">Python</button></div><div class="CodeTabs-inner"><pre><button '
        'aria-label="Copy Code" class="rdmd-code-copy fa"></button><code class="rdmd-code lang-python '
        'theme-light" data-lang="python" name="Python" tabindex="0"><div class="cm-s-neo" '
        f'data-testid="SyntaxHighlighter">{marked(lines)}</div></code></pre></div></div>'
    )


@page("Google developers")
def _devsite(lines: Lines) -> str:
    return (
        '<devsite-code><div class="devsite-code-buttons-container" role="group"><button type="button" '
        'class="gc-analytics-event material-icons devsite-icon-copy"></button></div><pre '
        'class="devsite-click-to-copy" translate="no" dir="ltr" syntax="Python"><code translate="no" '
        f'dir="ltr">{marked(lines)}\n</code></pre></devsite-code>'
    )


@page("AWS")
def _aws(lines: Lines) -> str:
    return (
        '<div class="code-btn-container"><div class="btn-copy-code" title="Copy"><awsui-icon name="copy">'
        '</awsui-icon></div></div><!--DEBUG: cli (python)--><pre class="programlisting"><code '
        f'class="python ">{_raw(lines)}</code></pre>'
    )


@page("MSDN, older")
def _msdn(lines: Lines) -> str:
    return (
        '<div class="codeSnippetContainer"><div class="codeSnippetContainerTabs"><div '
        'class="codeSnippetContainerTabSingle"><a>Python</a></div></div><div '
        'class="codeSnippetContainerCodeContainer"><div class="codeSnippetToolBar"><div '
        'class="codeSnippetToolBarText"><a name="CodeSnippetCopyLink" title="Copy">Copy</a></div></div>'
        '<div class="codeSnippetContainerCode" dir="ltr"><div style="color:Black;">'
        f"<pre>{marked(lines)}\n</pre></div></div></div></div>"
    )


@page("DigitalOcean")
def _digitalocean(lines: Lines) -> str:
    return (
        '<div class="code-label" title="walk.py">walk.py</div><div class="highlight"><pre class="code-pre ">'
        f'<code class="code-highlight language-python">{marked(lines)}\n</code></pre></div>'
    )


@page("a list of lines behind prompts")
def _prefixed(lines: Lines) -> str:
    code = joined(lines, '<li class="line" data-prefix="$">{line}\n</li>')
    return f'<pre class="code-pre command prefixed"><code><ul class="prefixed">{code}</ul></code></pre>'


@page("Nextra")
def _nextra(lines: Lines) -> str:
    code = joined(lines, '<span class="line">{line}</span>', "\n")
    return (
        '<div class="nextra-code-block nx-relative"><div class="nx-bg-primary-700/5 nx-text-xs">walk.py</div>'
        f'<pre data-filename="walk.py"><code class="nx-block" dir="ltr" data-language="python">{code}</code>'
        '</pre><div class="nx-opacity-0"><button title="Copy code"><svg></svg></button></div></div>'
    ).replace('<div class="nx-bg-primary-700/5 nx-text-xs">walk.py</div>', "")


@page("GitBook")
def _gitbook(lines: Lines) -> str:
    code = joined(
        lines,
        '<span class="highlight-line"><span class="highlight-line-content">{line}\n</span></span>',
    )
    return (
        '<div class="group/codeblock grid"><div class="flex items-center"><div class="text-xs">walk.py</div>'
        f'</div><div><pre class="relative"><code id="x" class="min-w-full">{code}</code></pre></div></div>'
    ).replace('<div class="text-xs">walk.py</div>', "")


@page("Swift-DocC")
def _docc(lines: Lines) -> str:
    code = joined(
        lines,
        '<span class="code-line-container"><span class="code-number"></span><span '
        'class="code-line">{line}</span></span>',
        "\n",
    )
    return (
        '<div data-syntax="swift" class="code-listing"><div class="container-general"><pre>'
        f"<code>{code}</code></pre></div></div>"
    )


@page("a gist in noscript")
def _noscript_gist(lines: Lines) -> str:
    return f'<noscript><pre>{_raw(lines)}</pre></noscript><script src="https://x.test/gist.js"> </script>'


@page("xmp")
def _xmp(lines: Lines) -> str:
    return "<xmp>" + "\n".join(lines) + "</xmp>"
