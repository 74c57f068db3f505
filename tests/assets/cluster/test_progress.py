from __future__ import annotations

from typing import Any

from assets.cluster.progress import loss_plot, loss_table, preflight_table


def record(domain: str, step: int, loss: float) -> dict[str, Any]:
    return {"domain": domain, "step": step, "loss": loss, "bits_per_byte": loss / 2}


def test_the_table_has_first_best_and_last_loss_of_each_domain() -> None:
    records = [record("zh", 3, 4.0), record("en", 6, 3.5), record("en", 3, 3.0), record("en", 1, 5.0)]
    lines = loss_table(records).splitlines()
    assert lines[2] == "| en | 5.0000 | 3.0000 | 3.5000 | 1.7500 | 6 |"
    assert lines[3] == "| zh | 4.0000 | 4.0000 | 4.0000 | 2.0000 | 3 |"


def test_a_step_without_a_finite_loss_leaves_no_point() -> None:
    steps = [{"step": 1, "loss": 5.0}, {"step": 2, "loss": None}, {"step": 3, "loss": 4.0}]
    without = [s for s in steps if s["loss"] is not None]
    assert loss_plot(steps, [record("en", 3, 3.0)]) == loss_plot(without, [record("en", 3, 3.0)])


def test_of_many_ranks_the_slowest_are_shown_and_every_warning() -> None:
    ranks = [
        {
            "rank": i,
            "host": f"n{i}",
            "flops_per_second": (i + 1) * 1e9,
            "all_reduce_bytes_per_second": 1e9,
            "free_bytes": 2e9,
            "clock_seconds": 0.001,
        }
        for i in range(70)
    ]
    table = preflight_table({"ranks": ranks, "warnings": ["n3 is slow"]})
    rows = [line for line in table.splitlines() if line.startswith("| ") and "rank" not in line]
    assert len(rows) == 64 and rows[0] == "| 0 | n0 | 1.00 | 1.00 | 2.00 | 1.00 |"
    assert "n64" not in table and table.endswith("**n3 is slow**")
