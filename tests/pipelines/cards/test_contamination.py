"""The contamination section of a release card."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from pipelines.cards.contamination import ContaminationPolicy


@pytest.mark.parametrize("kind", ["benchmark", "leakage", "validation"])
def test_each_kind_is_dropped_unless_the_card_says_cut_or_mark(kind: str) -> None:
    assert getattr(ContaminationPolicy(), kind) == "drop"
    for action in ("drop", "cut", "mark"):
        assert getattr(ContaminationPolicy.model_validate({kind: action}), kind) == action
    with pytest.raises(ValidationError, match="'drop', 'cut' or 'mark'"):
        ContaminationPolicy.model_validate({kind: "hide"})


@pytest.mark.parametrize("wrong", [{"ngram": 1}, {"containment": 0}, {"inside": 1.5}, {"short_words": 7}])
def test_bounds_under_which_any_text_would_match_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        ContaminationPolicy.model_validate(wrong)
