"""What models read of a text, and the fold of a document or source.

Belongs here: features shared by training and scoring. Does not belong here: models.
"""

from __future__ import annotations

import hashlib

from pipelines.kernels.folding import folded
from pipelines.quality.feature_tokens import tokens_of
from pipelines.quality.shape import kind

CHARS = 2000  # characters of a text that a classifier reads
FOLDS = 2


def features(text: str) -> str:
    """Tokens (feature_tokens.py) with spaces between, on one line: NFKC, lower case; then the kind of
    every line (shape.py) in angle brackets. The plain definition is in tests/support/plain_features.py.
    """
    (form,) = folded([text[:CHARS]])
    tokens = tokens_of(form)
    kinds = [f"<{kind(line)}>" for line in map(str.strip, form.split("\n")) if line]
    return " ".join([tokens, *kinds] if tokens else kinds)


def fold(key: bytes) -> int:
    """The fold of a document or of a source: a pure function of its name."""
    return hashlib.blake2b(key, digest_size=8).digest()[0] % FOLDS
