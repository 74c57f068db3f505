from __future__ import annotations

from typing import Any

from assets.cluster.watchdog import Watchdog, parse_heartbeats


def beat(rank: int, step: int, phase: str = "step", limit: float = 600.0) -> dict[str, Any]:
    return {
        "rank": rank,
        "host": f"node{rank}",
        "phase": phase,
        "step": step,
        "time": 0.0,
        "limit_seconds": limit,
    }


def test_the_rank_that_fell_silent_first_is_named_first() -> None:
    dog = Watchdog({"step": 30.0})
    assert dog.silent([beat(0, 1), beat(1, 1)], now=0.0) == []
    assert dog.silent([beat(0, 2), beat(1, 1)], now=20.0) == []
    found = dog.silent([beat(0, 2), beat(1, 1)], now=55.0)
    assert [f.split(" has")[0] for f in found] == ["rank 1 on node1", "rank 0 on node0"]
    assert "silent for 55 s in phase step of step 1 (limit 30)" in found[0]


def test_each_phase_has_its_own_limit_and_a_finished_rank_has_none() -> None:
    dog = Watchdog({})
    dog.silent([beat(0, 1, "save", 1800.0), beat(1, 1, "done", 0)], now=0.0)
    assert dog.silent([], now=1700.0) == []
    assert len(dog.silent([], now=1801.0)) == 1


def test_a_launch_without_any_sign_of_life_is_noticed() -> None:
    dog = Watchdog({"start": 10.0})
    assert dog.silent([], now=dog.started + 9.0) == []
    assert "no rank gave a sign of life" in dog.silent([], now=dog.started + 11.0)[0]


def test_torn_heartbeats_are_left_out() -> None:
    assert parse_heartbeats('{"rank": 0}\n{"ra\n\n') == [{"rank": 0}]
