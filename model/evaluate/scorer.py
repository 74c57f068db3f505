"""A model and its tokenizer as an instrument: losses of texts, logits of the next token, greedy
continuations.

What is asked of the model, and how answers are judged, belongs to the other files of this folder.
Sequences are padded on the right and the model is causal, so padding cannot reach a position that
is scored; targets are masked by the sequence lengths alone, never by a pad id. Two published bugs
of the paper's own script (padding side left to the tokenizer's default; mask shifted the wrong way,
so that predictions of padding counted) are thus impossible by construction, and tested.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from model.data.documents import document_numbers
from model.evaluate.identity import model_hash

# Positions in one forward pass: bounds the memory of activations (13b: 8,192 x 12,288 x 2 bytes is
# 0.2 GB a layer).
BATCH_TOKENS = 8_192


class TextEncoder(Protocol):
    """What is used of tokenizers.Tokenizer."""

    def encode(self, sequence: str, *, add_special_tokens: bool = ...) -> Any: ...
    def decode(self, ids: Sequence[int], skip_special_tokens: bool = ...) -> str: ...


@dataclass(frozen=True)
class Losses:
    """Per sequence: summed natural-log loss over its predicted tokens, and how many those are
    (length - 1)."""

    nll: np.ndarray  # float64 [n]
    tokens: np.ndarray  # int64 [n]

    @property
    def mean(self) -> float:
        """Token-weighted mean loss in nats; NaN when nothing was predicted."""
        total = int(self.tokens.sum())
        return float(self.nll.sum() / total) if total else math.nan


class Scorer:
    """Runs a `Skywork` (its `model` and `lm_head`) without gradients, in batches bounded by
    memory."""

    def __init__(
        self,
        network: Any,
        tokenizer: TextEncoder,
        context: int,
        vocab_size: int,
        device: str = "cpu",
        weights_hash: str = "",
        ends: frozenset[int] = frozenset(),
        boundaries: bool = False,
        model_hash: str = "",
    ) -> None:
        """`ends`: ids with which the model ends a text; a continuation stops before them.
        `boundaries`: the model attends within a document only, here as in training."""
        self.network = network
        self.tokenizer = tokenizer
        self.context = context
        self.vocab_size = vocab_size
        self.device = device
        self.weights_hash = weights_hash
        self.ends = ends
        self.boundaries = boundaries
        self.model_hash = model_hash

    def encode(self, text: str) -> list[int]:
        """Token ids without begin or end markers."""
        return list(self.tokenizer.encode(text, add_special_tokens=False).ids)

    def decode(self, ids: Sequence[int]) -> str:
        """Text of token ids, without special tokens."""
        return self.tokenizer.decode(list(ids), skip_special_tokens=True)

    def _batches(self, lengths: Sequence[int]) -> list[list[int]]:
        """Indices grouped by similar length (longest first), each group within BATCH_TOKENS when
        padded."""
        order = sorted(range(len(lengths)), key=lambda i: (-lengths[i], i))
        out: list[list[int]] = []
        for i in order:
            if out and (len(out[-1]) + 1) * lengths[out[-1][0]] <= BATCH_TOKENS:
                out[-1].append(i)
            else:
                out.append([i])
        return out

    def _pad(self, sequences: Sequence[Sequence[int]]) -> torch.Tensor:
        ids = torch.zeros((len(sequences), max(len(s) for s in sequences)), dtype=torch.long)
        for row, sequence in enumerate(sequences):
            ids[row, : len(sequence)] = torch.as_tensor(np.asarray(sequence, dtype=np.int64))
        return ids.to(self.device)

    def _documents(self, ids: torch.Tensor) -> torch.Tensor | None:
        """The document of each position, where the model keeps to them."""
        if not self.boundaries:
            return None
        return torch.from_numpy(document_numbers(ids.cpu().numpy())).to(self.device)

    def _caches(self, prefix: Sequence[int], rows: int) -> list[Any]:
        """Keys and values of a prefix that `rows` sequences share, computed once."""
        from model.network.attention import KeyValueCache

        caches = [KeyValueCache() for _ in self.network.model.layers]
        if prefix:
            self.network.model(self._pad([prefix]), None, caches)
            for cache in caches:
                if cache.keys is not None and cache.values is not None:
                    cache.keys = cache.keys.expand(rows, -1, -1, -1)
                    cache.values = cache.values.expand(rows, -1, -1, -1)
        return caches

    @torch.no_grad()
    def token_losses(self, sequences: Sequence[Sequence[int]]) -> list[np.ndarray]:
        """For each sequence of length m the m-1 losses of predicting ids[1:] (float32, nats); empty
        where m < 2."""
        out = [np.zeros(0, dtype=np.float32) for _ in sequences]
        wanted = [i for i, s in enumerate(sequences) if len(s) > 1]
        for group in self._batches([len(sequences[i]) for i in wanted]):
            rows = [wanted[g] for g in group]
            ids = self._pad([sequences[i] for i in rows])
            # The head with targets holds the logits of a few positions at a time.
            states = self.network.model(ids[:, :-1], self._documents(ids[:, :-1]))
            _, losses = self.network.lm_head(states, ids[:, 1:].contiguous())
            host = losses.float().cpu().numpy()
            for row, i in enumerate(rows):
                out[i] = host[row, : len(sequences[i]) - 1]
        return out

    def losses(self, sequences: Sequence[Sequence[int]]) -> Losses:
        """Summed loss and predicted tokens of each sequence."""
        rows = self.token_losses(sequences)
        return Losses(
            np.array([float(r.sum(dtype=np.float64)) for r in rows]),
            np.array([len(r) for r in rows], dtype=np.int64),
        )

    @torch.no_grad()
    def next_logits(self, sequences: Sequence[Sequence[int]]) -> np.ndarray:
        """Logits after the last id of each sequence: float32 [n, V]. Longer sequences keep their
        last `context` ids.

        What all sequences begin with (the five examples of a subject) goes through the model once.
        """
        cut = [list(s)[-self.context :] for s in sequences]
        if any(not s for s in cut):
            raise ValueError("the next token after an empty sequence is asked for")
        shared = common_prefix(cut)
        out = np.zeros((len(cut), self.vocab_size), dtype=np.float32)
        for group in self._batches([len(s) - shared for s in cut]):
            caches = self._caches(cut[0][:shared], len(group))
            ids = self._pad([cut[i][shared:] for i in group])
            states = self.network.model(ids, None, caches if shared else None)
            ends = torch.tensor([len(cut[i]) - shared - 1 for i in group], device=self.device)
            scores = self.network.lm_head(states[torch.arange(len(group), device=self.device), ends])
            out[group] = scores.float().cpu().numpy()
        return out

    @torch.no_grad()
    def generate(
        self, prompts: Sequence[Sequence[int]], new_tokens: int, stop: Callable[[str], bool]
    ) -> list[str]:
        """Greedy continuations, each until `stop(text so far)`, an id of `ends`, or `new_tokens`.
        Prompts are cut on the left to leave room.

        Rows of different length go in step without padding: a row that still has prompt left takes
        its own next id.
        """
        room = max(1, self.context - new_tokens)
        given = [list(p)[-room:] for p in prompts]
        if any(not p for p in given):
            raise ValueError("a continuation of an empty prompt is asked for")
        shared = common_prefix(given)
        written: list[list[int]] = [[] for _ in given]
        texts = [""] * len(given)
        done = [False] * len(given)
        caches = self._caches(given[0][:shared], len(given))
        shortest, longest = min(map(len, given)), max(map(len, given))
        step = torch.tensor([p[shared:shortest] for p in given], device=self.device)
        for at in range(shortest, longest + new_tokens):
            states = self.network.model(step, None, caches)
            picked = self.network.lm_head(states[:, -1]).argmax(-1).tolist()
            for i, prompt in enumerate(given):
                if at < len(prompt):
                    picked[i] = prompt[at]
                elif not done[i] and picked[i] in self.ends:
                    done[i] = True
                elif not done[i]:
                    written[i].append(picked[i])
                    texts[i] = self.decode(written[i])
                    done[i] = len(written[i]) == new_tokens or stop(texts[i])
            if all(done):
                break
            step = torch.tensor(picked, device=self.device)[:, None]
        return texts


def common_prefix(sequences: Sequence[Sequence[int]]) -> int:
    """How many first ids all sequences share, leaving at least one of each; 0 for a single
    sequence, which has nothing to share."""
    if len(sequences) < 2:
        return 0
    # The smallest and the largest in lexical order share exactly what all share.
    ordered = [list(s) for s in sequences]
    low, high = min(ordered), max(ordered)
    same = next(
        (i for i, (x, y) in enumerate(zip(low, high, strict=False)) if x != y), min(len(low), len(high))
    )
    return min(same, *(len(s) - 1 for s in sequences))


def token_bytes(path: Path, vocab_size: int) -> np.ndarray:
    """UTF-8 bytes that each id stands for, int64 [V]; 0 for special tokens and unused ids. Read
    from a tokenizer.json."""
    data = json.loads(path.read_text(encoding="utf-8"))
    vocabulary = data["model"]["vocab"]
    pieces = (
        {p: i for i, (p, _) in enumerate(vocabulary)} if isinstance(vocabulary, list) else dict(vocabulary)
    )
    byte_level = "ByteLevel" in json.dumps([data.get("decoder"), data.get("pre_tokenizer")])
    out = np.zeros(vocab_size, dtype=np.int64)
    for piece, i in pieces.items():
        if i >= vocab_size:
            continue
        if byte_level:
            out[i] = len(piece)
        elif len(piece) == 6 and piece.startswith("<0x") and piece.endswith(">"):
            out[i] = 1
        else:
            out[i] = len(piece.replace("\u2581", " ").encode("utf-8"))
    for added in data.get("added_tokens", []):
        if added["id"] < vocab_size:
            out[added["id"]] = 0 if added.get("special") else len(added["content"].encode("utf-8"))
    return out


def end_ids(export: Path) -> frozenset[int]:
    """The ids with which the model of an export folder ends a text, as its config.json names
    them."""
    value = json.loads((export / "config.json").read_text(encoding="utf-8")).get("eos_token_id")
    return frozenset(value if isinstance(value, list) else [] if value is None else [value])


def load_scorer(export: Path, device: str | None = None) -> Scorer:
    """The model of an export folder with its tokenizer. Raises FileNotFoundError naming what lacks,
    ValueError for other weights."""
    from tokenizers import Tokenizer

    from model.checkpoints.export import load_model, weights_hash

    for name in ("config.json", "tokenizer.json"):
        if not (export / name).is_file():
            raise FileNotFoundError(f"{export / name} does not exist: train a stage to its end first")
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    # A CPU computes bfloat16 slowly; a GPU takes the weights as they are stored.
    network = load_model(export, torch.float32 if device == "cpu" else None).to(device).eval()
    weights = weights_hash(sorted(export.glob("*.safetensors")))
    tokenizer = Tokenizer.from_file(str(export / "tokenizer.json"))
    if tokenizer.get_vocab_size() > network.config.vocab_size:
        raise ValueError(
            f"{export}: the tokenizer has {tokenizer.get_vocab_size()} pieces,"
            f" the model {network.config.vocab_size}: not of one run"
        )
    return Scorer(
        network,
        tokenizer,
        network.config.context,
        network.config.vocab_size,
        device,
        weights,
        end_ids(export),
        network.config.document_attention,
        model_hash(export, weights),
    )
