"""The experiment's numbers, as `config.yaml` has them.

Belongs here: what is varied and how large everything is. Does not belong here: what a training run
is (model/plan/card.py).
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from pipelines.cards.base import Card

CONFIG = Path(__file__).with_name("config.yaml")
STAGES = {"a": "stage1", "b": "stage1", "c": "stage2"}
"""The phases, and the stage of each in a run of two stages."""


class TwoStages(Card):
    """Sizes of the trainings, and the arms that are compared."""

    sequence_length: int = Field(gt=0)
    """Tokens of a sample."""
    global_batch: int = Field(gt=0)
    """Samples of a step."""
    micro_batch: int = Field(gt=0)
    """Samples that go through the model at once."""
    steps: dict[str, int]
    """Steps of the phases a and b (Stage-1: cosine, then constant) and c (Stage-2)."""
    warmup_steps: int
    """Steps of linear warm-up at the start of phase a."""
    peak: float
    """Learning rate after the warm-up: one that suits 1.3 M parameters."""
    final: float
    """Learning rate at the end of phase a, and of b and c: a tenth of `peak`, as in the paper."""
    checkpoint_every: int
    """Steps between checkpoints."""
    validate_every: int
    """Steps between validations; each stage also validates at its end."""
    validation_sequences: int
    """Samples of each domain that a validation reads."""
    shares: list[float]
    """Constant STEM shares of Stage-2, one arm each; the paper's ramp is a further arm."""
    vocabulary: int
    """Pieces of the tokenizer: so few that the head does not outweigh the blocks of the debug
    preset."""
    tokenizer_characters: int
    """Text that the tokenizer is built from."""
    file_characters: int
    """Text taken from each file of the corpus."""
    stem_characters: int
    """STEM text in all: so little that the arm of 100 % reads it more than once, as STEM is the
    scarce corpus of the paper too."""
    validation_characters: int
    """Of each held-out document, so that a domain's loss is that of many."""
    seeds: list[int]
    """One repetition of all arms each: other weights and another order of samples, equal text."""

    @property
    def tokens_per_step(self) -> int:
        """Tokens that a step reads."""
        return self.sequence_length * self.global_batch
