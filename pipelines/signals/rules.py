"""Numbers that rules are made of: Gopher, FineWeb, C4, the Chinese set, code.

Belongs here: one pass over a text that measures it. Does not belong here: any threshold (policies/*.yaml).

Two ways to count. *words*: `str.split`, as Gopher, FineWeb and C4 count English. *characters*: a Han character is a token, a run of letters
or digits of another script is a token, punctuation and space are none, and shares are of tokens' characters; the text is NFKC-folded for
measuring only, so that width and punctuation variants measure the same. Chinese (and Japanese, Korean) is counted in characters.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

CHARACTER_LANGUAGES = ("zh", "ja", "yue", "wuu")
TOP, DUPLICATE = (2, 3, 4), (5, 6, 7, 8, 9, 10)

_COUNTS = ("num_chars", "num_tokens", "num_lines", "num_sentences", "stop_words", "max_line_length")
_SHARES = (
    "mean_token_length",  # characters; of tokens that are not symbols
    "hash_ratio", "ellipsis_ratio",  # per token
    "bullet_lines", "ellipsis_lines", "terminal_lines", "short_lines", "readmore_lines",  # shares of lines that are not blank
    "alphabetic_tokens",  # share of tokens with a letter
    "duplicate_lines", "duplicate_paragraphs", "duplicate_line_chars", "duplicate_paragraph_chars", "fineweb_duplicate_line_chars",
    *(f"top_{n}_gram" for n in TOP), *(f"duplicate_{n}_gram" for n in DUPLICATE),  # shares of characters
    "newline_ratio",  # per token
    "mean_line_length", "alphanumeric", "alphabetic", "digits", "han", "unique_tokens", "entropy", "brackets",
    "curly_brackets", "boilerplate_lines",
)  # fmt: skip
SCHEMA = pa.schema(
    [
        ("unit", pa.string()),  # words or characters
        *((name, pa.int32()) for name in _COUNTS),
        *((name, pa.float32()) for name in _SHARES),
    ]
)

STOP_WORDS = {
    "words": frozenset(("the", "be", "to", "of", "and", "that", "have", "with")),  # Gopher
    "characters": frozenset("的年在月是和日了於为為有被人中他與与後后也而由"),  # FineWeb2 cmn_Hani, both scripts
}
BULLETS = ("•", "●", "○", "■", "□", "▪", "▫", "※", "·", "➢", "-", "*")
ELLIPSES = ("...", "…", "。。。")
READ_MORE = ("readmore", "read more", "展开", "更多")  # MAP-CC
END_MARKS = ".?!。？！…;；‽⁇⁈⁉"
CLOSING = "\"'”’」』）)】]》〉〕"  # may follow the mark that ends a sentence
# C4
BOILERPLATE = ("javascript", "lorem ipsum", "terms of use", "privacy policy", "cookie policy", "uses cookies", "use cookies")

_PARAGRAPHS, _LINES = re.compile(r"\n{2,}"), re.compile(r"\n+")
_HAN_RANGES = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
_TOKENS = re.compile(rf"[{_HAN_RANGES}]|[^\W_{_HAN_RANGES}]+")
_HAN = re.compile(rf"[{_HAN_RANGES}]")
_SENTENCE = re.compile(r"[.?!](?=[\s\"'”’)]|$)|[。？！…]+")


def unit_of(language: str) -> str:
    """How texts of a language are counted."""
    return "characters" if language in CHARACTER_LANGUAGES else "words"


def ends_sentence(line: str, unit: str = "words") -> bool:
    """Whether a line ends a sentence. A closing quote or bracket after the mark belongs to it: `他说：“好。”` ends one."""
    line = line.rstrip()
    if unit == "words" and line[-1:] in "\"'”’":
        return True  # C4 and FineWeb take a quote alone as an end
    return line.rstrip(CLOSING).endswith(tuple(END_MARKS))


def _duplicates(items: Sequence[str]) -> tuple[int, int]:
    """How many items were there before, and their characters."""
    if len(set(items)) == len(items):
        return 0, 0
    counts = Counter(items)
    return len(items) - len(counts), sum(len(k) * (c - 1) for k, c in counts.items())


def measure_one(text: str, unit: str) -> dict[str, Any]:
    """One row of SCHEMA. Shares are 0 where there is nothing to take a share of."""
    from pipelines.signals.repetition import repeated

    num_chars = len(text)
    if unit == "characters":
        text = unicodedata.normalize("NFKC", text)
        tokens = _TOKENS.findall(text.lower())
        solid = tokens
        stops = len(STOP_WORDS[unit].intersection(tokens))
    else:
        tokens = text.split()
        solid = [t for t in tokens if any(map(str.isalnum, t))]
        stops = len(STOP_WORDS[unit].intersection(tokens))
    lengths = np.fromiter(map(len, tokens), np.int32, len(tokens))
    number: dict[str, int] = {}
    ids = np.fromiter((number.setdefault(t, len(number)) for t in tokens), np.uint32, len(tokens))
    token_chars = int(lengths.sum())
    n, chars = max(len(tokens), 1), max(len(text), 1)
    # Words lie in a text with their spaces, Han characters without: so the shares never exceed what they are shares of.
    whole = max(token_chars, 1) if unit == "characters" else chars
    lines = [line for line in text.split("\n") if line.strip()]
    rows = max(len(lines), 1)
    paragraphs = _PARAGRAPHS.split(text.strip())
    gopher_lines = _LINES.split(text)
    duplicate_lines, duplicate_line_chars = _duplicates(gopher_lines)
    duplicate_paragraphs, duplicate_paragraph_chars = _duplicates(paragraphs)
    grams = np.minimum(repeated(ids, lengths, 0 if unit == "characters" else 1) / whole, 1.0)
    stripped = [line.strip() for line in lines]
    low = text.lower()
    alphabetic = sum(map(str.isalpha, text))
    alphanumeric = sum(map(str.isalnum, text))
    digits = sum(map(str.isdigit, text))
    counts = np.bincount(ids) if len(tokens) else np.zeros(1)
    probabilities = counts[counts > 0] / n
    entropy = float(-(probabilities * np.log(probabilities)).sum()) if len(probabilities) > 1 else 0.0
    return {
        "unit": unit,
        "num_chars": num_chars,
        "num_tokens": len(tokens),
        "num_lines": len(lines),
        "num_sentences": len(_SENTENCE.findall(text)),
        "stop_words": stops,
        "max_line_length": max(map(len, lines), default=0),
        "mean_token_length": sum(map(len, solid)) / max(len(solid), 1),
        "hash_ratio": text.count("#") / n,
        "ellipsis_ratio": (text.count("...") + text.count("…")) / n,
        "bullet_lines": sum(s.startswith(BULLETS) for s in stripped) / rows,
        "ellipsis_lines": sum(s.endswith(ELLIPSES) for s in stripped) / rows,
        "terminal_lines": sum(ends_sentence(s, unit) for s in stripped) / rows,
        "short_lines": sum(len(line) <= 30 for line in lines) / rows,
        "readmore_lines": sum(s.lower().endswith(READ_MORE) for s in stripped) / rows,
        "alphabetic_tokens": sum(any(map(str.isalpha, t)) for t in tokens) / n,
        "duplicate_lines": duplicate_lines / max(len(gopher_lines), 1),
        "duplicate_paragraphs": duplicate_paragraphs / max(len(paragraphs), 1),
        "duplicate_line_chars": duplicate_line_chars / chars,
        "duplicate_paragraph_chars": duplicate_paragraph_chars / chars,
        "fineweb_duplicate_line_chars": _duplicates(lines)[1] / max(chars - text.count("\n"), 1),
        **{f"top_{k}_gram": grams[k - 2] for k in TOP},
        **{f"duplicate_{k}_gram": grams[k - 2] for k in DUPLICATE},
        "newline_ratio": text.count("\n") / n,
        "mean_line_length": sum(map(len, lines)) / rows,
        "alphanumeric": alphanumeric / chars,
        "alphabetic": alphabetic / chars,
        "digits": digits / max(alphanumeric, 1),
        "han": len(_HAN.findall(text)) / max(token_chars, 1) if not text.isascii() else 0.0,
        "unique_tokens": len(number) / n,
        "entropy": entropy,
        "brackets": (text.count("【") + text.count("】")) / chars,
        "curly_brackets": text.count("{") / chars,
        "boilerplate_lines": sum(any(b in line for b in BOILERPLATE) for line in low.split("\n") if line.strip()) / rows,
    }


def measure(texts: Sequence[str], languages: Sequence[str]) -> pa.Table:
    """One row of SCHEMA for each text; float values rounded to 1e-6."""
    rows = [measure_one(t, unit_of(la)) for t, la in zip(texts, languages, strict=True)]
    columns = []
    for field in SCHEMA:
        values: Any = [r[field.name] for r in rows]
        if field.type == pa.float32():
            values = np.round(np.array(values, np.float64), 6).astype(np.float32)
        columns.append(pa.array(values, field.type))
    return pa.table(columns, schema=SCHEMA)
