"""What models read of a text, and the fold of a document or source.

Belongs here: features shared by training and scoring, the form in which URLs are compared. Does not belong here: models.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata

CHARS = 2000  # characters of a text that a classifier reads
FOLDS = 2
_TOKEN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U000323af]|[^\W\d_\u3400-\u9fff\uf900-\ufaff]+|\d|[^\w\s]")


def features(text: str) -> str:
    """Tokens with spaces between, on one line: NFKC, lower case; a Han character, a word, a digit (as 0) or a mark each is a token."""
    folded = unicodedata.normalize("NFKC", text[:CHARS]).lower()
    return " ".join("0" if t.isdigit() else t for t in _TOKEN.findall(folded))


def fold(key: bytes) -> int:
    """The fold of a document or of a source: a pure function of its name."""
    return hashlib.blake2b(key, digest_size=8).digest()[0] % FOLDS


def address(url: str) -> str:
    """A URL without what does not tell pages apart: scheme, www., fragment, slash at the end; lower-case host."""
    bare = url.strip().split("#", 1)[0].split("://", 1)[-1]
    host, slash, rest = bare.partition("/")
    return (host.lower().removeprefix("www.") + slash + rest).rstrip("/")
