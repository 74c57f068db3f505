"""Text that came as text (JSONL, Parquet, WET, text/plain), made as text from HTML is.

Belongs here: ends of lines, characters that no text holds. Does not belong here: HTML (html/, page.py),
charsets.
"""

from __future__ import annotations

_DROPPED = dict.fromkeys((*range(9), *range(14, 32), 127, 8203, 65279))  # as in page.py
_LINES = {0x0B: "\n", 0x0C: "\n"}  # vertical tab and form feed part lines
_TABLE = _DROPPED | _LINES


def plain_text(text: str) -> str:
    """The text with line feeds as the only ends of lines, without controls, byte order marks and
    zero-width spaces, and without empty lines at its ends."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.translate(_TABLE).strip("\n")
