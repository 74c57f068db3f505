"""What models read of a text, and the fold of a document or source.

Belongs here: features shared by training and scoring. Does not belong here: models.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata

from pipelines.quality.shape import kind

CHARS = 2000  # characters of a text that a classifier reads
FOLDS = 2
LONG_WORD = 20  # letters above which a word says only that it is long
_HAN = r"\u3400-\u9fff\uf900-\ufaff\U00020000-\U000323af"
_CODED = re.compile(r"[a-z0-9+/=_%&?.#-]{40,}")  # base64, query strings: nothing to read
# A run of Han, a TeX command, a word, a decimal, a number, a blank to fill in, or a run of marks. Two
# backslashes or more are marks; one before a letter begins a command.
_PIECE = re.compile(
    rf"[{_HAN}]+|\\[a-z]+|[^\W\d_\u3400-\u9fff\uf900-\ufaff]+|\d+(?:[.,]\d+)+|\d+|_{{2,}}"
    r"|(?:[^\w\s\\]|\\{2,}|\\(?![a-z]))+"
)
_IS_HAN, _RUN = re.compile(f"[{_HAN}]"), re.compile(r"(.)\1+", re.DOTALL)
KNOWN = 100_000  # pieces whose tokens a process remembers


class _Tokens(dict[str, str]):
    """The tokens of a piece of text, with spaces between; remembered for all but Han."""

    def __missing__(self, piece: str) -> str:
        if _IS_HAN.match(piece):
            return " ".join(piece)
        tokens = _tokens(piece)
        if len(self) < KNOWN:
            self[piece] = tokens
        return tokens


def _tokens(piece: str) -> str:
    first = piece[0]
    if first.isalpha() or (first == "\\" and len(piece) > 1 and piece[1].isalpha()):
        return piece if first == "\\" or len(piece) <= LONG_WORD else "<long>"
    if first.isdecimal():
        return "0" if piece.isdecimal() else "0.0"
    if first == "_":
        return "__"
    if first.isalnum():  # a number that is no decimal digit: of the words
        return piece if len(piece) <= LONG_WORD else "<long>"
    return " ".join(_RUN.sub(r"\1", piece))


_KNOWN = _Tokens()


def features(text: str) -> str:
    """Tokens with spaces between, on one line: NFKC, lower case; then the kind of every line
    (shape.py) in angle brackets.

    A Han character, a TeX command, a word, a number (as 0 or 0.0) or a run of one mark (once) each
    is a token. The plain definition is in tests/support/plain_features.py; what is done here for each
    piece of the text is a look-up.
    """
    folded = unicodedata.normalize("NFKC", text[:CHARS]).lower()
    pieces = _PIECE.findall(_CODED.sub(" \N{PLACE OF INTEREST SIGN} ", folded))
    kinds = [f"<{kind(line)}>" for line in map(str.strip, folded.split("\n")) if line]
    return " ".join([*map(_KNOWN.__getitem__, pieces), *kinds])


def fold(key: bytes) -> int:
    """The fold of a document or of a source: a pure function of its name."""
    return hashlib.blake2b(key, digest_size=8).digest()[0] % FOLDS
