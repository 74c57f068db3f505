"""The attributes of one start tag, read in Python.

Belongs here: the few tags of a page whose attributes are all read (meta, link, html, time). Does not belong
here: what the parser reads of every tag (html/attributes.py).
"""

from __future__ import annotations

import re

from pipelines.extraction.markdown.entities import unescape

_ATTRIBUTE = re.compile(
    r"""([a-zA-Z:\-]{2,30})\s{0,9}=\s{0,9}(?:"([^"]{0,1000})"|'([^']{0,1000})'|([^\s"'>]{1,300}))"""
)
MAX_TAG = 3000  # characters of one tag that are read


def attributes(tag: str) -> dict[str, str]:
    """The attributes of a start tag, names in lower case, entities decoded."""
    found = _ATTRIBUTE.findall(tag)
    return {name.lower(): unescape(double or single or bare).strip() for name, double, single, bare in found}
