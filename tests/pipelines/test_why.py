from __future__ import annotations

import pytest

from pipelines.lake import Lake, LakeError
from pipelines.spark import InProcess
from pipelines.why import explain
from tests.pipelines.judged import PLANTED, judged


def test_every_stage_is_named_with_values_and_bounds(lake: Lake, engine: InProcess) -> None:
    judged(lake, engine)
    kept = "\n".join(explain(lake, "https://d.invalid/0"))
    assert "kept for main" in kept and "1 email" in kept and "language    en" in kept and "no model" in kept
    menu = "\n".join(explain(lake, "https://d.invalid/2", "r"))
    assert "rejected" in menu and "of release r is not materialized yet" in menu
    assert "rules/short_lines is 1, wanted at most 0.67 (FineWeb" in menu or "language/" in menu
    assert PLANTED not in kept + menu


def test_an_unknown_url_is_an_error_and_masked(lake: Lake, engine: InProcess) -> None:
    judged(lake, engine)
    with pytest.raises(LakeError, match=r"is in no documents table of d") as error:
        explain(lake, f"https://d.invalid/?q={PLANTED}")
    assert PLANTED not in str(error.value)
