"""The tables of a dump and of a release, gathered by their cards."""

from __future__ import annotations

import pyarrow as pa
import pytest

from pipelines.cards.release import ReleaseCard
from pipelines.lake import Lake, LakeError, MissingDataset
from pipelines.tables.inputs import DumpTables, ReleasePart, frozen, part_path, resolve
from tests.support.release_samples import make_dump, make_release, prose


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


def test_a_table_that_is_not_made_yet_is_named(lake: Lake) -> None:
    tables = make_dump(lake, "a", [{"text": prose("cat")}])
    assert tables.need("decisions") == tables.decisions
    with pytest.raises(LakeError, match="dump a has no scores yet: materialize scores for it first"):
        tables.need("scores")


def part_key(tables: DumpTables, names: tuple[str, ...], more: str) -> str:
    return ReleasePart(tables.card.name, tables, 0).key(names, more)


def test_the_key_of_a_part_is_of_its_own_tables(lake: Lake) -> None:
    one = make_dump(lake, "a", [{"text": prose("cat")}])
    key = part_key(one, ("documents", "decisions"), "x")
    assert key == part_key(make_dump(lake, "a", [{"text": prose("cat")}]), ("documents", "decisions"), "x")
    judged = make_dump(lake, "a", [{"text": prose("cat"), "reasons": ["rules/x"]}])
    others = {
        part_key(judged, ("documents", "decisions"), "x"),
        part_key(one, ("documents",), "x"),
        part_key(one, ("documents", "decisions"), "y"),
        part_key(make_dump(lake, "b", [{"text": prose("cat")}]), ("documents", "decisions"), "x"),
    }
    assert key not in others and len(others) == 4
    assert part_key(judged, ("documents",), "x") == part_key(one, ("documents",), "x")
    assert part_path("a", 3) == "dump=a/part-00003.parquet"


def test_parts_come_in_the_order_of_the_card(lake: Lake) -> None:
    release = make_release(lake, {"b": [{"text": prose("cat")}], "a": [{"text": prose("dog")}]})
    assert [(part.dump, part.number) for part in release.parts] == [("b", 0), ("a", 0)]
    inputs = release.inputs("documents", "decisions")
    assert list(inputs) == ["documents/b", "decisions/b", "documents/a", "decisions/a"]
    assert inputs["documents/a"] == release.dumps["a"].documents
