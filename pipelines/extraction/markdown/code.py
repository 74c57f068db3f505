"""The markup of a code block -> its exact text and language.

Belongs here: line breaks and indentation inside code, line numbers that are no code, language names,
fences. Does not belong here: which blocks are code (html/), formulas.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

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
    r"gutter|line-?_?num|ln-num|lineno|blob-num|pre-numbering|tag_listingline|"
    r"(?:^|[\s_-])(?:ln|lnt|nums?)-?(?:num|line|s)?(?:\s|$)|line-?index|linewrapper__no",
    re.IGNORECASE,
)
_UNSELECTED = re.compile(r"user-select\s*:\s*none", re.IGNORECASE)
# a number in an element of its own, first in its line
_NUMBERED = re.compile(
    r"(?P<start>^(?:\s*+<[^<>]*>){0,9}?\s*+|\n|<br\s*+/?>)[^\S\n]*+<(?P<name>span|a|i|b|em|font)\b[^<>]*+>[^\S\n]*+(?P<number>[0-9]{1,5})"
    r"[^\S\n]*+</(?P=name)>",
    re.IGNORECASE,
)
_MAY_BE_NUMBERED = re.compile(r">[^\S\n]*+[0-9]{1,5}[^\S\n]*+</")  # in each of them; found much faster
MIN_NUMBERED = 3  # lines from which numbers before all of them are theirs
# what stands in the frame of code: buttons, names of files; in a division of it, bars and heads too
_TOOLS = re.compile(
    r"copy(?!right|able)|clipboard|toolbar|(?:^|[\s_-])filename(?:\s|$)|(?:sr|screen-reader)-only|visually-hidden",
    re.IGNORECASE,
)
_BARS = re.compile(
    r"(?:^|[\s_-])(?:tools?|bar|header|caption)(?:[\s_-]|$)|code-?(?:head|title|info|lang)|language-id", re.I
)
_LINE_DISPLAYS = frozenset(("block", "flex", "grid", "table-row", "list-item"))
_NOT_NUMBERS = frozenset(("pre", "code", "table", "tr", "tbody"))
_NOT_TOOLS = frozenset(("pre", "code", "table", "tr", "tbody", "ol", "ul"))
_ONLY_NUMBERS = re.compile(r"[\s\d.:|]*")
_HINT = re.compile(
    r"(?:^|[\s:;])(?P<said>brush:\s*|(?:[\w-]{1,20}-)?lang(?:uage)?-|highlight-source-|highlight-text-|"
    r"sourceCode\s+|brush-|prism-|code-|highlight\s+|highlight-|hl-|syntax-)(?P<name>[a-zA-Z][\w+#.-]{0,20})",
    re.IGNORECASE,
)
_ATTRIBUTE = re.compile(
    r"""\bdata-(?:[a-z]{1,20}-)?(?:lang|language|params)\s*=\s*["']?(?:brush:\s*)?([\w+#.-]{1,20})""",
    re.IGNORECASE,
)
_NO_LANGUAGE_NAMES = (
    "default none plain plaintext text txt nohighlight no-highlight highlight block wrapper "
    "snippet toolbar box area example container line lines view inner content body code pre table "
    "header copy auto undefined null tab fold output console-output theme light dark"
)
_NO_LANGUAGE = frozenset(_NO_LANGUAGE_NAMES.split())
_KNOWN_NAMES = (
    "python python3 ipython ipython3 py java javascript js typescript ts c cpp c++ csharp cs c# go "
    "golang rust ruby rb php perl bash sh shell zsh sql json xml html css scss less yaml yml toml ini "
    "kotlin swift scala "
    "r matlab lua dart haskell clojure powershell dockerfile makefile cmake diff vim latex tex "
    "markdown objectivec objc groovy vb vbnet fsharp erlang elixir julia ocaml pascal fortran asm "
    "nginx graphql jsx tsx vue console"
)
_KNOWN = frozenset(_KNOWN_NAMES.split())
_LABELS_NAMES = (
    "copy code 代码 代碼 复制 复制代码 複製 複製代碼 code:select code:selectall code:[select] "
    "code:[selectall] codeselectall viewcode showcode hidecode copycode copytoclipboard 查看代码 显示代码"
)
_LABELS = _KNOWN | frozenset(_LABELS_NAMES.split())
# what Jupyter writes before a cell, and sites in Chinese before or behind the name of a language
_NUMBERED_CELL = re.compile(r"(?:in|out)\[[\d*]{0,4}\]")
_CHINESE_LABEL = re.compile(r"(?:代码语言|语言)[:：]([a-z+#]{1,20})|([a-z+#]{1,20})代码(?:复制)?")
_CALLOUT = re.compile(r'\s?<i class="conum"[^>]*></i>\s?<b>\(\d{1,3}\)</b>')  # Asciidoctor
_CDATA = "<![CDATA[", "]]>"
_KEEPS_LINES = re.compile(r"\bhljs\b|\blang(?:uage)?-|white-space\s*:\s*pre", re.IGNORECASE)
_AFTER_BREAK = re.compile(r"[ \t]*\n[ \t\n]*")
_SPACES = re.compile(r"[ \t\n]+")
_DROP = dict.fromkeys(map(ord, UNSEEN))
FENCE = "```"
EXACT, LOOSE, IN_LINE = range(3)  # all spaces count; all but those between lines; as in a paragraph
MIN_PROSE = 120  # letters from which preformatted text can be prose
MAX_SIGNS = 40  # letters for each sign of code, at least, in prose
MAX_JOINED = 20_000  # digits of line numbers without spaces
MAX_KEPT = 200  # characters of a tag behind its name up to which what it says is kept for the next
MAX_INNER = 2000  # characters in which the first tags of code are looked for


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
    if spaces == LOOSE:
        markup = _only_inner(markup)
    inner = re.match(r"(?:\s*<[^<>]*>)*?\s*<code\b[^>]*>", markup[:MAX_INNER], re.IGNORECASE)
    if spaces == IN_LINE and "\n" in markup.strip():
        start_tag = inner[0] if inner else around[around.lower().rfind("<code") :]
        if _KEEPS_LINES.search(start_tag):
            spaces = EXACT  # a style sheet keeps the lines
    if "conum" in markup:
        markup = _CALLOUT.sub("", markup)
    text = _text(_without_numbers(markup), spaces)
    return Code(text, _language(around + tag + (inner[0] if inner else "")))


def raw_code(text: str, tag: str) -> Code:
    """The code of an element in which nothing is a tag: <xmp>, <textarea> (with entities), <script>."""
    section = text.strip()  # as a script is written that XML may hold
    if section.startswith(_CDATA[0]) and section.endswith(_CDATA[1]):
        text = section.removeprefix(_CDATA[0]).removesuffix(_CDATA[1])
    elif tag[:9].lower() == "<textarea":
        text = unescape(text)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return Code("\n".join(line.rstrip() for line in text.split("\n")).strip("\n"), _language(tag))


def _only_inner(markup: str) -> str:
    """From the start tag of the only <pre>, or the only <code>, within an element up to its end; all of
    the markup where there is none, or several."""
    for name in ("pre", "code"):
        starts = list(re.finditer(rf"<{name}\b", markup, re.IGNORECASE))
        if len(starts) > 1:
            return markup
        if starts:
            end = markup.lower().rfind(f"</{name}")
            return markup[starts[0].start() : end if end > 0 else len(markup)]
    return markup


def _dedented(text: str) -> str:
    """The lines without the spaces or tabs that all of them begin with."""
    lines = [line for line in text.split("\n") if line]
    if not lines or not all(line[0] in " \t" for line in lines):
        return text
    first, last = min(lines), max(lines)  # what these two share, all share
    depth = 0
    while depth < len(first) and first[depth] == last[depth] and first[depth] in " \t":
        depth += 1
    return "\n".join(line[depth:] for line in text.split("\n"))


def split_tag(markup: str) -> tuple[str, str]:
    """(the start tag that markup begins with, the tags behind it)."""
    found = _TOKEN.match(markup)
    if not found:
        return markup, ""
    return found[0], markup[found.end() : markup.rfind(">") + 1]


def fenced(code: Code) -> str:
    """The code between fences that are longer than any in it, without the indentation that all of its
    lines have."""
    fence = FENCE
    while fence in code:
        fence += "`"
    return f"{fence}{code.language}\n{_dedented(code)}\n{fence}"


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
    if len(numbers) == 1 and text.startswith("12") and numbers[0].isdecimal():  # without spaces
        return len(text) <= MAX_JOINED and "".join(map(str, range(1, 1 + len(text)))).startswith(text)
    if not numbers or not all(n.isdecimal() and n.isascii() for n in numbers):
        return False
    values = [int(n[:9]) for n in numbers]
    return values == list(range(values[0], values[0] + len(values)))


def label_of(text: str) -> str | None:
    """The language that a short text beside code names, "" where it names only a button; None where
    it is no label."""
    bare = "".join(text.split()).lower().rstrip(":：")
    chinese = _CHINESE_LABEL.fullmatch(bare)
    bare = (chinese[1] or chinese[2]) if chinese else bare
    if bare not in _LABELS and not _NUMBERED_CELL.fullmatch(bare):
        return None
    return bare if bare in _KNOWN else ""


def _without_numbers(markup: str) -> str:
    """The markup of code without the numbers that stand, one after another, in elements of their own
    before its lines, each with a space behind it."""
    if len(_MAY_BE_NUMBERED.findall(markup)) < MIN_NUMBERED:
        return markup
    found = list(_NUMBERED.finditer(markup))
    if len(found) < MIN_NUMBERED or _NUMBERS.search(found[0][0]):
        return markup
    first = int(found[0]["number"])
    if [int(m["number"]) for m in found] != list(range(first, first + len(found))):
        return markup
    lines = 1 + len(re.findall(r"\n|<br\s*/?>", markup.strip(), re.IGNORECASE))
    if len(found) + 1 < lines:
        return markup
    spaced = all(markup[m.end() : m.end() + 1] in (" ", "\n", "") for m in found)
    ends = [m.end() + (spaced and markup.startswith(" ", m.end())) for m in found]
    starts = [m.end("start") for m in found[1:]] + [len(markup)]
    kept = (markup[end:start] for end, start in zip(ends, starts, strict=True))
    return markup[: found[0].end("start")] + "".join(kept)


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
        self.at_start = self.broken = text.endswith("\n")

    def ends_in_space(self) -> bool:
        return bool(self.pieces) and self.pieces[-1].endswith(" ")

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
    each_code = spaces == EXACT and "</code><code" in markup and "<div" not in markup
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
        element = _element(name, m["rest"]) if len(m["rest"]) <= MAX_KEPT else _read_element(name, m["rest"])
        if element.left_out:
            number, position = _skip(tokens, number, name, len(markup))
            continue
        if element.may_be_numbers:
            end, behind = _skip(tokens, number, name, len(markup))
            inner = markup[m.end() : tokens[end - 1].start() if end > number else len(markup)]
            if _ONLY_NUMBERS.fullmatch(unescape(_TOKEN.sub(" ", inner))):
                number, position = end, behind
                continue
        is_line = element.is_line or (each_code and name == "code")
        if name == "pre":
            inner_pre += 1
        if not element.closes_itself:
            stack.append((name, is_line))
            if is_line:
                writer.begin()
    _write_text(writer, markup[position:], spaces)
    text = "".join(writer.pieces).replace("\xa0", " ").translate(_DROP)
    return "\n".join(line.rstrip() for line in text.split("\n")).strip("\n")


class _Element(NamedTuple):
    """What an element's start tag says: whether its text is no code, may be numbers of lines, stands in
    lines of its own, and whether the tag ends it."""

    left_out: bool
    may_be_numbers: bool
    is_line: bool
    closes_itself: bool


def _read_element(name: str, rest: str) -> _Element:
    """The element of a start tag, by its name in small letters and what stands behind the name."""
    style = _first(_STYLE.search(rest)) if "style" in rest else ""
    shown = _DISPLAY.search(style)
    display = (shown[1] or "none").lower() if shown else ""
    names = _first(_CLASS.search(rest)) if "lass" in rest else ""
    hidden = display == "none" or ("hidden" in rest and _HIDDEN.search(rest) is not None)
    numbers = _NUMBERS.search(names) or _UNSELECTED.search(style)
    return _Element(
        left_out=name in _LEFT_OUT or hidden or _is_tool(name, names, rest),
        may_be_numbers=name not in _NOT_NUMBERS and numbers is not None,
        is_line=(name in _LINES and display != "inline") or display in _LINE_DISPLAYS,
        closes_itself=rest.rstrip().endswith("/"),
    )


_element = lru_cache(maxsize=4096)(_read_element)
"""A few tags stand around all words of highlighted code."""


def _is_tool(name: str, names: str, rest: str) -> bool:
    """Whether an element is a button, a bar or a title in the frame of code, by its classes."""
    if name in _NOT_TOOLS:
        return False
    if name in ("a", "em") and "copy" in rest.lower():
        return True
    return bool(names and (_TOOLS.search(names) or (name == "div" and _BARS.search(names))))


def _first(found: re.Match[str] | None) -> str:
    return next((g for g in found.groups() if g), "") if found else ""


def _write_text(writer: _Writer, text: str, spaces: int) -> None:
    if "&" in text:
        text = unescape(text)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if spaces == LOOSE and "\n" in text:
        if not text.strip(" \t\n"):
            return
        if writer.at_start and not writer.pending:
            after_break = _AFTER_BREAK.match(text)
            text = text[after_break.end() :] if after_break else text
    if spaces == IN_LINE:
        text = _SPACES.sub(" ", text)
        if writer.at_start or writer.pending or writer.ends_in_space():
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
    if "js-render-math" in tags:  # GitLab
        return "math"
    for found in _ATTRIBUTE.finditer(tags):
        name = found[1].lower()
        if name not in _NO_LANGUAGE:
            return name
    for m in reversed(list(_CLASS.finditer(tags))):
        value = _first(m)
        for hint in _HINT.finditer(value):
            name = hint["name"].lower().rstrip(".;,-")
            if name not in _NO_LANGUAGE and (
                name in _KNOWN or re.search("lang|brush|source", hint["said"], re.IGNORECASE)
            ):
                return name
        for word in value.lower().replace(";", " ").split():
            if word in _KNOWN and re.search(
                r"highlight|hljs|code|prettyprint|brush|syntax|sourcecode", tags, re.I
            ):
                return word
    return ""
