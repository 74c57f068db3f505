"""Bounds of checks: shares are shares, one card for a lake."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from pipelines.cards.checks import CheckBounds
from pipelines.lake import Lake


def test_a_lake_may_have_bounds_of_its_own(lake: Lake) -> None:
    assert CheckBounds.of(lake) == CheckBounds()
    lake.write_bytes("cards/checks.yaml", b"max_leftovers: 3\n")
    assert CheckBounds.of(lake) == CheckBounds(max_leftovers=3)


@pytest.mark.parametrize("wrong", [{"min_keep_rate": 2}, {"max_leftovers": -1}, {"keep_rate": 0.5}])
def test_what_is_no_share_or_no_bound_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        CheckBounds.model_validate(wrong)
