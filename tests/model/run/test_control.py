from __future__ import annotations

from pathlib import Path
from typing import Any

from model.run.control import GO_ON, STOP, SUPERSEDED, Control, latest_epoch
from pipelines.lake import Lake


def test_a_person_stops_a_run_by_a_file(tmp_path: Path) -> None:
    control = Control(tmp_path)
    assert control.read() == GO_ON
    (tmp_path / "stop").touch()
    assert control.read() == STOP


def test_a_higher_epoch_supersedes_and_an_equal_or_lower_one_does_not(tmp_path: Path) -> None:
    for epoch in (1, 2):
        Lake(tmp_path).write_json(f"lease/{epoch:08d}.json", {})
    (tmp_path / "lease" / ".tmp-left").touch()
    assert latest_epoch(Lake(tmp_path)) == 2
    assert Control(tmp_path, epoch=2).read() == GO_ON
    assert Control(tmp_path, epoch=1).read() == SUPERSEDED
    assert Control(tmp_path).read() == GO_ON  # started by hand


def test_requests_arrive_through_s3(s3: Any, tmp_path: Path) -> None:
    run, job = Lake("s3://dump/control"), Lake("s3://dump/control/jobs/j1")
    run.write_json("lease/00000001.json", {})
    control = Control(tmp_path, epoch=1, mailbox=job.root, interval=0.0)
    assert control.read() == GO_ON
    job.write_bytes("stop", b"1")
    assert control.read() == STOP
    job.delete("stop")
    run.write_json("lease/00000002.json", {})
    assert control.read() == SUPERSEDED
