"""The plain definition of quality/features.py: one pattern, one function a token."""

from __future__ import annotations

import re
import unicodedata

from pipelines.quality.feature_tokens import LONG_WORD
from pipelines.quality.features import CHARS
from pipelines.quality.shape import kind, lines_of

_CODED = re.compile(r"[a-z0-9+/=_%&?.#-]{40,}")
_TOKEN = re.compile(
    r"(?P<han>[\u3400-\u9fff\uf900-\ufaff\U00020000-\U000323af])|(?P<command>\\[a-z]+)|(?P<word>[^\W\d_\u3400-\u9fff\uf900-\ufaff]+)"
    r"|(?P<decimal>\d+(?:[.,]\d+)+)|(?P<number>\d+)|(?P<blank>_{2,})|(?P<mark>[^\w\s])(?P=mark)*"
)


def plain_features(text: str) -> str:
    """What `features` gives."""
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
