"""Character references (`&lt;`, `&#x4E2D;`) -> characters.

Belongs here: html.unescape, at a third of its time on pages that hold many. Does not belong here:
references that the parser counts (html/markup.py).
"""

from __future__ import annotations

import html
import re

MAX_KNOWN = 4096  # references that are kept; a page may hold any number of others
_REFERENCE = re.compile(r"(&(?:#[0-9]+;?|#[xX][0-9a-fA-F]+;?|[^\t\n\f <&#;]{1,32};?))")


class _Known(dict[str, str]):
    """What references stand for, as they come."""

    def __missing__(self, reference: str) -> str:
        found = html.unescape(reference)
        if len(self) < MAX_KNOWN:
            self[reference] = found
        return found


_KNOWN = _Known()


def unescape(text: str) -> str:
    """html.unescape(text)."""
    if "&" not in text:
        return text
    pieces = _REFERENCE.split(text)  # every second one is a reference
    pieces[1::2] = map(_KNOWN.__getitem__, pieces[1::2])
    return "".join(pieces)
