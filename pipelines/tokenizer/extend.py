"""Extending a vocabulary that exists, as the paper extends LLaMA's: its ids stay, Chinese pieces
follow, the reserved come last.

Belongs here: reading the base file, appending to it. Does not belong here: which Chinese pieces are
chosen (build.py).

The base keeps its way of reading text (normalizer, pre-tokenizer, decoder), so that text without
Chinese has the ids that a model trained on the base knows. Where that way loses something, the
extension loses it too: LLaMA reads the sign U+2581 as a space.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.cards.tokenizer import NUM_BYTES, RESERVED
from pipelines.lake import LakeError
from pipelines.tokenizer.bpe import Merge

CONTROL = (
    "<unk>",
    "<s>",
    "</s>",
)  # ids 0, 1, 2 of LLaMA's vocabulary and of ours; shards end documents with the third
PROBE = "The quick brown fox, jumps over 13 lazy dogs!  def f(x): return x"


@dataclass(frozen=True)
class BaseVocabulary:
    """An existing vocabulary: its tokenizer.json as a value, and the file's hash."""

    name: str
    sha256: str
    value: dict[str, Any]

    @property
    def vocab(self) -> dict[str, int]:
        return dict(self.value["model"]["vocab"])

    @property
    def merges(self) -> list[Merge]:
        return [(a, b) for a, b in self.value["model"]["merges"]]


def load_base(path: str | Path) -> BaseVocabulary:
    """A tokenizer.json, or a SentencePiece BPE model. LakeError says what about the file cannot be
    extended."""
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise LakeError(
            f"{path} cannot be read ({error.strerror}): a tokenizer card's `extends` takes a tokenizer.json"
            " or a SentencePiece .model"
        ) from None
    value = _from_sentencepiece(path, data) if path.suffix == ".model" else _from_json(path, data)
    vocab = value["model"]["vocab"]
    if sorted(vocab.values()) != list(range(len(vocab))):
        raise LakeError(
            f"{path}: the ids are not 0 to {len(vocab) - 1} without a gap: appended pieces would have no"
            " certain place"
        )
    lacks = [p for i, p in enumerate(CONTROL) if vocab.get(p) != i]
    lacks += [p for p in (f"<0x{b:02X}>" for b in range(NUM_BYTES)) if p not in vocab]
    if lacks or not value["model"].get("byte_fallback"):
        raise LakeError(
            f"{path} has no {lacks[0] if lacks else 'byte fallback'} where LLaMA's vocabulary has it: only a"
            " BPE with <unk>, <s>, </s> as its first ids and byte fallback can be extended"
        )
    return BaseVocabulary(path.name.split(".")[0], hashlib.sha256(data).hexdigest(), value)


def _from_json(path: Path, data: bytes) -> dict[str, Any]:
    from tokenizers import Tokenizer

    try:
        # Through the library, which writes merges in one form; added tokens would be found in text,
        # so they are left out.
        value: dict[str, Any] = json.loads(Tokenizer.from_str(data.decode()).to_str())
    except Exception as error:  # tokenizers raises bare Exception
        raise LakeError(f"{path} is not a tokenizer.json ({error})") from None
    if value["model"]["type"] != "BPE":
        raise LakeError(
            f"{path} is a {value['model']['type']} vocabulary: only BPE can be extended by merges"
        )
    value["model"]["merges"] = [list(m) for m in value["model"]["merges"]]
    return value | {"added_tokens": [], "post_processor": None, "truncation": None, "padding": None}


def _from_sentencepiece(path: Path, data: bytes) -> dict[str, Any]:
    """A tokenizer.json that gives the ids of a SentencePiece BPE model.

    The model lists pieces with scores; a merge is any way to cut a piece into two others, ranked by
    the piece's score.
    """
    import sentencepiece
    from tokenizers import Tokenizer

    try:
        model = sentencepiece.SentencePieceProcessor(model_proto=data)
    except RuntimeError as error:
        raise LakeError(f"{path} is not a SentencePiece model ({error})") from None
    pieces = [model.id_to_piece(i) for i in range(model.vocab_size())]
    vocab = {p: i for i, p in enumerate(pieces)}
    plain = {
        p
        for i, p in enumerate(pieces)
        if not (model.is_byte(i) or model.is_control(i) or model.is_unknown(i))
    }
    ranked = []
    for piece in plain:
        for cut in range(1, len(piece)):
            left, right = piece[:cut], piece[cut:]
            if left in plain and right in plain:
                ranked.append((-model.get_score(vocab[piece]), vocab[piece], vocab[left], vocab[right]))
    merges = [[pieces[a], pieces[b]] for _, _, a, b in sorted(ranked)]
    value: dict[str, Any] = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [],
        "normalizer": {
            "type": "Sequence",
            "normalizers": [
                {"type": "Prepend", "prepend": "\u2581"},
                {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"},
            ],
        },
        "pre_tokenizer": None,
        "post_processor": None,
        "decoder": {
            "type": "Sequence",
            "decoders": [
                {"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "},
                {"type": "ByteFallback"},
                {"type": "Fuse"},
                {"type": "Strip", "content": " ", "start": 1, "stop": 0},
            ],
        },
        "model": {
            "type": "BPE",
            "unk_token": "<unk>",
            "fuse_unk": True,
            "byte_fallback": True,
            "vocab": vocab,
            "merges": merges,
        },
    }
    if Tokenizer.from_str(json.dumps(value)).encode(PROBE).ids != model.encode(PROBE):
        raise LakeError(
            f"{path} does not read text as merges of a BPE do (is it a unigram model?): it cannot be extended"
            " by merges"
        )
    return value


def reserved_pieces(base: BaseVocabulary) -> list[str]:
    """Seventeen reserved pieces that the base lacks: ours, then further numbers."""
    names = [
        p
        for p in (*RESERVED, *(f"<reserved_{i}>" for i in range(4, 4 + len(RESERVED))))
        if p not in base.vocab
    ]
    return names[: len(RESERVED)]


def extend_vocabulary(
    base: BaseVocabulary, characters: list[str], words: list[str], merges: list[Merge]
) -> tuple[Any, list[tuple[str, str]]]:
    """The base with Chinese pieces and the reserved ones after its own ids; and (piece, class) in
    the order of ids."""
    from tokenizers import Tokenizer

    listing = [(p, _kind(p)) for p, _ in sorted(base.vocab.items(), key=lambda item: item[1])]
    listing += [(p, "character") for p in characters] + [(p, "word") for p in words]
    listing += [(p, "reserved") for p in reserved_pieces(base)]
    model = base.value["model"] | {
        "vocab": {p: i for i, (p, _) in enumerate(listing)},
        "merges": [*base.value["model"]["merges"], *(list(m) for m in merges)],
    }
    return Tokenizer.from_str(json.dumps(base.value | {"model": model})), listing


def _kind(piece: str) -> str:
    if piece in CONTROL:
        return "control"
    return "byte" if len(piece) == 6 and piece.startswith("<0x") and piece.endswith(">") else "latin"
