"""The blocks of a page as a tree built by the HTML standard gives them: lexbor, through resiliparse.

Belongs here: the walk over that tree, and the reasons for which a page may differ. Does not belong
here: our parser. What is shown and what begins a line is decided by the tables of pipelines/extraction/
html (tags, classes), so that only the tree can differ.
"""

from __future__ import annotations

import html
import io
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from resiliparse.parse.html import HTMLTree, NodeType

from pipelines.dumps.readers import read_records
from pipelines.extraction.charset import decode
from pipelines.extraction.html import classes, tags, tree
from pipelines.extraction.html import columns as col
from pipelines.extraction.html.markup import MIN_ASKED
from pipelines.extraction.html.runs import text_words

CONTROLS = bytes([*range(9), *range(14, 32), 127])
_BLANK = re.compile("[\\s\u200b\ufeff\u00ad\u3000\xa0\x00-\x20\x7f]")
_NOSCRIPT = re.compile(r"<noscript\b.*?</noscript\s*>", re.DOTALL | re.IGNORECASE)
_SELF_CLOSED = re.compile(
    r"<(?!/)(iframe|script|style|textarea|title|div|span|p|a|i|td|li|ul|option)\b[^<>]*/>", re.I
)
_LEFT_OUT = (tags.RAW, tags.TITLE, tags.NOSCRIPT, tags.META, tags.IMAGE, tags.VOID)
# why a page may differ: what to look for in its markup
REASONS = {
    "shadow roots, whose content lexbor keeps apart": re.compile(r"\bshadowroot(?:mode)?=", re.I),
    "<x/> closed, as XHTML means it": _SELF_CLOSED,
    "a script that never ends, read as if its comment did not count": re.compile(
        r"<script\b[^>]*>(?:(?!</script).)*<!--(?:(?!</script).)*<script", re.DOTALL | re.I
    ),
    "a button within a button": re.compile(r"<button\b(?:(?!</button).)*<button\b", re.DOTALL | re.I),
    "cells behind a column of line numbers, which are code": re.compile(
        r"<t[dh][^>]*\b(?:gutter|lineno|line-num|lines-num|blob-num|id=[\"']?L\d)", re.I
    ),
    "panels of tabs and regions, which are read whether open or not": re.compile(
        r"\brole=[\"']?(?:tabpanel|region)\b", re.I
    ),
    "elements that a role makes rows and cells": re.compile(
        r"\brole=[\"']?(?:row|cell|gridcell|columnheader|rowheader|grid|table)\b", re.I
    ),
    "code and formulas without an element for them": re.compile(
        r"<xmp\b|white-space:\s*pre\b|<textarea[^>]*\bname=[\"']?code\b|<noscript>\s*<(?:pre|img)\b"
        r"|class=[\"'][^\"']*\b(?:fragment|math|tex|katex-error)\b",
        re.I,
    ),
    "text that tables push out": re.compile(
        r"<(?:table|tbody|tr)\b[^>]*>\s*(?!<(?:/?t|!|caption|col|script|style))", re.I
    ),
}


def pages(shared: Path, step: int) -> Iterator[str]:
    """The markup of every page of the shared data folder, or of one in `step`."""
    import zstandard

    number = 0
    for path in sorted(shared.glob("webdump/*.warc.gz")):
        for record in read_records(path, "warc", Counter()):
            number += 1
            if number % step == 0:
                yield decode(record.body, record.charset)[0]
    for name in ("magic-html-article", "magic-html-forum", "wcxb-dev", "structure-dev"):
        with open(shared / "extraction-gold" / f"{name}.jsonl.zst", "rb") as stream:
            raw = zstandard.ZstdDecompressor().stream_reader(stream)
            for line in io.TextIOWrapper(raw, encoding="utf-8"):
                number += 1
                if number % step == 0:
                    yield json.loads(line)["html"]
    for path in sorted(shared.glob("cases/html/*.html")):
        yield path.read_bytes().decode("utf-8", "replace")


def clean(markup: str) -> str:
    """The markup as page.py hands it to the parser."""
    return markup.encode("utf-8", "replace").translate(None, CONTROLS).decode()


def our_blocks(markup: str) -> list[str]:
    """The text of each block without spaces; formulas apart."""
    data = markup.encode()
    _, blocks, segments, *_ = tree.parse(np.frombuffer(data, np.uint8), text_words(""), False)
    runs, found = segments.tolist(), []
    for block in blocks.tolist():
        text = "".join(
            data[start:end].decode("utf-8", "replace")
            if flags & col.S_PLAIN
            else html.unescape(data[start:end].decode("utf-8", "replace"))
            for start, end, flags in runs[block[col.B_FIRST] : block[col.B_LAST]]
            if not flags & col.S_FORMULA
        )
        found.append(_BLANK.sub("", text))
    return list(filter(None, found))


def standard_blocks(markup: str) -> list[str]:
    """As our_blocks, of the tree that the standard builds with scripts on."""
    walk = _Walk()
    todo: list[tuple[Any, bool, bool, bool]] = [
        (HTMLTree.parse(_NOSCRIPT.sub("", markup)).document, False, False, False)
    ]
    while todo:
        node, pre, code, leaving = todo.pop()
        if leaving:
            walk.close()
        elif node.type == NodeType.TEXT:
            walk.add(node.value or "")
        elif node.type in (NodeType.ELEMENT, NodeType.DOCUMENT):
            if node.type == NodeType.ELEMENT:
                enters, pre, code, block = walk.element(node, pre, code)
                if not enters:
                    continue
                if block:
                    todo.append((node, pre, code, True))
            children, child = [], node.first_child
            while child is not None:
                children.append((child, pre, code, False))
                child = child.next
            todo += reversed(children)
    walk.close()
    return walk.blocks


def _heads(node: Any) -> bool:
    """Whether the nearest block-level element around a node, or the one around that, is a heading or a
    term."""
    around = []
    while node.parent is not None and node.parent.type == NodeType.ELEMENT and len(around) < 2:
        node = node.parent
        kind = tags._TAGS.get(node.tag.lower(), tags.CUSTOM if "-" in node.tag else tags.INLINE)
        around += [kind] if tags.is_block(kind) or kind == tags.CUSTOM else []
    return tags.HEADING in around or tags.DT in around


def _asks(node: Any) -> bool:
    """Whether the text of a button is a question of four words or more."""
    text = (node.text_content or "").strip(" \t\n\r\f\v")
    words = [word for word in re.split(r"[ \t\n\r\f\v]+", text) if word]
    han = len(re.findall(r"[\u4000-\u9fff]", text)) - sum("\u4000" <= word[0] <= "\u9fff" for word in words)
    return text.endswith(("?", "\uff1f")) and len(words) + han >= MIN_ASKED


class _Walk:
    """The blocks so far, the open one, and the line breaks since its last text."""

    def __init__(self) -> None:
        self.blocks: list[str] = []
        self.open: list[str] = []
        self.breaks = 0

    def close(self) -> None:
        text = _BLANK.sub("", "".join(self.open))
        self.blocks += [text] if text else []
        self.open.clear()
        self.breaks = 0

    def add(self, text: str) -> None:
        self.open.append(text)
        if _BLANK.sub("", text):
            self.breaks = 0

    def element(self, node: Any, pre: bool, code: bool) -> tuple[bool, bool, bool, bool]:
        """(whether its content is shown, in preformatted text, in code, whether it parts blocks)."""
        name = node.tag.lower()
        kind = tags._TAGS.get(name, tags.CUSTOM if "-" in name else tags.INLINE)
        if kind in _LEFT_OUT:
            return False, pre, code, False
        if kind == tags.BR:
            self.breaks += 1
            if self.breaks >= 2 and not pre and not code:
                self.close()
            return False, pre, code, False
        known = _bits(node.getattr("class") or "")
        style = (node.getattr("style") or "").lower()
        shown = len(node.getattr("id") or "") >= 3 and node.getattr("id").startswith("S:")
        block = tags.is_block(kind)
        unseen = (
            node.hasattr("hidden") or re.search(r"display\s*:\s*none", style) or known & classes.IS_UNSEEN
        )
        skipped = kind == tags.SKIP and not (name == "button" and (_heads(node) or _asks(node)))
        hidden = bool(unseen or skipped) and not shown
        hidden |= kind in (tags.READING, tags.FORMULA) or bool(known & classes.HOLDS_FORMULA)
        hidden |= kind != tags.TD and bool(node.getattr("data-formula") or node.getattr("data-tex"))
        hidden |= kind == tags.TD and bool(known & classes.HOLDS_NUMBERS)
        hidden |= bool(re.search(r"visibility\s*:\s*hidden", style)) and (not block or kind == tags.P)
        in_line = kind in (tags.DIV, tags.P) and re.search(r"display\s*:\s*inline(?:[\s;!]|$)", style)
        parts = block and not in_line and not pre
        if parts:
            self.close()
        pre |= kind == tags.PRE or (block and bool(known & classes.HOLDS_CODE))
        return not hidden and kind != tags.HR, pre, code or kind == tags.CODE, parts


def _bits(value: str) -> int:
    found = 0
    for word in value.split():
        at = tags.find(classes.CLASS_HASHES, np.uint64(tags.name_hash(word)))
        found |= int(classes.CLASS_MASKS[at]) if at >= 0 else 0
    return found
