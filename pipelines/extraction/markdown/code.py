"""The markup of a code block -> its exact text and language.

Belongs here: line breaks and indentation inside code, line numbers that are no code, language names,
fences. Does not belong here: which blocks are code (html/), formulas.
"""

from __future__ import annotations

import re

from pipelines.extraction.markdown.entities import unescape
from pipelines.extraction.markdown.inline import UNSEEN

_TOKEN = re.compile(
    r"<!--.*?(?:-->|$)|<(?P<end>/?)(?P<name>[a-zA-Z][\w:-]*+)(?P<rest>(?:[^<>\"']|\"[^\"]*\"|'[^']*'|[\"'])*+)>",
    re.DOTALL,
)
_CLASS = re.compile(r"""\b(?:class|className)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)
_STYLE = re.compile(r"""\bstyle\s*=\s*(?:"([^"]*)"|'([^']*)')""", re.IGNORECASE)
_DISPLAY = re.compile(r"display\s*:\s*([a-z-]+)|visibility\s*:\s*(hidden)", re.IGNORECASE)
_HIDDEN = re.compile(r"(?:^|\s)hidden(?:\s|=|/|$)", re.IGNORECASE)
_LINES_NAMES = (
    "div p li tr ol ul table tbody thead dl dt dd h1 h2 h3 h4 h5 h6 section article blockquote figure"
)
_LINES = frozenset(_LINES_NAMES.split())
_LEFT_OUT_NAMES = "script style svg button select figcaption textarea template noscript"
_LEFT_OUT = frozenset(_LEFT_OUT_NAMES.split())
_VOID_NAMES = "br hr img input wbr col link meta area base embed source"
_VOID = frozenset(_VOID_NAMES.split())
_NUMBERS = re.compile(
    r"gutter|line-?_?num|lineno|blob-num|pre-numbering|(?:^|[\s_-])(?:ln|nums?)-?(?:num|line|s)?(?:\s|$)|line-?index|linewrapper__no",
    re.IGNORECASE,
)
_ONLY_NUMBERS = re.compile(r"[\s\d.:|]*")
_HINT = re.compile(
    r"(?:^|[\s:;])(?:brush:\s*|lang(?:uage)?-|highlight-source-|highlight-text-|sourceCode\s+|brush-|prism-|code-|"
    r"highlight\s+|prettyprint\s+lang-|crayon-lang-|syntax-)([a-zA-Z][\w+#.-]{0,20})",
    re.IGNORECASE,
)
_ATTRIBUTE = re.compile(r"""\bdata-(?:lang|language)\s*=\s*["']?([\w+#.-]{1,20})""", re.IGNORECASE)
_NO_LANGUAGE_NAMES = (
    "default none plain plaintext text txt nohighlight no-highlight highlight block wrapper "
    "snippet toolbar box area example container line lines view inner content body code pre table "
    "header copy auto undefined null tab fold output console-output theme light dark"
)
_NO_LANGUAGE = frozenset(_NO_LANGUAGE_NAMES.split())
_KNOWN_NAMES = (
    "python py java javascript js typescript ts c cpp c++ csharp cs c# go golang rust ruby rb php "
    "perl bash sh shell zsh sql json xml html css scss less yaml yml toml ini kotlin swift scala "
    "r matlab lua dart haskell clojure powershell dockerfile makefile cmake diff vim latex tex "
    "markdown objectivec objc groovy vb vbnet fsharp erlang elixir julia ocaml pascal fortran asm "
    "nginx graphql jsx tsx vue console"
)
_KNOWN = frozenset(_KNOWN_NAMES.split())
_SPACES = re.compile(r"[ \t\n]+")
_DROP = dict.fromkeys(map(ord, UNSEEN))
FENCE = "```"
EXACT, LOOSE, IN_LINE = range(3)  # all spaces count; all but those between lines; as in a paragraph
MIN_PROSE = 120  # letters from which preformatted text can be prose
MAX_SIGNS = 40  # letters for each sign of code, at least, in prose


class Code(str):
    """The text of a code block, with its language ("" where none is named)."""

    language: str

    def __new__(cls, text: str, language: str = "") -> Code:
        code = super().__new__(cls, text)
        code.language = language
        return code


def code_of(markup: str, tag: str, around: str = "") -> Code:
    """The code in the markup of an element, and its language ("" where none is named) from the
    start tags: `tag` is the element's own, `around` those of its parents from the outside in. Spaces
    count as in the text of a paragraph where the element is <code>."""
    start = tag[:5].lower()
    spaces = EXACT if start[:4] in ("<pre", "<lis") else IN_LINE if start == "<code" else LOOSE
    inner = re.match(r"\s*<code\b[^>]*>", markup, re.IGNORECASE)
    return Code(_text(markup, spaces), _language(around + tag + (inner[0] if inner else "")))


def fenced(code: Code) -> str:
    """The code between fences that are longer than any in it."""
    fence = FENCE
    while fence in code:
        fence += "`"
    return f"{fence}{code.language}\n{code}\n{fence}"


def is_prose(code: Code) -> bool:
    """Whether preformatted text reads like prose: next to no signs of code, and names no
    language."""
    if code.language:
        return False
    signs = sum(map(code.count, "{}()[];=<>_#$/\\|&*`~^@+"))
    letters = sum(map(str.isalpha, code))
    indented = sum(line.startswith(("  ", "\t")) for line in code.split("\n"))
    return letters >= MIN_PROSE and signs * MAX_SIGNS < letters and indented * 4 <= code.count("\n") + 1


def is_line_numbers(text: str) -> bool:
    """Whether a text is a column of line numbers, one after another."""
    numbers = text.split()
    if not numbers or not all(n.isdecimal() and n.isascii() for n in numbers):
        return False
    values = [int(n[:9]) for n in numbers]
    return values == list(range(values[0], values[0] + len(values)))


class _Writer:
    """Text by lines: block-level elements begin and end one, breaks end one."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.pending = False  # the next text or element begins a new line
        self.at_start = True  # nothing stands on the open line
        self.broken = False  # a break has just ended a line

    def write(self, text: str) -> None:
        if not text:
            return
        if self.pending:
            if text.startswith("\n"):
                text = text[1:]
            self.pieces.append("\n")
            self.pending = False
            if not text:
                self.at_start, self.broken = True, False
                return
        self.pieces.append(text)
        self.at_start, self.broken = text.endswith("\n"), False

    def begin(self) -> None:
        if self.pending or not self.at_start:
            self.pieces.append("\n")
        self.pending, self.at_start, self.broken = False, True, False

    def end(self) -> None:
        self.pending = not self.broken
        self.broken = False

    def line_break(self) -> None:
        if self.pending:
            self.pieces.append("\n")
        self.pieces.append("\n")
        self.pending, self.at_start, self.broken = False, True, True


def _text(markup: str, spaces: int) -> str:
    """The text of code; `spaces` says which of them count outside a <pre> within."""
    writer = _Writer()
    position = inner_pre = 0
    stack: list[tuple[str, bool]] = []  # name, whether it is a line
    tokens = list(_TOKEN.finditer(markup))
    number = 0
    while number < len(tokens):
        m = tokens[number]
        number += 1
        _write_text(writer, markup[position : m.start()], EXACT if inner_pre > 0 else spaces)
        position = m.end()
        if not m["name"]:
            continue
        name = m["name"].lower()
        if m["end"]:
            at = next((i for i in range(len(stack) - 1, -1, -1) if stack[i][0] == name), -1)
            if at >= 0:
                is_line = any(line for _, line in stack[at:])
                inner_pre -= sum(open_name == "pre" for open_name, _ in stack[at:])
                del stack[at:]
                if is_line:
                    writer.end()
            continue
        if name == "br":
            writer.line_break()
            continue
        if name in _VOID:
            continue
        rest = m["rest"]
        style = _DISPLAY.search(_first(_STYLE.search(rest))) if "style" in rest else None
        display = (style[1] or "none").lower() if style else ""
        if (
            name in _LEFT_OUT
            or (name in ("a", "em") and "copy" in rest.lower())
            or display == "none"
            or ("hidden" in rest and _HIDDEN.search(rest))
        ):
            number, position = _skip(tokens, number, name, len(markup))
            continue
        if name not in ("pre", "code", "table", "tr", "tbody") and _NUMBERS.search(
            _first(_CLASS.search(rest))
        ):
            end, behind = _skip(tokens, number, name, len(markup))
            inner = markup[m.end() : tokens[end - 1].start() if end > number else len(markup)]
            if _ONLY_NUMBERS.fullmatch(unescape(_TOKEN.sub(" ", inner))):
                number, position = end, behind
                continue
        is_line = (name in _LINES and display != "inline") or display in (
            "block",
            "flex",
            "grid",
            "table-row",
            "list-item",
        )
        if name == "pre":
            inner_pre += 1
        if not rest.rstrip().endswith("/"):
            stack.append((name, is_line))
            if is_line:
                writer.begin()
    _write_text(writer, markup[position:], spaces)
    text = "".join(writer.pieces).replace("\xa0", " ").translate(_DROP)
    return "\n".join(line.rstrip() for line in text.split("\n")).strip("\n")


def _first(found: re.Match[str] | None) -> str:
    return next((g for g in found.groups() if g), "") if found else ""


def _write_text(writer: _Writer, text: str, spaces: int) -> None:
    if "&" in text:
        text = unescape(text)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if spaces == LOOSE and "\n" in text and not text.strip(" \t\n"):
        return
    if spaces == IN_LINE:
        text = _SPACES.sub(" ", text)
        if writer.at_start or writer.pending:
            text = text.lstrip(" ")
    writer.write(text)


def _skip(tokens: list[re.Match[str]], number: int, name: str, size: int) -> tuple[int, int]:
    """(the token behind the element that token number - 1 began, where its text goes on)."""
    depth = 1
    while number < len(tokens):
        m = tokens[number]
        number += 1
        if m["name"] and m["name"].lower() == name and not m["rest"].rstrip().endswith("/"):
            depth += -1 if m["end"] else 1
            if not depth:
                return number, m.end()
    return number, size


def _language(tags: str) -> str:
    for found in (*_ATTRIBUTE.finditer(tags),):
        name = found[1].lower()
        if name not in _NO_LANGUAGE:
            return name
    for m in reversed(list(_CLASS.finditer(tags))):
        value = _first(m)
        for hint in _HINT.finditer(value):
            name = hint[1].lower().rstrip(".;,-")
            if name not in _NO_LANGUAGE and (
                name in _KNOWN or re.search(r"lang|brush|source", hint[0], re.I)
            ):
                return name
        for word in value.lower().replace(";", " ").split():
            if word in _KNOWN and re.search(
                r"highlight|hljs|code|prettyprint|brush|syntax|sourcecode", tags, re.I
            ):
                return word
    return ""
