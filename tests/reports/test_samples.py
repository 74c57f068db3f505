from __future__ import annotations

from pipelines.engine import InProcess
from pipelines.inspection.samples import samples
from pipelines.lake import Lake
from reports.samples import page
from tests.support.judged import MENU, PLANTED, judged


def test_the_page_shows_every_sample_masked(lake: Lake, engine: InProcess) -> None:
    found = samples(judged(lake, engine), 2)
    shown = page(found, "t")
    assert PLANTED not in shown and "planted.person" not in shown and "[EMAIL]" in shown
    assert shown.count("<article") == len(found)
    assert shown.count("<h2") == len({(s.reason, s.language) for s in found}) == shown.count("<a href")


def test_a_page_cannot_steer_the_browser(lake: Lake, engine: InProcess) -> None:
    tables = judged(lake, engine, "evil", [[MENU + "<script>alert(1)</script>", MENU * 2]])
    shown = page(samples(tables, 2), "<b>")
    assert "<script>alert" not in shown and "&lt;script&gt;" in shown and "<b>" not in shown
