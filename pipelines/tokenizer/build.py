"""The table `tokenizer`: a vocabulary trained on a release, assembled with byte fallback.

Belongs here: ids of the pieces, tokenizer.json, the laws that a vocabulary must keep, the stage. Does
not belong here: which pieces are chosen (pieces.py), sizes (cards/tokenizer.py), which text is read
(sample.py), measurements (report.py).
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from pipelines.cards.tokenizer import NUM_BYTES, RESERVED, TokenizerConfig
from pipelines.lake import Dataset, LakeError
from pipelines.tables.stage import Building, Stage
from pipelines.tokenizer.extend import BaseVocabulary, extend_vocabulary
from pipelines.tokenizer.pieces import Pieces, bpe_tokenizer, dictionary, train_extension, train_pieces
from pipelines.tokenizer.sample import draw_sample

VERSION = 4


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
    return bpe_tokenizer(vocab, pieces.merges)


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
