from __future__ import annotations

import pyarrow as pa

from pipelines.cards.release import ReleaseCard
from pipelines.tables.card_exclusions import excluded_by_card


def test_tombstones_and_cutoff() -> None:
    card = ReleaseCard(name="r", dumps=("a",), cutoff_date="2023-06", tombstones=("u1",))
    dates = ["2020-01-01", "2023-06-30", "2023-07-01T00:00:00Z", ""]
    assert excluded_by_card(card, pa.array(["u1", "u2", "u3", "u4"]), pa.array(dates)).to_pylist() == [
        "tombstone",
        "",
        "cutoff_date",
        "",
    ]
    assert excluded_by_card(
        ReleaseCard(name="r", dumps=("a",)), pa.array(["u"]), pa.array(["2999"])
    ).to_pylist() == [""]
