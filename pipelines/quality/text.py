"""What models read of a text, and the fold of a document.

Belongs here: features shared by training and scoring. Does not belong here: models.
"""

from __future__ import annotations

import re
import unicodedata

CHARS = 2000  # characters of a text that a classifier reads
FOLDS = 2
_TOKEN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U000323af]|[^\W\d_\u3400-\u9fff\uf900-\ufaff]+|\d|[^\w\s]")


def features(text: str) -> str:
    """Tokens with spaces between, on one line: NFKC, lower case; a Han character, a word, a digit (as 0) or a mark each is a token."""
    folded = unicodedata.normalize("NFKC", text[:CHARS]).lower()
    return " ".join("0" if t.isdigit() else t for t in _TOKEN.findall(folded))


def fold(doc_id: bytes) -> int:
    """The fold of a document: a pure function of its id."""
    return doc_id[-1] % FOLDS
