"""Which pieces a vocabulary has: Latin BPE, characters by frequency, Chinese words by BPE.

Belongs here: the choice of every class from the counts of a sample, the merges that lead to a piece.
Does not belong here: sizes (cards/tokenizer.py), which text is read (sample.py), how it is cut
(pattern.py), the merge loop (bpe.py), ids and files (build.py).
"""

from __future__ import annotations

import hashlib
import math
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pipelines.cards.tokenizer import NUM_BYTES, RESERVED, TokenizerConfig
from pipelines.lake import LakeError
from pipelines.tokenizer.bpe import Merge, train_merges
from pipelines.tokenizer.extend import BaseVocabulary
from pipelines.tokenizer.pattern import HAN_RUN, filler, is_cjk, is_text, pre_tokenizer

WEIGHT = 1_000  # of a Han run that occurs once: roots of counts keep three digits
SLACK = 1.03  # merges trained beyond the class size, to replace pieces that no text reaches
ASCII = [chr(c) for c in (9, 10, 13, *range(32, 127))]


@dataclass
class Pieces:
    """The vocabulary by class, in the order of ids; `merges` in order of rank."""

    latin: list[str]
    characters: list[str]
    words: list[str]
    merges: list[Merge]
    filled: dict[str, int] = field(default_factory=dict)


def _reachable(
    alphabet: Sequence[str], before: Sequence[Merge], merges: Sequence[Merge], size: int
) -> list[Merge]:
    """The merges of the first `size` pieces that text can reach: encode(piece) is the piece alone.
    `before` ranks lower."""
    lower = list(dict.fromkeys([*alphabet, *(a + b for a, b in before)]))
    while True:
        texts = list(dict.fromkeys(a + b for a, b in merges))
        tokenizer = bpe_tokenizer(
            {p: i for i, p in enumerate([*lower, *texts])}, [*before, *merges], byte_fallback=False
        )
        encoded = tokenizer.encode_batch(texts, add_special_tokens=False)
        good = {t for t, e in zip(texts, encoded, strict=True) if len(e.ids) == 1 and t not in RESERVED}
        have, kept = set(lower), []
        for a, b in merges:
            if a in have and b in have and a + b in good and (a + b in have or len(have) < len(lower) + size):
                kept.append((a, b))
                have.add(a + b)
        if len(kept) == len(merges):
            return kept
        merges = kept


def _fill(pieces: list[str], size: int, taken: set[str], cjk: bool) -> int:
    """Fill `pieces` up to `size` with single code points that are not taken. Returns how many."""
    missing = size - len(pieces)
    source = filler(cjk)
    while len(pieces) < size:
        char = next(source, None)
        if char is None:
            raise LakeError(
                f"no code points left to fill a class of {size} pieces: train on a larger sample or choose"
                " a smaller preset"
            )
        if char not in taken:
            pieces.append(char)
            taken.add(char)
    return missing


@lru_cache(maxsize=1)
def dictionary() -> tuple[dict[str, int], dict[str, str]]:
    """Words of two characters or more with their frequencies from jieba's dictionary; and its
    version and hash, for the card."""
    import jieba

    data = Path(str(jieba.__file__)).with_name("dict.txt").read_bytes()
    rows = (line.split(" ") for line in data.decode().splitlines())
    words = {row[0]: int(row[1]) for row in rows if len(row[0]) > 1 and HAN_RUN.fullmatch(row[0])}
    return words, {"package": f"jieba {version('jieba')}", "sha256": hashlib.sha256(data).hexdigest()}


def _ranked(counts: Mapping[str, int], config: TokenizerConfig) -> list[str]:
    """Characters that may be pieces, the most frequent first: of the sample, and for Han of the
    dictionary's words with its share."""
    frequency: Counter[str] = Counter()
    for pretoken, count in counts.items():
        for char in pretoken:
            frequency[char] += count
    if config.dictionary:
        prior: Counter[str] = Counter()
        for word, n in dictionary()[0].items():
            for char in word:
                prior[char] += n
        share, whole = (
            int(config.dictionary * sum(n for c, n in frequency.items() if HAN_RUN.match(c))),
            sum(prior.values()),
        )
        for char, n in prior.items():
            if more := n * share // whole:
                frequency[char] += more
    return [
        c
        for c, n in sorted(frequency.items(), key=lambda item: (-item[1], item[0]))
        if is_text(c) and (n > 1 or is_cjk(c))
    ]


def _latin_merges(counts: Mapping[str, int], alphabet: list[str], config: TokenizerConfig) -> list[Merge]:
    """Merges of Latin pieces: of pre-tokens outside CJK, split where a character is not in the
    alphabet."""
    known = set(alphabet)
    segments: Counter[str] = Counter()
    for pretoken, count in counts.items():
        if known.issuperset(pretoken):
            segments[pretoken] += count
        elif not HAN_RUN.match(pretoken):
            for segment in "".join(c if c in known else "\0" for c in pretoken).split("\0"):
                segments[segment] += count
    size = config.latin - NUM_BYTES - len(alphabet)
    merges = train_merges(
        *_ordered(segments), sorted(alphabet), int(size * SLACK) + 16, config.latin_max_length
    )
    return _reachable(alphabet, [], merges, size)


def _symbol_merges(
    counts: Mapping[str, int],
    latin: list[str],
    latin_merges: list[Merge],
    characters: list[str],
    size: int,
    longest: int,
) -> list[Merge]:
    """Merges of symbols of several signs, such as a full stop and its closing quote, on top of the
    Latin merges."""
    signs = {c for c in characters if unicodedata.category(c)[0] in "PSZ"}
    known = {c for c in latin if len(c) == 1 and not c.isalnum()} | signs
    runs = Counter(
        {p: n for p, n in counts.items() if len(p) > 1 and known.issuperset(p) and not signs.isdisjoint(p)}
    )
    pieces = [*latin, *characters]
    tokenizer = bpe_tokenizer({p: i for i, p in enumerate(pieces)}, latin_merges, byte_fallback=False)
    texts, weights = _ordered(runs)
    sequences = [e.tokens for e in tokenizer.encode_batch(texts, add_special_tokens=False)]
    merges = train_merges(sequences, weights, pieces, int(size * SLACK) + 16, longest)
    return _reachable(pieces, latin_merges, merges, size)


def _word_merges(counts: Mapping[str, int], characters: list[str], config: TokenizerConfig) -> list[Merge]:
    """Merges of Chinese words: of whole Han runs, so that frequent phrases become pieces, beside a
    dictionary's words.

    A run counts as the root of its number: what one site repeats a thousand times is not a thousand
    times as telling.
    """
    han = sorted(c for c in characters if HAN_RUN.match(c))
    known = set(han)
    runs: Counter[str] = Counter()
    for pretoken, count in counts.items():
        if HAN_RUN.match(pretoken):
            for run in "".join(c if c in known else " " for c in pretoken).split():
                runs[run] += count
    weights = {run: math.isqrt(count * WEIGHT**2) for run, count in runs.items()}
    words = {w: n for w, n in dictionary()[0].items() if known.issuperset(w)} if config.dictionary else {}
    mass = sum(len(run) * w for run, w in weights.items())
    share, whole = int(config.dictionary * mass), sum(len(w) * n for w, n in words.items())
    for word, n in words.items():
        weights[word] = weights.get(word, 0) + (n * share // whole if mass else n)
    merges = train_merges(*_ordered(weights), han, int(config.words * SLACK) + 16, config.word_max_length)
    return _reachable(han, [], merges, config.words)


def _ordered(weights: Mapping[str, int]) -> tuple[list[str], list[int]]:
    """Texts and weights in the order of the texts: the result of training must not hang on the
    order of counting."""
    texts = sorted(weights)
    return texts, [weights[t] for t in texts]


def train_pieces(counts: Mapping[str, int], config: TokenizerConfig) -> Pieces:
    """Choose the pieces of every class from the pre-tokens of a sample (paper 3.2, but words
    from whole runs)."""
    ranked = _ranked(counts, config)

    alphabet = (
        ASCII
        + [c for c in ranked if not is_cjk(c) and c not in ASCII][
            : max(0, config.latin_alphabet - len(ASCII))
        ]
    )
    latin_merges = _latin_merges(counts, alphabet, config)
    latin = list(dict.fromkeys([*alphabet, *(a + b for a, b in latin_merges)]))
    taken = set(latin)
    filled = {"latin": _fill(latin, config.latin - NUM_BYTES, taken, cjk=False)}

    characters = [c for c in ranked if c not in taken][: config.characters - config.symbols]
    symbol_merges = _symbol_merges(
        counts, latin, latin_merges, characters, config.symbols, config.latin_max_length
    )
    symbols = list(dict.fromkeys(a + b for a, b in symbol_merges))
    characters += [c for c in ranked if c not in taken.union(characters)][
        : config.characters - len(characters) - len(symbols)
    ]
    taken.update(characters)
    filled["characters"] = _fill(characters, config.characters - len(symbols), taken, cjk=True)

    word_merges = _word_merges(counts, characters, config)
    words = list(dict.fromkeys(a + b for a, b in word_merges))
    filled["words"] = _fill(words, config.words, taken, cjk=True)
    return Pieces(
        latin, [*characters, *symbols], words, [*latin_merges, *symbol_merges, *word_merges], filled
    )


def bpe_tokenizer(vocab: dict[str, int], merges: list[Merge], byte_fallback: bool = True) -> Any:
    """A `tokenizers.Tokenizer` of these pieces and merges, with our cutting into pre-tokens."""
    from tokenizers import Tokenizer, decoders, models

    tokenizer = Tokenizer(
        models.BPE(
            vocab=vocab,
            merges=merges,
            byte_fallback=byte_fallback,
            unk_token="<unk>" if byte_fallback else None,
        )
    )
    tokenizer.pre_tokenizer = pre_tokenizer()
    tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Fuse()])
    return tokenizer


def train_extension(counts: Mapping[str, int], base: BaseVocabulary, config: TokenizerConfig) -> Pieces:
    """Chinese pieces that a base vocabulary lacks: single characters, as the paper adds them, and
    words. `latin` is the base's own."""
    have = base.vocab
    ranked = [c for c in _ranked(counts, config) if is_cjk(c)]
    characters = [c for c in ranked if c not in have][: config.characters]
    taken = have.keys() | set(characters)
    filled = {"characters": _fill(characters, config.characters, taken, cjk=True)}
    singles = [p for p in have if len(p) == 1 and is_cjk(p)]
    merges = [(a, b) for a, b in _word_merges(counts, [*singles, *characters], config) if a + b not in have]
    words = list(dict.fromkeys(a + b for a, b in merges))
    filled["words"] = _fill(words, config.words, taken, cjk=True)
    return Pieces(list(have), characters, words, merges, filled)
