from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from model.run.logs import JsonLines, RunLog, TensorBoard
from model.run.messages import Reporter


def record(step: int) -> dict[str, Any]:
    return {"step": step, "loss": 2.0, "loss_by_source": {"main/en-webpages": 2.0}}


def test_a_start_drops_what_a_lost_run_wrote_later(tmp_path: Path) -> None:
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


def test_all_logs_follow_one_protocol(tmp_path: Path) -> None:
    logs: list[RunLog] = [JsonLines(tmp_path, 0), TensorBoard(tmp_path, 0), Reporter()]
    full = record(1) | {"phase": "a", "tokens": 8, "learning_rate": 1e-3, "gradient_norm": 1.0}
    for log in logs:
        log.step(full | {"tokens_per_second": 8.0})
        log.validation([{"step": 1, "domain": "web-en", "loss": 2.0, "bits_per_byte": 1.0}])
        log.close()
    assert list((tmp_path / "tensorboard").iterdir())
