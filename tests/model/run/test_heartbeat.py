from __future__ import annotations

from pathlib import Path

import pytest

from model.run.heartbeat import LIMIT_SECONDS, Heartbeat, alive, heartbeats


def test_a_rank_counts_as_alive_within_its_phase_s_limit_and_never_when_done(tmp_path: Path) -> None:
    Heartbeat(tmp_path, 0, {"step": 5.0}).beat("step", 7)
    Heartbeat(tmp_path, 1).beat("save", 7)
    Heartbeat(tmp_path, 2).beat("done", 7)
    first, second, _ = heartbeats(tmp_path)
    assert (first["step"], first["limit_seconds"], second["limit_seconds"]) == (7, 5.0, LIMIT_SECONDS["save"])
    assert [b["rank"] for b in alive(tmp_path, first["time"] + 4)] == [0, 1]
    # A save of more than 40 s is no reason to end anybody.
    assert [b["rank"] for b in alive(tmp_path, second["time"] + 45)] == [1]


def test_unknown_phases_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="unknown phases stp"):
        Heartbeat(tmp_path, 0, {"stp": 1.0})
