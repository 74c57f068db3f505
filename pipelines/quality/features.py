"""What models read of a text, and the fold of a document or source.

Belongs here: features shared by training and scoring. Does not belong here: models.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata

from pipelines.quality.shape import kind, lines_of

CHARS = 2000  # characters of a text that a classifier reads
FOLDS = 2
LONG_WORD = 20  # letters above which a word says only that it is long
_CODED = re.compile(r"[a-z0-9+/=_%&?.#-]{40,}")  # base64, query strings: nothing to read
_TOKEN = re.compile(
    r"(?P<han>[\u3400-\u9fff\uf900-\ufaff\U00020000-\U000323af])|(?P<command>\\[a-z]+)|(?P<word>[^\W\d_\u3400-\u9fff\uf900-\ufaff]+)"
    r"|(?P<decimal>\d+(?:[.,]\d+)+)|(?P<number>\d+)|(?P<blank>_{2,})|(?P<mark>[^\w\s])(?P=mark)*"
)


def features(text: str) -> str:
    """Tokens with spaces between, on one line: NFKC, lower case; then the kind of every line
    (shape.py) in angle brackets.

    A Han character, a TeX command, a word, a number (as 0 or 0.0) or a run of one mark (once) each
    is a token.
    """
    head = text[:CHARS]
    folded = _CODED.sub(" \N{PLACE OF INTEREST SIGN} ", unicodedata.normalize("NFKC", head).lower())
    return " ".join([*map(_token, _TOKEN.finditer(folded)), *(f"<{kind(line)}>" for line in lines_of(head))])


def _token(found: re.Match[str]) -> str:
    match found.lastgroup:
        case "number":
            return "0"
        case "decimal":
            return "0.0"
        case "blank":
            return "__"
        case "word" if len(found[0]) > LONG_WORD:
            return "<long>"
        case "mark":
            return found["mark"]
    return found[0]


def fold(key: bytes) -> int:
    """The fold of a document or of a source: a pure function of its name."""
    return hashlib.blake2b(key, digest_size=8).digest()[0] % FOLDS
