r"""What shows a formula -> TeX between dollar signs.

Belongs here: where MathML, MathJax, KaTeX, MediaWiki and images of formulas keep their TeX; the
delimiters of TeX and AsciiMath in plain text. Does not belong here: MathML without TeX (mathml.py),
AsciiMath itself (asciimath.py), where formulas lie (html/).

TeX is kept as the page gives it. `$` stands around a formula in the line, `$$` around one that is
displayed.
"""

from __future__ import annotations

import html
import re
from bisect import bisect_left
from urllib.parse import unquote, unquote_plus, urlsplit

from pipelines.extraction.markdown.asciimath import asciimath_to_tex
from pipelines.extraction.markdown.glyphs import glyphs_to_mathml
from pipelines.extraction.markdown.mathml import to_tex
from pipelines.extraction.markdown.mathml_tree import annotation, parse

MAX_MARKUP = 200_000  # characters of the markup of one formula; a longer one is left out
MAX_CHARS = 20_000  # of the TeX of one formula between delimiters
_START = re.compile(r"<[a-zA-Z][\w:-]*((?:[^<>\"']|\"[^\"]*\"|'[^']*')*)>?")
_ATTRIBUTE = re.compile(r"""(?<![\w:-])([\w:-]++)\s*+=\s*+(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""")
_IMAGE = re.compile(r"<img\b[^>]*>", re.IGNORECASE)
_TAG = re.compile(r"<[^>]*>")
# KaTeX whose MathML has lost its tags (CSDN): the TeX is what stands behind the last empty line
_STRIPPED = re.compile(r"\bkatex-mathml\b[^<>]*>([^<]+)<")
_EMPTY_LINES = re.compile(r"\n[^\S\n]*+\n\s*+")
_OPENING = re.compile(r"%?\s*+(?:<!--|(?://\s*+)?<!\[CDATA\[)")
_IMAGE_CLASSES_NAMES = (
    "latex tex math mathtex mimetex latex_img latex-formula math-inline math-display formula "
    "equation inlineequation ee_img mathimg mwe-math-fallback-image-inline "
    "mwe-math-fallback-image-display mwe-math-fallback-source-inline ql-img-inline-formula "
    "ql-img-displayed-equation texrender latexmath lake-math ne-math latexcenter latexinline wirisformula "
    "numberedequation displayformula inlineformula mathcode math-block"
)
_IMAGE_CLASSES = frozenset(_IMAGE_CLASSES_NAMES.split())
# addresses of images that a server draws from TeX in the query: WordPress, CodeCogs, Zhihu, GitHub,
# Google Chart, CSDN, mathTeX and mimeTeX
_QUERIES = re.compile(
    r"(?:latex\.php\?(?:[^#]*&)?latex=|/(?:gif|png|svg|pdf)(?:\.latex|/latex|\.download)?\?|latex\.codecogs\.com/[^?]*\?|"
    r"equation\?(?:[^#]*&)?tex=|render/math\?(?:[^#]*&)?math=|chart\?(?:[^#]*&)?chl=|"
    r"(?:mathtex|mimetex)\.(?:cgi|fcgi|exe)\?|/(?:math|tex)\?formula=|[?&](?:latex|tex|eqn)=|"
    r"math\.now\.sh/?\?from=|latex\.csdn\.net/eq\?|(?:upmath\.me|tex\.s2cms\.ru)/(?:svg|png)/)(.+)",
    re.IGNORECASE | re.DOTALL,
)
_KNOWN_HOSTS = re.compile(
    r"codecogs\.com|latex\.php|mathtex|mimetex|equation\?|render/math|cht=tx|[?&](?:tex|latex|eqn)=|"
    r"/(?:math|tex)\?formula=|math\.now\.sh|latex\.csdn\.net/eq|upmath\.me/|tex\.s2cms\.ru/",
    re.I,
)
_LOOKS_TEX = re.compile(r"[\\^_{}=<>+|]|^[A-Za-z0-9]$")
_DELIMITER = re.compile(
    r"\$\$|(?<!\\)\\[()\[\]]|\[/?(?:i?tex|i?latex|i?math)\]"
    r"|\\(?:begin|end)\{(?:equation|align|gather|multline|eqnarray|alignat|flalign)\*?\}",
    re.IGNORECASE,
)
_RAW_CLASSES = frozenset(
    ("math", "tex", "katex-error", "asciimath")
)  # of elements that hold TeX as text, or a text
# Wiris: MathML in an attribute, its signs replaced
_WIRIS = str.maketrans({"«": "<", "»": ">", "¨": '"', "§": "&", "`": "'"})
_GROUPS = re.compile(r"\$\\(?:begin|end)group\$ ?")
_NOTHING = (r"\begingroup", r"\endgroup")  # what pages of Stack Exchange put around each post
_HAN = re.compile(r"[\u3400-\u9fff]{8}")
_BACKTICKS = re.compile(r"(?<!\\)`([^`]{1,400}?)(?<!\\)`")


def tex_of(markup: str, scripted: bool) -> str:
    """The formula of an element, between dollar signs; "" where its markup holds none. `scripted`:
    whether the page keeps its TeX in scripts, so that what MathJax made of it is left out."""
    if len(markup) > MAX_MARKUP:
        return ""
    start = _START.match(markup)
    given = _attributes(start[1]) if start else {}
    name = markup[1:7].lower()
    if name.startswith("img") or name.startswith("image"):
        return _of_image(given)
    if name == "script":
        return _of_script(given.get("type", "").lower(), markup[start.end() if start else 0 :])
    classes = given.get("class", "").lower()
    if scripted and "mathjax" in classes:
        return ""  # MathJax_Preview among them
    if "asciimath" in classes.split():
        return _signed(asciimath_to_tex(html.unescape(_TAG.sub("", markup)).strip("` \n")), False)
    if "js-render-math" in classes or _RAW_CLASSES.intersection(classes.split()):
        text = html.unescape(_TAG.sub("", markup)).strip()
        if "js-render-math" not in classes and not _LOOKS_TEX.search(text) and "<math" not in markup:
            return text
        if "<" not in markup[len(start[0]) if start else 0 :].removesuffix(f"</{name.split(' ')[0]}>"):
            return _signed(text, "display" in classes or given.get("data-math-style") == "display")
    head = markup[:400]
    display = (
        given.get("display") in ("block", "true")
        or given.get("mode") == "display"
        or "display" in classes
        or "block" in classes
        or 'display="block"' in head
        or "mwe-math-mathml-display" in head
    )
    return _signed(_of_element(markup, given), display)


def delimited(text: str) -> str:
    """TeX in a text with the delimiters of MathJax, KaTeX or forums: between dollar signs instead."""
    if "\\" not in text and "[/" not in text:
        return text
    if "group$" in text:
        text = _GROUPS.sub("", text)  # what Stack Exchange puts around each post
    marks = list(_DELIMITER.finditer(text))
    places: dict[str, list[int]] = {}  # of each delimiter, where it stands
    for m in marks:
        places.setdefault(m[0].lower(), []).append(m.start())
    pieces, done = [], 0
    for m in marks:
        opening = m[0].lower()
        closing = _closing(opening)
        if m.start() < done or not closing:
            continue
        later = places.get(closing, [])
        at = bisect_left(later, m.end() + 1)  # a formula holds something
        if at == len(later):
            continue
        end = later[at] + len(closing)
        pieces += [text[done : m.start()], _with_dollars(text[m.start() : end], opening, closing)]
        done = end
    return "".join(pieces) + text[done:]


def _closing(opening: str) -> str:
    """The delimiter that ends what another one begins; "" for one that begins nothing."""
    if opening.startswith(r"\begin"):
        return r"\end" + opening[6:]
    if opening.startswith("[") and opening[1] != "/":
        return "[/" + opening[1:]
    return {"$$": "$$", r"\(": r"\)", r"\[": r"\]"}.get(opening, "")


def with_asciimath(text: str) -> str:
    """AsciiMath between backticks as TeX between dollar signs; what holds spaces alone, as one."""
    return _BACKTICKS.sub(_of_backticks, text)


def _of_backticks(m: re.Match[str]) -> str:
    if not m[1].strip("\\ "):
        return " "
    return _signed(asciimath_to_tex(m[1]), False) or m[0]


def _with_dollars(formula: str, opening: str, closing: str) -> str:
    """A formula with its delimiters (in lower case) between dollar signs; as it is where it is none."""
    if opening == "$$":
        return formula
    if opening.startswith(r"\begin"):
        return _signed(formula, True)
    tex = formula[len(opening) : -len(closing)]
    if (_HAN.search(tex) and "\\text" not in tex and "\\mbox" not in tex) or len(tex) > MAX_CHARS:
        return formula
    return _signed(tex, opening == r"\[" or opening[1] in "tlm") or formula


def _attributes(tag: str) -> dict[str, str]:
    return {m[1].lower(): html.unescape(m[2] or m[3] or m[4] or "") for m in _ATTRIBUTE.finditer(tag)}


def _signed(tex: str, display: bool) -> str:
    tex = tex.replace("\x01", " ").strip()
    while len(tex) > 2 and tex.startswith("$") and tex.endswith("$") and not tex.endswith("\\$"):
        display |= tex.startswith("$$")
        tex = tex[1:-1].strip()
    for start, end in ((r"\(", r"\)"), (r"\[", r"\]")):
        if tex.startswith(start) and tex.endswith(end):
            display |= start == r"\["
            tex = tex[2:-2].strip()
    if not tex or tex in _NOTHING or not tex.strip("\\ "):
        return ""
    if tex.endswith("\\") and not tex.endswith("\\\\"):
        tex += " "  # a space at the end, which is no escape of the dollar sign
    return f"$${tex}$$" if display else f"${tex}$"


def _of_script(kind: str, body: str) -> str:
    body = re.sub(r"</script\s*>?\s*$", "", body, flags=re.IGNORECASE).strip()
    opening = _OPENING.match(body)
    if opening:
        body = body[opening.end() :]
        if body.endswith("]]>"):
            body = body[:-3].rstrip().removesuffix("//").rstrip().removesuffix("%")
        body = body.removesuffix("-->")
    if "asciimath" in kind:
        body = asciimath_to_tex(html.unescape(body))
    elif "mml" in kind or body.startswith("<math"):
        node = parse(body)
        body = (annotation(node) or to_tex(node)) if node else ""
    elif "tex" not in kind:
        return ""
    return _signed(html.unescape(body) if "&" in body and ";" in body else body, "display" in kind)


def _of_image(given: dict[str, str]) -> str:
    source = given.get("src", "")
    if source.startswith("data:") or not source:
        source = given.get("data-src") or given.get("data-original") or given.get("data-lazy-src") or ""
    alternative = next((given[k] for k in ("data-formula", "data-tex", "data-latex") if given.get(k)), "")
    alternative = alternative or given.get("alt", "").strip() or given.get("title", "").strip()
    classes = given.get("class", "").lower()
    drawn_from = "data-formula" in given or "data-tex" in given or "data-latex" in given
    between = len(alternative) > 2 and alternative[0] == alternative[-1] == "$"
    marked = bool(_IMAGE_CLASSES.intersection(classes.split())) or "eeimg" in given or drawn_from or between
    if "«math" in given.get("data-mathml", ""):
        node = parse(given["data-mathml"].translate(_WIRIS))
        return _signed(annotation(node) or to_tex(node), False) if node is not None else ""
    known = _KNOWN_HOSTS.search(source) is not None
    if not marked and not known:
        return ""
    display = (
        "display" in classes
        or "math-block" in classes
        or given.get("eeimg") == "2"
        or "\\displaystyle" in alternative[:15]
    )
    drawn = _of_address(source) if known else ""
    if alternative and (_LOOKS_TEX.search(alternative) or (marked and len(alternative) < 40 and not drawn)):
        return _signed(alternative, display)
    return _signed(drawn, display)


def _of_address(source: str) -> str:
    found = _QUERIES.search(source)
    if not found:
        return ""
    whole = "cgi?" in source or "codecogs" in source or ".exe?" in source or "/eq?" in source
    query = found[1] if whole else found[1].split("&")[0]
    tex = unquote(query) if whole else unquote_plus(query)
    if whole:
        tex = re.sub(
            r"^(?:\\(?:dpi|bg|fn|inline|large|small|huge|LARGE|Large|normalsize|tiny)_?(?:\{[^{}]*\}|\w+)?\s*)+",
            "",
            tex,
        )
        tex = tex.replace("&space;", " ").replace("&plus;", "+").replace("&hash;", "#")
    return "" if urlsplit(tex).scheme in ("http", "https") else tex


def _of_element(markup: str, given: dict[str, str]) -> str:
    for name in ("data-latex", "data-tex", "data-expr", "data-formula"):
        if given.get(name):
            return given[name]
    node = parse(markup)
    if node is None and "data-mathml" in given:
        node = parse(given["data-mathml"])
    if node is not None:
        return annotation(node) or node.attributes.get("alttext", "").strip() or to_tex(node)
    stripped = _STRIPPED.search(markup)
    if stripped and stripped[1].strip():
        return html.unescape(_EMPTY_LINES.split(stripped[1].strip())[-1]).strip()
    image = _IMAGE.search(markup)
    if image:
        return _of_image(_attributes(image[0]) | {"eeimg": "1"}).strip("$")
    latex = re.search(r'data-latex="([^"]+)"', markup)
    if latex:
        return html.unescape(latex[1])
    glyphs = glyphs_to_mathml(markup)
    if glyphs is not None:
        return to_tex(glyphs)
    text = html.unescape(_TAG.sub("", markup)).strip()
    return text if re.search(r"[\\^_{}=$]", text) else ""
