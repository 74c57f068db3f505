"""What the documentation shows is accepted by the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from model.plan.card import RunCard
from model.training.strategy import Strategy
from pipelines.cards.dump import DumpCard
from pipelines.cards.release import ReleaseCard

CARDS = Path(__file__).resolve().parents[1] / "docs" / "cards.md"


@pytest.mark.parametrize(
    ("index", "model"), enumerate([DumpCard, ReleaseCard, RunCard]), ids=["dump", "release", "run"]
)
def test_the_cards_of_the_documentation_are_accepted(
    index: int, model: type[DumpCard | ReleaseCard | RunCard]
) -> None:
    card = yaml.safe_load(
        re.findall(r"```yaml\n(.*?)```", CARDS.read_text(encoding="utf-8"), re.DOTALL)[index]
    )
    accepted = model.model_validate(card)
    assert set(card) <= set(type(accepted).model_fields)
    if isinstance(accepted, RunCard):
        Strategy.parse(accepted.deepspeed, accepted.global_batch, accepted.micro_batch, accepted.world_size)
