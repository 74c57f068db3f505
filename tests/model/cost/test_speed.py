from __future__ import annotations

import pytest

from model.cost.memory import Layout
from model.cost.speed import Cluster, bubble, tokens_per_second
from model.network.config import PRESETS

PP2, PP4 = Layout(pipeline_stages=2), Layout(pipeline_stages=4)


def test_expected_speed_reproduces_both_pipeline_rows_of_table_10() -> None:
    """1,873 tokens per GPU and second with PP2, to which the efficiency is fitted; 1,828 with PP4,
    which is not."""
    assert tokens_per_second(PRESETS["13b"], PP2, Cluster(), 4096) == pytest.approx(1873, rel=0.02)
    assert tokens_per_second(PRESETS["13b"], PP4, Cluster(), 4096) == pytest.approx(1828, rel=0.02)


def test_bubbles_of_table_10() -> None:
    assert bubble(PP2, 512) == 1 / 16
    assert bubble(PP4, 512) == 3 / 32
