"""The table `tokenizer_report`: a vocabulary measured on held-out text, beside peers.

Belongs here: bytes and characters per token, fertility, byte fallback, unused ids, by domain. Does
not belong here: how a vocabulary is made.
"""

from __future__ import annotations

import base64
import functools
import gzip
import hashlib
import json
import re
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipelines.cards.tokenizer import NUM_BYTES
from pipelines.lake import Dataset
from pipelines.tables.stage import Building, Stage
from pipelines.tokenizer.pattern import HAN_RUN

VERSION = 2
DOMAIN_CHARS = 500_000  # measured of each domain: bounds the report's time
WORD = re.compile(r"\w+")

Encode = Callable[[Sequence[str]], Iterable[Sequence[int]]]


def own_encoder(definition: str) -> Encode:
    """Token ids of texts under a tokenizer.json."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_str(definition)
    return lambda texts: (e.ids for e in tokenizer.encode_batch(list(texts), add_special_tokens=False))


def extend_sentencepiece(base: bytes, more: bytes) -> bytes:
    """A SentencePiece model with the pieces of another appended at score 0, as Chinese-LLaMA was
    made.

    ModelProto.pieces is repeated field 1, so further entries may follow the base's bytes.
    """
    import sentencepiece

    known, added = (sentencepiece.SentencePieceProcessor(model_proto=m) for m in (base, more))
    have = {known.id_to_piece(i) for i in range(known.vocab_size())}
    data = bytearray(base)
    for i in range(added.vocab_size()):
        piece = added.id_to_piece(i)
        if piece not in have:
            text = piece.encode()
            entry = b"\x0a" + bytes([len(text)]) + text + b"\x15" + bytes(4)  # piece: string; score: float 0
            data += b"\x0a" + bytes([len(entry)]) + entry
    return bytes(data)


def _sentencepiece(proto: bytes) -> tuple[Encode, int, frozenset[int]]:
    import sentencepiece

    model = sentencepiece.SentencePieceProcessor(model_proto=proto)
    falls = frozenset(i for i in range(model.vocab_size()) if model.is_byte(i) or model.is_unknown(i))
    return (lambda texts: model.encode(list(texts))), model.vocab_size(), falls


def _tiktoken(path: Path) -> tuple[Encode, int, frozenset[int]]:
    """A byte-level BPE of a tiktoken rank file, through `tokenizers`; it has no byte fallback of
    its own."""
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers

    ranks = {
        base64.b64decode(a): int(b)
        for a, b in (line.split() for line in gzip.decompress(path.read_bytes()).splitlines())
    }
    letters = _byte_letters()
    merges = []
    for piece, rank in sorted(ranks.items(), key=lambda item: item[1]):
        if len(piece) > 1:
            halves = _last_merge(ranks, piece, rank)
            if len(halves) == 2:
                left, right = ("".join(letters[b] for b in half) for half in halves)
                merges.append((left, right))
    vocab = {"".join(letters[b] for b in piece): rank for piece, rank in ranks.items()}
    number = r"\p{N}" if "qwen" in path.name else r"\p{N}{1,3}"
    words = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|" + number
    pattern = words + r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=merges))
    split = pre_tokenizers.Split(Regex(pattern), behavior="isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    return (lambda texts: (e.ids for e in tokenizer.encode_batch(list(texts)))), len(ranks), frozenset()


def _byte_letters() -> dict[int, str]:
    """The printable character that stands for each byte in byte-level BPE (GPT-2)."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [b for b in range(256) if b not in plain]
    return {b: chr(b) for b in plain} | {b: chr(256 + i) for i, b in enumerate(others)}


def _last_merge(ranks: Mapping[bytes, int], piece: bytes, limit: int) -> list[bytes]:
    """The two pieces that merge into `piece`: its BPE under the ranks below its own."""
    parts = [piece[i : i + 1] for i in range(len(piece))]
    while True:
        best, at = limit, -1
        for i in range(len(parts) - 1):
            rank = ranks.get(parts[i] + parts[i + 1], limit)
            if rank < best:
                best, at = rank, i
        if at < 0:
            return parts
        parts[at : at + 2] = [parts[at] + parts[at + 1]]


def load_peers(folder: Path) -> dict[str, tuple[Encode, int, frozenset[int]]]:
    """Encoder, vocabulary size and fallback ids of every peer file in a folder (SentencePiece,
    tiktoken)."""
    peers = {
        p.name.removesuffix(".model"): _sentencepiece(p.read_bytes()) for p in sorted(folder.glob("*.model"))
    }
    llama, chinese = folder / "llama2-tokenizer.model", folder / "chinese_sp.model"
    if llama.exists() and chinese.exists():
        peers["chinese-llama"] = _sentencepiece(
            extend_sentencepiece(llama.read_bytes(), chinese.read_bytes())
        )
    return peers | {
        p.name.removesuffix(".tiktoken.gz"): _tiktoken(p) for p in sorted(folder.glob("*.tiktoken.gz"))
    }


@functools.cache
def _segmenter() -> Any:
    """jieba with its own dictionary. By default it reads and leaves a cache in the machine's shared
    folder of temporary files, where anybody may put another one."""
    import jieba

    jieba.setLogLevel("ERROR")
    words = jieba.Tokenizer()
    with tempfile.TemporaryDirectory(prefix="skypile-jieba-") as folder:
        words.tmp_dir = folder
        words.initialize()
    return words


def count_words(texts: Sequence[str]) -> int:
    """Words: jieba's in Han runs, runs of word characters elsewhere."""
    words, total = _segmenter(), 0
    for text in texts:
        total += sum(len(words.lcut(run, HMM=False)) for run in HAN_RUN.findall(text))
        total += len(WORD.findall(HAN_RUN.sub(" ", text)))
    return total


def measure_tokenizer(
    encode: Encode, texts: Sequence[str], falls: frozenset[int], words: int, seen: set[int] | None = None
) -> dict[str, float]:
    """Figures of one encoder on the texts of one domain."""
    num_tokens = num_falls = 0
    for ids in encode(texts):
        num_tokens += len(ids)
        num_falls += sum(i in falls for i in ids)
        if seen is not None:
            seen.update(ids)
    num_bytes, num_chars = sum(len(t.encode()) for t in texts), sum(len(t) for t in texts)
    tokens = max(1, num_tokens)
    return {
        "tokens": num_tokens,
        "bytes_per_token": round(num_bytes / tokens, 4),
        "characters_per_token": round(num_chars / tokens, 4),
        "fertility": round(num_tokens / max(1, words), 4),
        "fallback_share": round(num_falls / tokens, 6),
    }


def own_fallback(definition: str) -> frozenset[int]:
    """Ids of the byte pieces of a tokenizer.json."""
    vocab = json.loads(definition)["model"]["vocab"]
    return frozenset(vocab[f"<0x{b:02X}>"] for b in range(NUM_BYTES))


def tokenizer_report_stage(
    tokenizer: Dataset,
    validation: Dataset,
    peers: Path | None,
    page: Callable[[str, Mapping[str, Any]], str],
) -> Stage:
    """report.json: figures by domain of the validation sets, ours and the peers'. report.html is what
    `page` makes of the tokenizer's name and these figures.

    The files of the folder `peers` (see `load_peers`) are hashed now: they are inputs of the stage.
    """
    names = (
        {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(peers.glob("*")) if p.is_file()}
        if peers
        else {}
    )

    def compute(building: Building) -> None:
        by_domain: dict[str, list[str]] = {}
        taken: dict[str, int] = {}
        for i in range(len(validation.parts)):
            table = validation.read_part(i, ["domain", "text"])
            for domain, text in zip(table["domain"].to_pylist(), table["text"].to_pylist(), strict=True):
                if taken.get(domain, 0) < DOMAIN_CHARS:
                    by_domain.setdefault(domain, []).append(text)
                    taken[domain] = taken.get(domain, 0) + len(text)
        definition = tokenizer.read_bytes("tokenizer.json").decode()
        size = int(tokenizer.read_json("card.json")["vocab_size"])
        encoders = {
            "ours": (own_encoder(definition), size, own_fallback(definition)),
            **(load_peers(peers) if peers else {}),
        }
        words = {domain: count_words(texts) for domain, texts in sorted(by_domain.items())}
        report: dict[str, Any] = {
            "domains": {},
            "vocab_size": {},
            "unused_ids": {},
            "measured_characters": dict(sorted(taken.items())),
        }
        for name, (encode, vocab_size, falls) in encoders.items():
            seen: set[int] = set()
            for domain, texts in sorted(by_domain.items()):
                report["domains"].setdefault(domain, {})[name] = measure_tokenizer(
                    encode, texts, falls, words[domain], seen
                )
            report["vocab_size"][name], report["unused_ids"][name] = vocab_size, vocab_size - len(seen)
        building.writer.write_json("report.json", report)
        building.writer.write_bytes("report.html", page(tokenizer.manifest.partition, report).encode())

    return Stage(
        "tokenizer_report",
        VERSION,
        compute,
        partition=tokenizer.manifest.partition,
        parameters={"peers": names, "domain_chars": DOMAIN_CHARS},
        inputs={"tokenizer": tokenizer, "validation": validation},
    )
