"""The recurrence section of a release card."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from pipelines.cards.dump import CATEGORIES
from pipelines.cards.recurrence import RecurrencePolicy


def test_programs_pairs_and_exercises_are_not_cut_unless_asked() -> None:
    exempt = RecurrencePolicy().exempt_categories
    assert set(exempt) == {"code", "parallel", "stem"} and set(exempt) < set(CATEGORIES)
    assert RecurrencePolicy(exempt_categories=()).parameters()["exempt_categories"] == []


@pytest.mark.parametrize(
    "wrong", [{"min_documents": 1}, {"min_hosts": 0}, {"max_loss": 0}, {"max_loss": 1.1}]
)
def test_bounds_that_would_cut_single_blocks_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        RecurrencePolicy.model_validate(wrong)
