"""Class names with which known software marks formulas, code and text that nobody sees.

Belongs here: whole class names that have one meaning wherever they occur, and what their element
is. Does not belong here: words that only hint at a meaning (names.py).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pipelines.extraction.html.tags import name_hash, slots_of

HOLDS_FORMULA, HOLDS_CODE, IS_UNSEEN, HOLDS_NUMBERS, HOLDS_LINES, HOLDS_TEXT = (1 << bit for bit in range(6))
_NAMES: dict[int, str] = {
    # KaTeX; MathJax 2 and 3; MediaWiki; Zhihu; GitLab
    HOLDS_FORMULA: (
        "katex katex-display MathJax MathJax_Display MathJax_Preview MathJax_CHTML MathJax_SVG "
        "MathJax_SVG_Display mjx-chtml MJXc-display mwe-math-element ztext-math js-render-math"
    ),
    # SyntaxHighlighter 2 to 4, dp.SyntaxHighlighter 1, Crayon, CodeMirror 5 and 6, Ace, Monaco, Gist,
    # Pygments, Rouge, Chroma, highlightjs-line-numbers, Discuz, Docusaurus 2 beta, W3Schools, Runoob,
    # LaTeXML, Enlighter, GeSHi, LMFDB and phpBB
    HOLDS_CODE: (
        "syntaxhighlighter dp-highlighter crayon-main CodeMirror-code cm-content ace_content view-lines "
        "js-file-line-container highlighttable rouge-table hljs-ln blockcode prism-code w3-code "
        "example_code ltx_lstlisting enlighter wp-geshi-highlight codebox"
    ),
    # Discuz; Bootstrap 3 to 5, HTML5 Boilerplate, WordPress, Drupal, Angular; the columns of numbers of
    # CodeMirror 5 and 6, Ace and Monaco, the source that Enlighter has drawn
    IS_UNSEEN: (
        "jammer sr-only visually-hidden visuallyhidden screen-reader-text screen-reader-only "
        "element-invisible cdk-visually-hidden CodeMirror-gutters CodeMirror-measure cm-gutters ace_gutter "
        "margin-view-overlays enlighter-raw"
    ),
    # of a cell: the numbers of the lines in the cells behind it
    HOLDS_NUMBERS: (
        "gutter rouge-gutter linenos lineno linenumbers line-numbers blob-num hljs-ln-numbers lines-num "
        "line-num line_numbers u-lineNum"
    ),
    # of a division: code, where its lines follow (Doxygen)
    HOLDS_LINES: "fragment",
    # of an element in the line: a formula, where it holds text alone (pandoc, Discourse, Obsidian, KaTeX;
    # AsciiMath)
    HOLDS_TEXT: "math tex katex-error asciimath",
}


def _tables() -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    masks = {name_hash(name): mask for mask, names in _NAMES.items() for name in names.split()}
    order = sorted(masks)
    return np.array(order, np.uint64), np.array([masks[h] for h in order], np.int64)


CLASS_HASHES, CLASS_MASKS = _tables()  # uint64 sorted, and the bit of each
CLASS_SLOTS = slots_of(CLASS_HASHES)
