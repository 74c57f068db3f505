"""Tokenizer cards: sizes of a vocabulary's four classes, and the sample that it is trained on.

Belongs here: numbers with their sources; the reserved pieces, which every vocabulary has. Does not
belong here: how pieces are chosen (tokenizer/pieces.py), which release has which vocabulary (its card).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

from pydantic import Field, model_validator

from pipelines.cards.base import Card, CardError, CardName
from pipelines.lake import Lake

RESERVED = (
    "<unk>",
    "<s>",
    "</s>",
    "<pad>",
    "<eod>",
    "<fim_prefix>",
    "<fim_middle>",
    "<fim_suffix>",
    "<fim_pad>",
    "<system>",
    "<user>",
    "<assistant>",
    "<tool>",
    "<reserved_0>",
    "<reserved_1>",
    "<reserved_2>",
    "<reserved_3>",
)
NUM_BYTES = 256
TOKENIZER_CARDS = "cards/tokenizers"
PRESETS = ("full", "demo")
PAPER = {"latin": 32_000, "characters": 8_000, "words": 25_519}  # paper Table 2, beside 17 reserved


class TokenizerConfig(Card):
    """Class sizes; `latin` counts the 256 byte pieces and the control characters, as LLaMA's 32,000
    does."""

    named_by_file = True
    written_by = "skypile card tokenizer"
    name: CardName
    """The vocabulary's partition key."""
    latin: int = PAPER["latin"]
    """Pieces of the first class: bytes, control characters, Latin and other alphabets (paper Table 2)."""
    characters: int = PAPER["characters"]
    """Chinese characters and symbols (paper Table 2)."""
    words: int = PAPER["words"]
    """Chinese words (paper Table 2)."""
    sample_chars: int = 200_000_000
    """Characters of the sample that it is trained on, over all domains."""
    weights: dict[str, float] = Field(default_factory=dict)
    """Share of the sample by `LANGUAGE-CATEGORY`; 1 where not named."""
    latin_alphabet: int = 1_024
    """Different characters of the first class: Latin, Greek, Cyrillic, kana and other alphabets, signs."""
    latin_max_length: int = 16
    """Characters of a Latin piece, and of a symbol (ours)."""
    symbols: int = 500
    """Of `characters`: symbols of several signs, such as a full stop and its closing quote (ours)."""
    word_max_length: int = 8
    """Characters of a Chinese word (ours)."""
    dictionary: float = 1.0
    """Characters of jieba's dictionary for each of the sample's Han runs: evens out a small sample;
    0: none."""
    seed: int = 1
    """Of the sample."""
    extends: str = ""
    """A tokenizer.json or SentencePiece .model whose ids stay, and which gets the Chinese classes (as the
    paper extends LLaMA's): it brings the `latin` class of its own. Relative paths are below the lake."""

    @model_validator(mode="after")
    def _sizes(self) -> Self:
        if self.latin < NUM_BYTES + 100 or self.characters < 1 or self.words < 1:
            raise ValueError(
                f"latin must hold {NUM_BYTES} bytes and ASCII (at least 356);"
                " characters and words at least one each"
            )
        if self.vocab_size > 65_536:
            raise ValueError(f"{self.vocab_size} pieces do not fit into uint16 token shards (65,536)")
        return self

    @property
    def vocab_size(self) -> int:
        return self.latin + self.characters + self.words + len(RESERVED)

    def parameters(self) -> dict[str, Any]:
        """The values that decide the pieces; of an extended vocabulary the stage hashes the file, not
        where it lies."""
        return self.model_dump(mode="json", exclude={"extends"})

    def extending(self, base: str, pieces: int) -> TokenizerConfig:
        """The Chinese classes after a base of so many pieces; CardError where ids would not fit into
        uint16.

        A base brings its own Latin pieces, and the paper adds only single characters to it: no
        symbols of several signs.
        """
        size = pieces + self.characters + self.words + len(RESERVED)
        if size > 65_536:
            raise CardError(
                f"{base} has {pieces} pieces: with {self.characters} characters, {self.words} words and"
                f" {len(RESERVED)} reserved that is {size}, more than uint16 token shards hold (65,536):"
                " choose smaller classes"
            )
        return self.model_copy(update={"latin": pieces, "symbols": 0})

    @classmethod
    def proportional(cls, name: str, vocab_size: int, sample_chars: int = 60_000_000) -> TokenizerConfig:
        """A smaller vocabulary in the paper's proportions; what rounding leaves goes to the
        words."""
        rest, total = vocab_size - len(RESERVED), sum(PAPER.values())
        latin, characters = round(rest * PAPER["latin"] / total), round(rest * PAPER["characters"] / total)
        alphabet = min(1_024, max(128, latin // 16))
        return cls(
            name=name,
            latin=latin,
            characters=characters,
            words=rest - latin - characters,
            sample_chars=sample_chars,
            latin_alphabet=alphabet,
            symbols=characters // 16,
        )

    @classmethod
    def preset(cls, name: str) -> TokenizerConfig:
        """`full` (65,536, paper Table 2) or `demo` (8,192 in the same proportions)."""
        if name == "full":
            return cls(name="full")
        if name == "demo":
            return cls.proportional("demo", 8_192, sample_chars=4_000_000)
        raise CardError(f"tokenizer preset {name!r}: choose full (65,536) or demo (8,192)")

    @classmethod
    def of(cls, lake: Lake, name: str) -> TokenizerConfig:
        """What a release's `tokenizer` names: the lake's card of that name, or a preset."""
        path = f"{TOKENIZER_CARDS}/{name}.yaml"
        if not lake.exists(path):
            if name in PRESETS:
                return cls.preset(name)
            raise CardError(
                f"tokenizer {name!r} is neither full (65,536) nor demo (8,192), and {lake.root}/{path} "
                f"does not"
                " exist: write that card (skypile card tokenizer), or name one of the two"
            )
        card = cls.load(lake.local(path))
        if card.extends and not Path(card.extends).is_absolute():
            return card.model_copy(update={"extends": str(lake.local(card.extends))})
        return card
