"""A tiny random causal model and a character tokenizer, to test evaluation by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from model.evaluate.scorer import Scorer
from model.network.architecture import Skywork
from model.network.config import ModelConfig

CHARACTERS = "\n ABCDabcdefghijklmnopqrstuvwxyz0123456789.:=#<>?-+$,'选项答案：是。，"
UNKNOWN = len(CHARACTERS)


@dataclass
class Encoded:
    ids: list[int]


class Characters:
    """One id a character; all others share the last id."""

    def encode(self, sequence: str, *, add_special_tokens: bool = True) -> Encoded:
        assert not add_special_tokens, "evaluation must not add markers"
        return Encoded([CHARACTERS.find(c) if c in CHARACTERS else UNKNOWN for c in sequence])

    def decode(self, ids: Sequence[int], skip_special_tokens: bool = True) -> str:
        return "".join(CHARACTERS[i] if i < UNKNOWN else "\u25a1" for i in ids)


CONFIG = ModelConfig(
    num_layers=2, hidden=16, num_heads=2, ffn=24, vocab_size=UNKNOWN + 1, context=64, init_std=0.6
)


def causal() -> Skywork:
    """The same random weights each time, wide enough for clearly different logits."""
    return Skywork(CONFIG, seed=0).eval()


def scorer(context: int = 64) -> Scorer:
    return Scorer(causal(), Characters(), context, UNKNOWN + 1, weights_hash="0" * 64)
