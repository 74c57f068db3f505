"""Numbers that rules are made of: Gopher, FineWeb, C4, the Chinese set, lines of code.

Belongs here: the columns and which unit a text is counted in. Does not belong here: counting
(in_words.py, in_characters.py), any threshold (policies/*.yaml).

*words* are `str.split`'s, as Gopher, FineWeb and C4 are counted here and in datatrove with that
tokenizer. *characters*: a Han character is a token, a run of letters and digits of another script
is a token, punctuation and space are none, and shares are of tokens' characters. Such a text is
NFKC-folded for measuring only, so that width and punctuation variants measure the same.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipelines.kernels.utf8 import text_buffers
from pipelines.signals.characters import STOP_WORDS, UNITS, table, unit_of
from pipelines.signals.counting import COUNTS, SHARES, token_hash
from pipelines.tables.columns import described

# What a column is, for reports and error messages. Counts are int32, shares float32. Lines are not
# blank unless said otherwise.
COLUMNS = {
    "num_chars": "characters of the rendered text",
    "num_tokens": "tokens",
    "num_words": "tokens that are not punctuation alone",
    "num_lines": "lines",
    "num_sentences": "ends of sentences; closing quotes and brackets belong to them",
    "stop_words": "different stop words",
    "max_line_length": "characters of the longest line",
    "c4_sentences": "sentences in the lines that C4 retains; not in characters, like all c4_*",
    "c4_lorem_lines": "retained lines with lorem ipsum",
    "c4_curly_lines": "retained lines with a curly bracket",
    "c4_any_end_sentences": "sentences where a line may end in any way, as FineWeb uses C4",
    "c4_any_end_lorem_lines": "lines with lorem ipsum where a line may end in any way",
    "c4_any_end_curly_lines": "lines with a curly bracket where a line may end in any way",
    "mean_token_length": "characters of a token that is not punctuation alone",
    "hash_ratio": "# for each token",
    "ellipsis_ratio": "ellipses for each token",
    "bullet_lines": "share of lines that begin with a bullet; in words, of str.splitlines",
    "ellipsis_lines": "share of lines that end with an ellipsis; in words, of str.splitlines",
    "terminal_lines": "share of lines that end a sentence",
    "short_lines": "share of lines of 30 characters or fewer",
    "readmore_lines": "share of lines that end in `read more` and the like",
    "alphabetic_tokens": "share of tokens with a letter",
    "duplicate_lines": "share of lines that were there before",
    "duplicate_paragraphs": "share of paragraphs that were there before",
    "duplicate_line_chars": "share of characters in such lines",
    "duplicate_paragraph_chars": "share of characters in such paragraphs",
    "fineweb_duplicate_line_chars": "share of characters in lines seen before, line feeds left out",
    **{f"top_{n}_gram": f"share of characters in the most frequent {n}-gram" for n in (2, 3, 4)},
    **{
        f"duplicate_{n}_gram": f"share of characters in {n}-grams that were there before"
        for n in range(5, 11)
    },
    "repeated_13_gram": "share of 13-grams that recur (EvalWeb); not in words",
    "newline_ratio": "line feeds for each token",
    "mean_line_length": "characters of a line",
    "alphanumeric": "share of characters",
    "alphabetic": "share of characters",
    "digits": "share of letters and digits",
    "han": "share of tokens' characters",
    "unique_tokens": "different tokens for each token; not in words",
    "entropy": "of tokens, in nats; not in words",
    "brackets": "share of characters that are lenticular brackets",
    "curly_brackets": "share of characters that are {",
    "letters_per_token": "letters for each token",
}
# Columns that are null in a unit.
_NOT_IN = {n: "characters" for n in COUNTS if n.startswith("c4_")}
_NOT_IN |= dict.fromkeys(("repeated_13_gram", "unique_tokens", "entropy"), "words")
SCHEMA = described(
    "signals/rules",
    [
        ("unit", pa.string(), "words or characters: what the rules of the language count"),
        *((name, pa.int32(), COLUMNS[name]) for name in COUNTS),
        *((name, pa.float32(), COLUMNS[name]) for name in SHARES),
    ],
)


def measure_rules(texts: pa.Array | Sequence[str], languages: Sequence[str]) -> pa.Table:
    """One row of SCHEMA for each text. Shares are 0 where there is nothing to take a share of."""
    if not isinstance(texts, pa.Array):
        texts = pa.array(texts, pa.string())
    units = np.array([unit_of(code) for code in languages], object)
    counts = np.zeros((len(texts), len(COUNTS)), np.int32)
    shares = np.zeros((len(texts), len(SHARES)), np.float64)
    for unit in UNITS:
        rows = np.flatnonzero(units == unit)
        if len(rows):
            chosen = texts.take(pa.array(rows)) if len(rows) < len(texts) else texts
            counts[rows], shares[rows] = _count(chosen, unit)
    columns = [pa.array(units, pa.string())]
    for values, names in ((counts, COUNTS), (shares.astype(np.float32), SHARES)):
        for k, name in enumerate(names):
            columns.append(pa.array(values[:, k], mask=units == _NOT_IN[name] if name in _NOT_IN else None))
    return pa.table(columns, schema=SCHEMA)


def _count(texts: pa.Array, unit: str) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """(counts [n, COUNTS], shares [n, SHARES]) by the kernel of a unit; characters are counted
    before folding."""
    from pipelines.signals import in_characters, in_words

    data, offsets = text_buffers(pc.utf8_normalize(texts, "NFKC") if unit == "characters" else texts)
    counts, shares = np.zeros((len(texts), len(COUNTS)), np.int32), np.zeros((len(texts), len(SHARES)))
    classes, words = table(unit), STOP_WORDS[unit]
    if unit == "words":
        tables = *in_words.low_tables(classes), *in_words.stop_tables(words)
        in_words.count_in_words(data, offsets, classes, *tables, counts, shares)
    else:
        num_chars = pc.utf8_length(texts).to_numpy(zero_copy_only=False).astype(np.int64)
        stops = np.array([token_hash(np.array([ord(c) for c in word])) for word in words], np.uint64)
        in_characters.count_in_characters(data, offsets, num_chars, classes, stops, counts, shares)
    return counts, shares
