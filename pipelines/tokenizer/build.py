"""The table `tokenizer`: Latin BPE, characters by frequency, Chinese words by BPE, assembled with
byte fallback.

Belongs here: the choice of pieces, their ids, tokenizer.json. Does not belong here: sizes
(cards/tokenizer.py), which text is read (sample.py), how it is cut (pattern.py), the merge loop (bpe.py),
measurements (report.py).
"""

from __future__ import annotations

import hashlib
import json
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
from pipelines.lake import Dataset, LakeError
from pipelines.tables.stage import Building, Stage
from pipelines.tokenizer.bpe import Merge, train_merges
from pipelines.tokenizer.extend import BaseVocabulary, extend_vocabulary
from pipelines.tokenizer.pattern import HAN_RUN, filler, is_cjk, is_text, pre_tokenizer
from pipelines.tokenizer.sample import draw_sample

VERSION = 4
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
        tokenizer = _tokenizer(
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
    tokenizer = _tokenizer({p: i for i, p in enumerate(pieces)}, latin_merges, byte_fallback=False)
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


def _tokenizer(vocab: dict[str, int], merges: list[Merge], byte_fallback: bool = True) -> Any:
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


def listing(pieces: Pieces) -> list[tuple[str, str]]:
    """(piece, class) in the order of ids: reserved, byte, latin, character, word."""
    rows = [(p, "reserved") for p in RESERVED] + [(f"<0x{b:02X}>", "byte") for b in range(NUM_BYTES)]
    rows += [(p, "latin") for p in pieces.latin]
    return rows + [(p, "character") for p in pieces.characters] + [(p, "word") for p in pieces.words]


def assemble(pieces: Pieces) -> Any:
    """The `tokenizers.Tokenizer` of the pieces. It has no normalizer, and text never gives a
    reserved id.

    The reserved pieces and the 256 bytes stand in the model's vocabulary only. As added tokens they
    would be matched in text: the literal "</s>" or "<0x0A>" of a web page would become a control or
    a byte.
    """
    rows = [piece for piece, _ in listing(pieces)]
    vocab = {piece: i for i, piece in enumerate(rows)}
    if len(vocab) != len(rows):
        twice = [p for p, n in Counter(rows).items() if n > 1]
        raise LakeError(f"{len(twice)} pieces stand in two classes, first {twice[0]!r}")
    return _tokenizer(vocab, pieces.merges)


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


def _quoted(piece: str) -> str:
    """A piece as a JSON string on one line, whatever a reader takes for a line end."""
    return json.dumps(piece, ensure_ascii=False).translate({c: f"\\u{c:04x}" for c in (0x85, 0x2028, 0x2029)})


def _check(
    tokenizer: Any, rows: list[tuple[str, str]], config: TokenizerConfig, base: BaseVocabulary | None
) -> None:
    """Refuse a vocabulary that breaks a law: exact sizes, every piece that we chose reachable.

    Before a base's own reading of text, a space may stand in front (LLaMA): it is left out of
    account.
    """
    if tokenizer.get_vocab_size() != config.vocab_size or len(rows) != config.vocab_size:
        raise LakeError(f"vocabulary has {tokenizer.get_vocab_size()} pieces, expected {config.vocab_size}")
    ours = ("character", "word") if base else ("latin", "character", "word")
    texts = [(i, p) for i, (p, kind) in enumerate(rows) if kind in ours]
    before = tokenizer.encode("", add_special_tokens=False).ids or (
        tokenizer.encode("\x00", add_special_tokens=False).ids[:-1] if base else []
    )
    for (i, piece), encoding in zip(
        texts, tokenizer.encode_batch([p for _, p in texts], add_special_tokens=False), strict=True
    ):
        if encoding.ids not in ([i], [*before, i]):
            raise LakeError(f"piece {piece!r} is not reachable: its text encodes to {encoding.tokens}")


def tokenizer_stage(
    corpora: Sequence[Dataset], config: TokenizerConfig, base: BaseVocabulary | None = None
) -> Stage:
    """The vocabulary (partition: the config's name): tokenizer.json, pieces.tsv, card.json.

    `pieces.tsv` has the columns id, class, piece (a JSON string). The card names the corpora by
    hash. With `base`, that vocabulary is extended; its ids stay as they are. Stats: vocab_size,
    sample_characters, filled by class.
    """
    if base:
        config = config.extending(base.name, len(base.vocab))

    def compute(building: Building) -> None:
        writer = building.writer
        scratch = f"staging/{writer.key}-sample"
        counts, drawn = draw_sample(building.lake, building.engine, corpora, config, scratch)
        if base:
            pieces = train_extension(counts, base, config)
            tokenizer, rows = extend_vocabulary(base, pieces.characters, pieces.words, pieces.merges)
        else:
            pieces = train_pieces(counts, config)
            tokenizer, rows = assemble(pieces), listing(pieces)
        _check(tokenizer, rows, config, base)
        text = tokenizer.to_str()
        writer.write_bytes("tokenizer.json", text.encode())
        lines = [f"{i}\t{kind}\t{_quoted(piece)}\n" for i, (piece, kind) in enumerate(rows)]
        writer.write_bytes("pieces.tsv", ("id\tclass\tpiece\n" + "".join(lines)).encode())
        card = {
            "name": config.name,
            "vocab_size": config.vocab_size,
            "classes": {
                "latin": config.latin,
                "latin_bytes": NUM_BYTES,
                "characters": config.characters,
                "words": config.words,
                "reserved": len(RESERVED),
            },
            "filled_from_unicode_blocks": pieces.filled,
            "reserved": {p: i for i, (p, kind) in enumerate(rows) if kind == "reserved"},
            "extends": {"name": base.name, "sha256": base.sha256, "pieces": len(base.vocab)}
            if base
            else None,
            "sample": drawn,
            "trained_on": {f"{c.manifest.asset}/{c.manifest.partition}": c.content_hash for c in corpora},
            "sha256": hashlib.sha256(text.encode()).hexdigest(),
            "method": (
                "an existing vocabulary extended, as in the paper"
                if base
                else "trained from scratch (the paper extends LLaMA's)"
            )
            + "; words are merges of whole Han runs beside a dictionary's words",
            "dictionary": dictionary()[1] if config.dictionary else None,
            "config": config.parameters(),
        }
        stats = {
            "vocab_size": config.vocab_size,
            "sample_characters": sum(d["characters"] for d in drawn.values()),
            "filled": pieces.filled,
        }
        value = json.dumps(card, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
        writer.write_bytes("card.json", value.encode(), stats)

    inputs: dict[str, Dataset | str] = {f"corpus_{i}": c for i, c in enumerate(corpora)}
    inputs |= {"base": base.sha256} if base else {}
    return Stage(
        "tokenizer",
        VERSION,
        compute,
        partition=config.name,
        parameters=config.parameters(),
        inputs=inputs,
    )
