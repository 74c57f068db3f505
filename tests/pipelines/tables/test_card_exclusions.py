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


def test_dates_are_compared_as_dates() -> None:
    card = ReleaseCard(name="r", dumps=("a",), cutoff_date="2023-10-05")
    late = [
        "2023-10-06",
        "2023-10-6",
        "2023年10月6日",
        "Fri, 06 Oct 2023 01:00:00 GMT",
        "2023-10-05T23:00-05:00",
    ]
    early = [
        "2023-9-30",
        "2023/10/05",
        "2023-10-06T01:00+08:00",
        "Thu, 05 Oct 2023 23:59:59 GMT",
        "2023",
        None,
    ]
    found = excluded_by_card(card, pa.array(["u"] * 12), pa.array([*late, *early, "Spring"])).to_pylist()
    assert found == ["cutoff_date"] * len(late) + [""] * (len(early) + 1)


def test_a_tombstone_covers_every_spelling_of_its_page() -> None:
    card = ReleaseCard(name="r", dumps=("a",), tombstones=("https://example.org/a",))
    covered = ["http://example.org/a", "https://www.example.org/a/", "https://EXAMPLE.org:443/a#x"]
    others = ["https://example.org/A", "https://example.org/ab", "https://sub.example.org/a", None, ""]
    dates = pa.array([""] * 8)
    found = excluded_by_card(card, pa.array([*covered, *others]), dates).to_pylist()
    assert found == ["tombstone"] * 3 + [""] * 5
