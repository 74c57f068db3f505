"""Bounds of pairs: what fits, one card for a lake."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from pipelines.cards.parallel import ParallelBounds
from pipelines.lake import Lake


@pytest.mark.parametrize("wrong", [{"min_ratio": 6}, {"min_score": 1.1}, {"max_paragraphs": 0}, {"score": 1}])
def test_what_does_not_fit_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        ParallelBounds.model_validate(wrong)


def test_a_lake_may_have_bounds_of_its_own(lake: Lake) -> None:
    assert ParallelBounds.of(lake) == ParallelBounds()
    lake.write_bytes("cards/parallel.yaml", b"min_score: 0.7\n")
    assert ParallelBounds.of(lake).min_score == 0.7
