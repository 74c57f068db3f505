from __future__ import annotations

import pytest

from pipelines.engine import InProcess
from pipelines.inspection.samples import KEPT, as_text, check_known, samples
from pipelines.lake import Lake, LakeError
from tests.support.judged import MENU, PLANTED, judged


def test_samples_of_every_reason_are_shown_masked(lake: Lake, engine: InProcess) -> None:
    tables = judged(lake, engine)
    found = samples(tables, 2)
    reasons = {KEPT, *tables.need("decisions").stats["reasons"]}
    assert {s.reason for s in found} == reasons
    assert {s.language for s in found if s.reason == KEPT} == {"en", "zh"}
    shown = as_text(found)
    assert PLANTED not in shown and "planted.person" not in shown and "[EMAIL]" in shown
    assert found == samples(tables, 2)


def test_reason_and_language_choose(lake: Lake, engine: InProcess) -> None:
    tables = judged(lake, engine)
    assert {(s.reason, s.language) for s in samples(tables, 5, KEPT, "zh")} == {(KEPT, "zh")}
    with pytest.raises(LakeError, match="its reasons: "):
        check_known(tables, "rules/nonsense")


def test_a_page_cannot_steer_the_terminal(lake: Lake, engine: InProcess) -> None:
    tables = judged(lake, engine, "evil", [[MENU + "\x1b[31m", MENU * 2]])
    found = samples(tables, 2)
    assert "\x1b" not in as_text(found)
