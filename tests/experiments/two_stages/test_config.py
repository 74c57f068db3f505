from __future__ import annotations

from pathlib import Path

import pytest

from experiments.two_stages.config import CONFIG, STAGES, TwoStages
from pipelines.cards.base import CardError


def test_the_file_beside_it_is_complete_and_every_number_is_explained() -> None:
    config = TwoStages.load(CONFIG)
    assert set(config.steps) == set(STAGES) and config.tokens_per_step == 2048
    assert all(field.description for field in TwoStages.model_fields.values())


def test_an_unknown_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG.read_text() + "rate: 1.0\n")
    with pytest.raises(CardError, match="rate"):
        TwoStages.load(path)
