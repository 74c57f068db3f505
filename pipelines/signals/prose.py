"""Prose of a text in light Markdown: what is left without code, formulas, tables and markup.

Belongs here: telling them apart, line by line. Does not belong here: writing them
(extraction/markdown), numbers of rules (rules.py). Rules of prose say nothing about code: its lines
end without a full stop, repeat, and hold no Han. The forms are those of docs/markdown.md, and of
Markdown, reStructuredText and TeX files in general: their addresses of links, tags, labels and rules
of dashes are markup, which no reader reads, and lines of numbers alone are data.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from pipelines.kernels.marks import ByteMarks

FENCE = re.compile(r" {0,8}(?:[-*+>] {0,3})?(`{3,}|~{3,})")
INLINE_CODE = re.compile(r"`[^`\n]{1,200}`")
INLINE_FORMULA = re.compile(r"\$(?=[^\s$])[^$\n]{1,400}(?<=[^\s$])\$(?!\d)")
"""Between dollar signs; `looks_like_formula` tells prices from it."""
FORMULA_MARKS = frozenset("\\^_={}<>+|")
INDENT = re.compile(r"(?: {4}|\t)\s*[^\s\-*+•\d]")
"""A line of an indented code block; lists may be indented as far, so that a bullet is none."""
CODE_MARKS = re.compile(r"[{}();=<>\[\]#$\\]|->|::")
"""What an indented line must hold to be code: verses and quotations are indented too."""

TRAILING = " \t"
"""White space at the end of a line, which no reader sees: Markdown's line break, or tokenised text. A
rule that reads the last character of a line would find no full stop."""
OTHER_FORMS = ("`", "~~~", "$", "|", "\n    ", "\n\t", "\\[")
MARKUP = ("](", "://", "<", "{{", "{%", "\n#", "\\", "\n.. ", "___", "[!", ":`", "\n:")
"""What a text must hold one of to be read for the other forms, and for markup, at all; a line of
marks or numbers is markup too."""
INNER = ("](", "://", "<", "{{", "{%", "\\", ":`", "___", "`", "$")
"""What a line that begins with a letter must hold one of not to be prose alone."""
_MARKUP, _OTHER_FORMS, _INNER = ByteMarks(MARKUP), ByteMarks(OTHER_FORMS), ByteMarks(INNER)
IMAGE = re.compile(
    r"!\[[^\[\]\n]{0,300}\]\([^()\s]*(?:\([^()\s]{0,200}\)[^()\s]{0,2000})?(?: \"[^\"\n]{0,200}\")?\)"
)
TARGET = re.compile(r"(?<=\])\([^()\s]*(?:\([^()\s]{0,200}\)[^()\s]{0,2000})?(?: \"[^\"\n]{0,200}\")?\)")
ADDRESS = re.compile(r"\b(?:https?|ftp)://[!-'*-;=?-Z\\^-z~]+")
"""A bare address, up to white space, a bracket or another script."""
TAG = re.compile(r"<!--[^<>\n]{0,300}-->|</?[a-zA-Z][^<>\n]{0,300}>")
TEMPLATE = re.compile(r"\{\{[^{}\n]{0,200}\}\}|\{%[^%\n]{0,200}%\}")
REFERENCE = re.compile(r"\\(?:ref|eqref|label|cite|input|index)\{[^{}\n]{0,200}\}")
SOLID = re.compile(r"[^\W_]")
"""What a line must hold a character of to be read, once its markup, code and formulas are gone."""
BLANK = re.compile(r"_{3,}")
HEADING = re.compile(r"#{1,6} +")
ADMONITIONS = frozenset(
    ["note", "warning", "tip", "hint", "important", "attention", "caution", "danger", "seealso"]
)
DIRECTIVE = re.compile(r"\.\. (?:_[^\n]*:$|([\w:.-]{1,40})::)")
"""A line of reStructuredText: a label, or a directive with its arguments."""
TEX_LINE = re.compile(r"(?:\\[a-zA-Z]+\*?(?:\[[^\[\]\n]{0,80}\])?(?:\{[^{}\n]{0,200}\}){0,3} ?)+")
ROLE = re.compile(r":[a-z]{1,16}(?::[a-z]{1,16})?:(?=`)")
"""The name before a reference in reStructuredText: :ref:`page`."""
OPTION = re.compile(r":[a-z][a-z_-]{0,20}:(?: ?`[^`\n]*`)?")
"""A line that is an option or a label of a directive, without words of its own."""
MARKS = re.compile(r"[\W_]+|\d[\d .,]*|\((?:[a-zA-Z]|[ivx]{1,4}|\d{1,3})\)|\[![A-Z]+\b.*\]")
"""A line of marks (a rule, blanks to fill in), of numbers, the letter or number of an exercise, or
that includes another file."""


@dataclass(frozen=True)
class Prose:
    """The prose, and characters of each other form."""

    text: str
    code: int
    formulas: int
    tables: int
    markup: int = 0

    @property
    def share(self) -> float:
        """Prose by what is read, so without markup."""
        read = len(self.text) + self.code + self.formulas + self.tables
        return len(self.text) / read if read else 0.0


def looks_like_formula(inner: str) -> bool:
    """Whether what stands between dollar signs is a formula: one sign or letter, or any mark of
    TeX."""
    return len(inner) <= 2 or bool(FORMULA_MARKS & set(inner))


def is_markup(stripped: str) -> bool:
    """Whether a line, stripped, is markup or data as a whole."""
    first = stripped[:1]
    if first == "\\":
        return TEX_LINE.fullmatch(stripped) is not None
    if first == "." and (found := DIRECTIVE.match(stripped)):
        return found[1] not in ADMONITIONS
    if first == ":" and OPTION.fullmatch(stripped):
        return True
    return not first.isalpha() and MARKS.fullmatch(stripped) is not None


def may_hold_markup(text: str) -> bool:
    """Whether a text has to be read for markup."""
    if text.startswith(("#", ".. ")) or _MARKUP.held(text.encode("utf-8", "replace")):
        return True
    return any(
        MARKS.fullmatch(line.strip()) is not None
        for line in text.split("\n")
        if line and not line[0].isalpha()
    )


def without_markup(line: str) -> str:
    """A line of prose as it is read."""
    if "](" in line:
        line = TARGET.sub("", IMAGE.sub("", line))
    if "://" in line:
        line = ADDRESS.sub("", line)
    if "<" in line:
        line = TAG.sub("", line)
    if "{{" in line or "{%" in line:
        line = TEMPLATE.sub("", line)
    if "\\" in line:
        line = REFERENCE.sub("", line)
    if ":`" in line:
        line = ROLE.sub("", line)
    if "___" in line:
        line = BLANK.sub("", line)
    if line.startswith("#"):
        line = HEADING.sub("", line, count=1) if HEADING.match(line) else line
    return line


def _inner_marks(text: str) -> list[str]:
    """The marks of a text from which what stands within a line may be another form than prose."""
    held = _INNER.held(text.encode("utf-8", "replace"))
    return [mark for k, mark in enumerate(INNER) if held >> k & 1]


def prose_of(text: str) -> Prose:
    """Take apart one text. Lines keep their order; a line of which nothing is left goes too, and so
    does white space at the end of any."""
    if " \n" in text or "\t\n" in text or text.endswith((" ", "\t")):
        text = "\n".join([line.rstrip(TRAILING) for line in text.split("\n")])
    marked = may_hold_markup(text)
    if not marked and not _OTHER_FORMS.held(text.encode("utf-8", "replace")):
        return Prose(text, 0, 0, 0)
    code = formulas = tables = markup = 0
    kept: list[str] = []
    fence, formula = "", ""
    inner, fences = _inner_marks(text), "```" in text or "~~~" in text
    for line in text.split("\n"):
        if fence:
            code += len(line) + 1
            if fence in line and line.strip().startswith(fence) and not line.strip().strip(fence[0]):
                fence = ""
            continue
        if not formula and (not line or (line[0].isalpha() and not any(mark in line for mark in inner))):
            kept.append(line)  # as most are: no other form begins with a letter
            continue
        stripped = line.strip()
        if formula:
            formulas += len(line) + 1
            if formula in stripped:
                formula = ""
        elif fences and (opening := FENCE.match(line)):
            fence = opening[1]
            code += len(line) + 1
        elif stripped.startswith(("$$", "\\[")):
            formulas += len(line) + 1
            end = "$$" if stripped[0] == "$" else "\\]"
            formula = "" if end in stripped[2:] else end
        elif stripped.startswith("|") and stripped.count("|") > 1:
            tables += len(line) + 1
        elif (
            line[0] in " \t"
            and INDENT.match(line)
            and CODE_MARKS.search(line)
            and (code or not kept or not kept[-1].strip())
        ):
            code += len(line) + 1
        elif marked and stripped and is_markup(stripped):
            markup += len(line) + 1
        else:
            rest = line
            if marked:
                rest = without_markup(line)
                markup += len(line) - len(rest)
            if "`" in rest:
                before = len(rest)
                rest = INLINE_CODE.sub("", rest)
                code += before - len(rest)
            if "$" in rest:
                before = len(rest)
                rest = INLINE_FORMULA.sub(lambda m: "" if looks_like_formula(m[0][1:-1]) else m[0], rest)
                formulas += before - len(rest)
            if rest is line or SOLID.search(rest):
                kept.append(rest)
    return Prose("\n".join(kept), code, formulas, tables, markup)
