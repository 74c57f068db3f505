"""Release cards, what falls by card, frozen tables."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from pipelines.cards.base import CardError
from pipelines.cards.release import ReleaseCard
from pipelines.lake import Lake, LakeError, MissingDataset
from pipelines.release.survivors import excluded_by_card
from pipelines.tables.inputs import frozen, resolve
from tests.support.release_samples import make_dump, prose


def test_card_names_what_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text("name: r\ndumps: [a, a]\nspeed: 3\n")
    with pytest.raises(CardError, match=r"(?s)r\.yaml.*twice.*speed"):
        ReleaseCard.load(path)
    path.write_text("name: ../r\ndumps: [a]\ncutoff_date: soon\n")
    with pytest.raises(CardError, match=r"(?s)name.*cutoff_date"):
        ReleaseCard.load(path)


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


def test_resolve_names_the_missing_dump(lake: Lake) -> None:
    with pytest.raises(MissingDataset, match="names dump 'absent'"):
        resolve(lake, ReleaseCard(name="r", dumps=("absent",)))


def test_a_release_may_insist_on_a_policy(lake: Lake) -> None:
    dump = make_dump(lake, "a", [{"text": prose("cat")}])
    lake.write_bytes("cards/dumps/a.yaml", b"name: a\nkind: jsonl\nuris: [x]\n")
    card = ReleaseCard(name="r", dumps=("a",), policy="tests")
    assert resolve(lake, card, "decisions").dumps["a"].decisions == dump.decisions
    other = ReleaseCard(name="r", dumps=("a",), policy="strict")
    with pytest.raises(LakeError, match="names the policy 'strict', but dump a was decided under 'tests'"):
        resolve(lake, other, "decisions")


def test_frozen_tables_by_release_or_for_good(lake: Lake) -> None:
    def publish(value: int) -> str:
        write = lambda w: w.write_table("p.parquet", pa.table({"x": [value]}))  # noqa: E731
        return lake.publish(
            "validation_sets", "old", version=1, parameters={"v": value}, write=write
        ).dataset.content_hash

    first, second = publish(1), publish(2)
    assert frozen(lake, "validation_sets", "old").content_hash == second
    assert frozen(lake, "validation_sets", f"old@{first}").read()["x"].to_pylist() == [1]
    with pytest.raises(MissingDataset, match="validation_sets/old/0000"):
        frozen(lake, "validation_sets", f"old@{'0' * 32}")
