"""Prose of a text in light Markdown: what is left without code, formulas and tables.

Belongs here: telling the four apart, line by line. Does not belong here: writing them
(extraction/markdown), numbers of rules (rules.py). Rules of prose say nothing about code: its lines
end without a full stop, repeat, and hold no Han. The forms are those of docs/markdown.md, and of
Markdown files in general.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

FENCE = re.compile(r" {0,8}(?:[-*+>] {0,3})?(`{3,}|~{3,})")
INLINE_CODE = re.compile(r"`[^`\n]{1,200}`")
INLINE_FORMULA = re.compile(r"\$(?=[^\s$])[^$\n]{1,400}(?<=[^\s$])\$(?!\d)")
"""Between dollar signs; `looks_like_formula` tells prices from it."""
FORMULA_MARKS = frozenset("\\^_={}<>+|")
INDENT = re.compile(r"(?: {4}|\t)\s*[^\s\-*+•\d]")
"""A line of an indented code block; lists may be indented as far, so that a bullet is none."""
CODE_MARKS = re.compile(r"[{}();=<>\[\]#$\\]|->|::")
"""What an indented line must hold to be code: verses and quotations are indented too."""


@dataclass(frozen=True)
class Prose:
    """The prose, and characters of each other form."""

    text: str
    code: int
    formulas: int
    tables: int


def looks_like_formula(inner: str) -> bool:
    """Whether what stands between dollar signs is a formula: one sign or letter, or any mark of
    TeX."""
    return len(inner) <= 2 or bool(FORMULA_MARKS & set(inner))


def prose_of(text: str) -> Prose:
    """Take apart one text. Lines keep their order; a line of which nothing is left goes too."""
    if not any(mark in text for mark in ("`", "~~~", "$", "|", "\n    ", "\n\t", "\\[")):
        return Prose(text, 0, 0, 0)
    code = formulas = tables = 0
    kept: list[str] = []
    fence, formula = "", ""
    for line in text.split("\n"):
        stripped = line.strip()
        if fence:
            code += len(line) + 1
            if stripped.startswith(fence) and not stripped.strip(fence[0]):
                fence = ""
        elif formula:
            formulas += len(line) + 1
            if formula in stripped:
                formula = ""
        elif opening := FENCE.match(line):
            fence = opening[1]
            code += len(line) + 1
        elif stripped.startswith(("$$", "\\[")):
            formulas += len(line) + 1
            end = "$$" if stripped[0] == "$" else "\\]"
            formula = "" if end in stripped[2:] else end
        elif stripped.startswith("|") and stripped.count("|") > 1:
            tables += len(line) + 1
        elif INDENT.match(line) and CODE_MARKS.search(line) and (code or not kept or not kept[-1].strip()):
            code += len(line) + 1
        else:
            rest = line
            if "`" in rest:
                rest = INLINE_CODE.sub("", rest)
                code += len(line) - len(rest)
            if "$" in rest:
                before = len(rest)
                rest = INLINE_FORMULA.sub(lambda m: "" if looks_like_formula(m[0][1:-1]) else m[0], rest)
                formulas += before - len(rest)
            if rest is line or rest.strip():
                kept.append(rest)
    return Prose("\n".join(kept), code, formulas, tables)
