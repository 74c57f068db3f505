"""Building the vocabulary: Latin BPE, characters by frequency, Chinese words by BPE, assembled with byte fallback.

Belongs here: the sample, the choice of pieces, their ids, tokenizer.json. Does not belong here: sizes
(config.py), how text is cut (text.py), measurements (report.py).
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipelines.lake import Built, Dataset, Lake, LakeError, Writer
from pipelines.tokenizer.config import NUM_BYTES, RESERVED, TokenizerConfig
from pipelines.tokenizer.text import CJK_RUN, HAN_RUN, filler, is_cjk, is_text, pre_tokenizer

__all__ = ["TokenizerConfig", "assemble", "build_tokenizer", "train"]

VERSION = 1
SLACK = 1.03  # merges trained beyond the class size, to replace pieces that no text reaches
ASCII = [chr(c) for c in (9, 10, 13, *range(32, 127))]


@dataclass
class Pieces:
    """The vocabulary by class, in the order of ids; `merges` in order of rank."""

    latin: list[str]
    characters: list[str]
    words: list[str]
    merges: list[tuple[str, str]]
    filled: dict[str, int] = field(default_factory=dict)


def draw_sample(corpora: Sequence[Dataset], config: TokenizerConfig) -> tuple[list[str], dict[str, dict[str, int]]]:
    """Texts of about `config.sample_chars` characters, and what was drawn by domain.

    Each domain (language-category) has its weight's share; what a small domain leaves over goes to the
    others. Documents are taken in the order of hash(seed, doc_id): the same whatever part they stand in.
    """
    rows: dict[str, list[tuple[bytes, int, int, int]]] = {}
    for c, corpus in enumerate(corpora):
        for p in range(len(corpus.parts)):
            table = corpus.read_part(p, ["doc_id", "language", "category", "text"])
            columns = [table.column(n).to_pylist() for n in table.column_names]
            for r, (doc_id, language, category, text) in enumerate(zip(*columns, strict=True)):
                key = hashlib.blake2b(config.seed.to_bytes(8, "little") + doc_id, digest_size=16).digest()
                rows.setdefault(f"{language}-{category}", []).append((key, len(text), c * 1_000_000 + p, r))
    if not rows:
        raise LakeError("the corpora given to the tokenizer hold no documents: materialize skypile_main with at least one kept document")
    left, budget, quota = sorted(rows), config.sample_chars, dict[str, int]()
    size = {d: sum(r[1] for r in rows[d]) for d in rows}
    while left:  # water-filling: domains smaller than their share are taken whole
        total = sum(config.weights.get(d, 1.0) for d in left) or 1.0
        small = [d for d in left if size[d] <= budget * config.weights.get(d, 1.0) / total]
        for d in small or left:
            quota[d] = size[d] if small else int(budget * config.weights.get(d, 1.0) / total)
        budget -= sum(quota[d] for d in small)
        left = [d for d in left if d not in small] if small else []
    chosen: dict[int, list[int]] = {}
    order: dict[tuple[int, int], bytes] = {}
    drawn: dict[str, dict[str, int]] = {}
    for domain in sorted(rows):
        chars = 0
        for key, length, part, row in sorted(rows[domain]):
            if chars >= quota[domain]:
                break
            chars += length
            chosen.setdefault(part, []).append(row)
            order[part, row] = key
            count = drawn.setdefault(domain, {"documents": 0, "characters": 0})
            count["documents"] += 1
            count["characters"] += length
    texts: list[tuple[bytes, str]] = []
    for part, picked in sorted(chosen.items()):
        column = corpora[part // 1_000_000].read_part(part % 1_000_000, ["text"]).column("text")
        texts += [(order[part, row], column[row].as_py()) for row in picked]
    return [text for _, text in sorted(texts)], drawn


def _bpe(strings: Iterator[str], alphabet: list[str], size: int, cut: Any, max_length: int) -> list[tuple[str, str]]:
    """Up to `size` merges, in order, of a BPE trained on `strings`."""
    from tokenizers import Tokenizer, models, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = cut
    trainer = trainers.BpeTrainer(
        vocab_size=len(alphabet) + size,
        initial_alphabet=alphabet,
        max_token_length=max_length,
        min_frequency=1,  # a class that the sample can fill from rare merges is not filled from Unicode blocks
        show_progress=False,
    )
    tokenizer.train_from_iterator(strings, trainer)
    merges: list[list[str]] = json.loads(tokenizer.to_str())["model"]["merges"]
    return [(a, b) for a, b in merges]


def _reachable(alphabet: list[str], merges: list[tuple[str, str]], size: int) -> list[tuple[str, str]]:
    """The first `size` merges whose pieces text can reach: encode(piece) is the piece alone."""
    while True:
        pieces = [*alphabet, *dict.fromkeys(a + b for a, b in merges)]
        tokenizer = _tokenizer({p: i for i, p in enumerate(pieces)}, merges, byte_fallback=False)
        kept, good = [], set(alphabet)
        encoded = tokenizer.encode_batch([a + b for a, b in merges], add_special_tokens=False)
        for (a, b), encoding in zip(merges, encoded, strict=True):
            if len(encoding.ids) == 1 and a in good and b in good and a + b not in good and a + b not in RESERVED:
                kept.append((a, b))
                good.add(a + b)
        if len(kept) > size:
            kept = kept[:size]
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
            raise LakeError(f"no code points left to fill a class of {size} pieces: train on a larger sample or choose a smaller preset")
        if char not in taken:
            pieces.append(char)
            taken.add(char)
    return missing


def train(texts: Sequence[str], config: TokenizerConfig) -> Pieces:
    """Choose the pieces of every class from a sample, as training-anchors 7.3 describes."""
    import jieba
    from tokenizers.pre_tokenizers import WhitespaceSplit

    jieba.setLogLevel("ERROR")
    counts: Counter[str] = Counter()
    runs: Counter[str] = Counter()
    for text in texts:
        counts.update(text)
        runs.update(HAN_RUN.findall(text))
    ranked = [c for c, n in sorted(counts.items(), key=lambda item: (-item[1], item[0])) if is_text(c) and (n > 1 or is_cjk(c))]

    alphabet = ASCII + [c for c in ranked if not is_cjk(c) and c not in ASCII][: max(0, config.latin_alphabet - len(ASCII))]
    size = config.latin - NUM_BYTES - len(alphabet)
    outside = set(counts) - set(alphabet)
    blank = str.maketrans(dict.fromkeys(outside, "\u3000"))

    def latin_segments() -> Iterator[str]:
        for text in texts:
            yield from filter(None, CJK_RUN.split(text.translate(blank)))

    merges = _bpe(latin_segments(), sorted(alphabet), int(size * SLACK) + 16, pre_tokenizer(), config.latin_max_length)
    latin_merges = _reachable(alphabet, merges, size)
    latin = [*alphabet, *(a + b for a, b in latin_merges)]

    taken = set(latin)
    characters = [c for c in ranked if c not in taken][: config.characters]
    taken.update(characters)
    filled = {"characters": _fill(characters, config.characters, taken, cjk=True)}

    words: Counter[str] = Counter()
    unknown = str.maketrans(dict.fromkeys(set("".join(runs)) - set(characters), " "))
    for run, number in sorted(runs.items()):
        for word in jieba.cut(run, HMM=False):
            for known in word.translate(unknown).split():
                if len(known) > 1:
                    words[known] += number
    han = sorted(c for c in characters if HAN_RUN.match(c))
    lines = (" ".join([w] * n) for w, n in sorted(words.items()))
    merges = _bpe(lines, han, int(config.words * SLACK) + 16, WhitespaceSplit(), config.word_max_length)
    word_merges = _reachable(han, merges, config.words)
    pieces = [a + b for a, b in word_merges]
    filled["words"] = _fill(pieces, config.words, taken, cjk=True)
    filled["latin"] = _fill(latin, config.latin - NUM_BYTES, taken, cjk=False)
    return Pieces(latin, characters, pieces, latin_merges + word_merges, filled)


def _tokenizer(vocab: dict[str, int], merges: list[tuple[str, str]], byte_fallback: bool = True) -> Any:
    from tokenizers import Tokenizer, decoders, models

    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=merges, byte_fallback=byte_fallback, unk_token="<unk>" if byte_fallback else None))
    tokenizer.pre_tokenizer = pre_tokenizer()
    tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Fuse()])
    return tokenizer


def listing(pieces: Pieces) -> list[tuple[str, str]]:
    """(piece, class) in the order of ids: reserved, byte, latin, character, word."""
    rows = [(p, "reserved") for p in RESERVED] + [(f"<0x{b:02X}>", "byte") for b in range(NUM_BYTES)]
    rows += [(p, "latin") for p in pieces.latin]
    return rows + [(p, "character") for p in pieces.characters] + [(p, "word") for p in pieces.words]


def assemble(pieces: Pieces) -> Any:
    """The `tokenizers.Tokenizer` of the pieces. It has no normalizer, and text never gives a reserved id.

    The reserved pieces and the 256 bytes stand in the model's vocabulary only. As added tokens they would
    be matched in text: the literal "</s>" or "<0x0A>" of a web page would become a control or a byte.
    """
    rows = [piece for piece, _ in listing(pieces)]
    vocab = {piece: i for i, piece in enumerate(rows)}
    if len(vocab) != len(rows):
        twice = [p for p, n in Counter(rows).items() if n > 1]
        raise LakeError(f"{len(twice)} pieces stand in two classes, first {twice[0]!r}")
    return _tokenizer(vocab, pieces.merges)


def _check(tokenizer: Any, pieces: Pieces, config: TokenizerConfig) -> None:
    """Refuse a vocabulary that breaks a law: exact sizes, every piece of text reachable."""
    if tokenizer.get_vocab_size() != config.vocab_size:
        raise LakeError(f"vocabulary has {tokenizer.get_vocab_size()} pieces, expected {config.vocab_size}")
    texts = pieces.latin + pieces.characters + pieces.words
    first = len(RESERVED) + NUM_BYTES
    for i, encoding in enumerate(tokenizer.encode_batch(texts, add_special_tokens=False)):
        if encoding.ids != [first + i]:
            raise LakeError(f"piece {texts[i]!r} is not reachable: its text encodes to {encoding.tokens}")


def build_tokenizer(lake: Lake, corpora: list[Dataset], config: TokenizerConfig) -> Built:
    """Publish `tokenizer` (partition: the config's name): tokenizer.json, pieces.tsv, card.json.

    `pieces.tsv` has the columns id, class, piece (a JSON string). The card names the corpora by hash.
    """

    def write(writer: Writer) -> None:
        texts, drawn = draw_sample(corpora, config)
        pieces = train(texts, config)
        tokenizer = assemble(pieces)
        _check(tokenizer, pieces, config)
        text = tokenizer.to_str()
        writer.write_bytes("tokenizer.json", text.encode())
        rows = [f"{i}\t{kind}\t{json.dumps(piece, ensure_ascii=False)}\n" for i, (piece, kind) in enumerate(listing(pieces))]
        writer.write_bytes("pieces.tsv", ("id\tclass\tpiece\n" + "".join(rows)).encode())
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
            "reserved": {p: i for i, p in enumerate(RESERVED)},
            "sample": drawn,
            "trained_on": {f"{c.manifest.asset}/{c.manifest.partition}": c.content_hash for c in corpora},
            "sha256": hashlib.sha256(text.encode()).hexdigest(),
            "method": "trained from scratch (the paper extends LLaMA's vocabulary); jieba segments Han text before the merges of words",
            "config": config.parameters(),
        }
        stats = {
            "vocab_size": config.vocab_size,
            "sample_characters": sum(d["characters"] for d in drawn.values()),
            "filled": pieces.filled,
        }
        writer.write_bytes("card.json", (json.dumps(card, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode(), stats)

    inputs: dict[str, Dataset | str] = {f"corpus_{i}": c for i, c in enumerate(corpora)}
    return lake.build("tokenizer", config.name, version=VERSION, parameters=config.parameters(), inputs=inputs, write=write)
