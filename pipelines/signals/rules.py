"""Numbers that rules are made of: Gopher, FineWeb, C4, the Chinese set, lines of code.

Belongs here: the table, and which unit a text is counted in. Does not belong here: counting
(in_words.py, in_characters.py), any threshold (filtering/policies/*.yaml).

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
from pipelines.signals.columns import MEANINGS, NOT_IN, Counts, Shares
from pipelines.signals.entries import entry_lines
from pipelines.signals.forms import date_lines
from pipelines.signals.hash_set import word_hash
from pipelines.signals.offers import measure_offers
from pipelines.signals.page_kinds import measure_kinds
from pipelines.signals.prose import Prose, prose_of
from pipelines.tables.columns import described

SCHEMA = described(
    "signals/rules",
    [
        ("unit", pa.string(), "words or characters: what the rules of the language count"),
        *((name, pa.int32(), MEANINGS[name]) for name in Counts._fields),
        *((name, pa.float32(), MEANINGS[name]) for name in Shares._fields),
        ("prose_chars", pa.int32(), "characters of the prose, which all but num_chars is measured on"),
        ("prose", pa.float32(), "share of prose in prose, code, formulas and tables together"),
        ("code", pa.float32(), "share of the rendered text's characters in code"),
        ("formulas", pa.float32(), "share of the rendered text's characters in formulas"),
        ("tables", pa.float32(), "share of the rendered text's characters in rows of tables"),
        (
            "markup",
            pa.float32(),
            "share of the rendered text's characters in markup: addresses, tags, labels",
        ),
        ("date_lines", pa.float32(), "share of lines that are a date or a time (forms.py)"),
        (
            "commerce",
            pa.float32(),
            "probability that a page sells (page_kinds.py); null but in English, and where too short",
        ),
        ("listing", pa.float32(), "probability that a page lists other pages; null where commerce is"),
        (
            "entry_lines",
            pa.float32(),
            "share of lines that tell when a post was written and read (entries.py)",
        ),
        (
            "offers",
            pa.float32(),
            "different phrases of offers for 100 tokens (offers.py); null but in English and Chinese",
        ),
    ],
)
COUNTED = pa.schema([SCHEMA.field(name) for name in ("unit", *Counts._fields, *Shares._fields)])
"""What the kernels count of one text; the other columns say what a text is made of."""


def measure_prose(texts: pa.Array, languages: Sequence[str], has_forms: Sequence[bool]) -> pa.Table:
    """One row of SCHEMA for each text: the numbers of its prose, and the shares of what is none.
    Where `has_forms` is false the text is taken whole."""
    apart = [
        prose_of(text) if forms else Prose(text, 0, 0, 0)
        for text, forms in zip(texts.to_pylist(), has_forms, strict=True)
    ]
    prose = pa.array([p.text for p in apart], pa.large_string())
    counted = measure_rules(prose, languages)
    num_chars, prose_chars = pc.utf8_length(texts).cast(pa.int32()), counted["num_chars"]
    whole = np.maximum(num_chars.to_numpy(zero_copy_only=False), 1).astype(np.float64)
    other = {
        name: np.array([getattr(p, name) for p in apart]) / whole
        for name in ("code", "formulas", "tables", "markup")
    }
    forms = {
        "prose_chars": prose_chars,
        "prose": [p.share for p in apart],
        **other,
        "date_lines": date_lines(texts),
        **measure_kinds(prose, languages),
        "entry_lines": entry_lines(texts),
        "offers": measure_offers(prose, languages, counted["num_tokens"].to_pylist()),
    }
    columns = {name: counted[name] for name in COUNTED.names} | {"num_chars": num_chars}
    columns |= {n: c if n == "prose_chars" else pa.array(c, SCHEMA.field(n).type) for n, c in forms.items()}
    return pa.table(columns, schema=SCHEMA)


def measure_rules(texts: pa.Array | Sequence[str], languages: Sequence[str]) -> pa.Table:
    """One row of COUNTED for each text. Shares are 0 where there is nothing to take a share of."""
    if not isinstance(texts, pa.Array):
        texts = pa.array(texts, pa.string())
    units = np.array([unit_of(code) for code in languages], object)
    counts = np.zeros((len(texts), len(Counts._fields)), np.int32)
    shares = np.zeros((len(texts), len(Shares._fields)), np.float64)
    for unit in UNITS:
        rows = np.flatnonzero(units == unit)
        if len(rows):
            chosen = texts.take(pa.array(rows)) if len(rows) < len(texts) else texts
            counts[rows], shares[rows] = _count(chosen, unit)
    columns = [pa.array(units, pa.string())]
    for values, names in ((counts, Counts._fields), (shares.astype(np.float32), Shares._fields)):
        for k, name in enumerate(names):
            columns.append(pa.array(values[:, k], mask=units == NOT_IN[name] if name in NOT_IN else None))
    return pa.table(columns, schema=COUNTED)


def _count(texts: pa.Array, unit: str) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """(counts [n, COUNT], shares [n, SHARE]) by the kernel of a unit; characters are counted before
    folding."""
    from pipelines.signals import in_characters, in_words
    from pipelines.signals.words import word_tables

    data, offsets = text_buffers(pc.utf8_normalize(texts, "NFKC") if unit == "characters" else texts)
    counts = np.zeros((len(texts), len(Counts._fields)), np.int32)
    shares = np.zeros((len(texts), len(Shares._fields)), np.float64)
    classes, words = table(unit), STOP_WORDS[unit]
    if unit == "words":
        in_words.count_in_words(data, offsets, word_tables(classes, words), counts, shares)
    else:
        num_chars = pc.utf8_length(texts).to_numpy(zero_copy_only=False).astype(np.int64)
        stops = np.array([word_hash(np.array([ord(c) for c in word])) for word in words], np.uint64)
        in_characters.count_in_characters(data, offsets, num_chars, classes, stops, counts, shares)
    return counts, shares
