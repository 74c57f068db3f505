from __future__ import annotations

from pathlib import Path

from model.cost.speed import Cluster
from model.cost.strategies import table
from model.network.config import PRESETS


def test_the_page_has_the_table_of_the_formulas() -> None:
    page = Path(__file__).parents[3] / "docs" / "scale.md"
    assert table(PRESETS["13b"], Cluster(), 4096) in page.read_text(encoding="utf-8")
