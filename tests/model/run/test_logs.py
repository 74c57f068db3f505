from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from model.run.logs import JsonLines, RunLog, TensorBoard, last_step
from model.run.messages import Reporter


def record(step: int) -> dict[str, Any]:
    return {"step": step, "loss": 2.0, "loss_by_source": {"main/en-webpages": 2.0}}


def test_a_start_sets_aside_what_a_lost_run_wrote_later_and_loses_no_line(tmp_path: Path) -> None:
    first = JsonLines(tmp_path, 0)
    for step in (1, 2, 3):
        first.step(record(step))
    first.validation([{"step": 3, "domain": "web-en", "loss": 2.0}])
    first.close()
    (tmp_path / "steps.jsonl").open("a").write('{"step": 4, "lo')  # killed while it wrote
    second = JsonLines(tmp_path, 2)
    second.step(record(3))
    second.close()
    assert [json.loads(x)["step"] for x in (tmp_path / "steps.jsonl").read_text().splitlines()] == [1, 2, 3]
    assert (tmp_path / "validation.jsonl").read_text() == ""
    aside = (tmp_path / "steps.superseded.jsonl").read_text().splitlines()
    assert json.loads(aside[0])["step"] == 3 and aside[1] == '{"step": 4, "lo'
    JsonLines(tmp_path, 0).close()  # as a start from nothing would
    kept = (tmp_path / "steps.superseded.jsonl").read_text().splitlines()
    assert kept[:2] == aside and [json.loads(x)["step"] for x in kept[2:]] == [1, 2, 3]
    assert '"step": 3' in (tmp_path / "validation.superseded.jsonl").read_text()


def test_a_log_that_nothing_is_set_aside_from_is_not_written_anew(tmp_path: Path) -> None:
    JsonLines(tmp_path, 0).step(record(1))
    path = tmp_path / "steps.jsonl"
    before = path.stat().st_ino
    JsonLines(tmp_path, 1).close()
    assert path.stat().st_ino == before and last_step(tmp_path) == 1
    assert last_step(tmp_path / "none") == 0


def test_all_logs_follow_one_protocol(tmp_path: Path) -> None:
    logs: list[RunLog] = [JsonLines(tmp_path, 0), TensorBoard(tmp_path, 0), Reporter()]
    full = record(1) | {"phase": "a", "tokens": 8, "learning_rate": 1e-3, "gradient_norm": 1.0}
    for log in logs:
        log.step(full | {"tokens_per_second": 8.0})
        log.validation([{"step": 1, "domain": "web-en", "loss": 2.0, "bits_per_byte": 1.0}])
        log.close()
    assert list((tmp_path / "tensorboard").iterdir())
