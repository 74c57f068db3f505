"""Commands on documents, on a lake in which an address is planted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import yaml

from pipelines.engine import InProcess
from pipelines.filtering.policy import policy_path
from pipelines.lake import Lake
from tests.support.judged import PLANTED, judged


def test_a_dry_run_tells_the_change_and_publishes_nothing(
    lake: Lake, engine: InProcess, run: Callable[..., str], tmp_path: Path
) -> None:
    judged(lake, engine)
    strict = yaml.safe_load(policy_path("default").read_text())
    for rule_set in strict["sets"]:
        rule_set["bounds"]["rules/num_chars"] = {"min": 10**6, "source": "test"}
    (tmp_path / "strict.yaml").write_text(yaml.safe_dump(strict))
    before = lake.read_json(lake.pointer("decisions", "d"))
    told = run("decide", "d", "--dry-run", "--policy", str(tmp_path / "strict.yaml"))
    assert "kept 2 -> 0 (-2)" in told and "rules/num_chars" in told
    assert lake.read_json(lake.pointer("decisions", "d")) == before
    assert "kept 2 -> 2 (+0)" in run("decide", "d", "--dry-run")


def test_samples_and_reasons_are_shown_without_the_address(
    lake: Lake, engine: InProcess, run: Callable[..., str], tmp_path: Path
) -> None:
    judged(lake, engine)
    shown = [
        run("inspect", "d"),
        run("why", "https://d.invalid/0", "--release", ""),
        run("inspect", "d", "--html", str(tmp_path / "p.html")),
    ]
    shown += [(tmp_path / "p.html").read_text(), run("inspect", "d", "--reason", "kept", "--language", "zh")]
    assert (
        "== kept (en) ==" in shown[0]
        and "kept for main" in shown[1]
        and "samples:" in shown[2]
        and "[EMAIL]" in shown[3]
    )
    shown += [p.read_text() for p in Path(lake.root).rglob("*.json")]
    assert not any(PLANTED in text or "planted.person" in text for text in shown)
