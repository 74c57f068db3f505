"""Which datasets a name means, and what is told of damaged ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.lake import Dataset, Lake, LakeError
from pipelines.lake.verify import made_from, named, verify
from tests.support.lake_samples import flip, write


def chain(lake: Lake) -> dict[str, Dataset]:
    """Documents of a dump, decisions on them, a corpus of the release made from these."""
    documents = lake.publish("documents", "d", version=1, write=write).dataset
    decided = lake.publish("decisions", "d", version=1, inputs={"documents": documents}, write=write).dataset
    lake.publish("documents", "other", version=2, write=write)
    main = lake.publish("skypile_main", "r", version=1, inputs={"decisions/d": decided}, write=write).dataset
    return {"documents": documents, "decisions": decided, "main": main}


def test_a_name_is_a_table_a_partition_of_it_or_a_dump_or_release_with_all_it_was_made_from(
    lake: Lake,
) -> None:
    made = chain(lake)
    documents, decisions, main = (made[n].path for n in ("documents", "decisions", "main"))
    assert named(lake, "documents/d") == ([documents], [])
    assert len(named(lake, "documents")[0]) == 2
    assert sorted(named(lake, "d")[0]) == sorted([documents, decisions])
    assert named(lake, "r")[0] == [main, decisions, documents] == list(made_from(lake, [main]))
    with pytest.raises(LakeError, match="no table, dump or release 'x'"):
        named(lake, "x")


def test_what_is_damaged_is_told_by_part_and_a_lost_manifest_or_pointer_by_name(lake: Lake) -> None:
    made = chain(lake)
    flip(Path(lake.root, made["decisions"].file("part-00001.parquet")))
    told = {path: verify(lake, path)[1] for path in named(lake, "r")[0]}
    assert [sorted(t) for t in told.values()] == [[], ["part-00001.parquet"], []]
    Path(lake.root, made["main"].path, "_manifest.json").write_bytes(b"")
    dataset, wrong = verify(lake, made["main"].path)
    assert dataset is None and "not readable as JSON" in wrong["_manifest.json"]
    Path(lake.root, lake.pointer("skypile_main", "r")).write_bytes(b"")
    paths, sentences = named(lake, "r")
    assert paths == [] and "run skypile_main of r again" in sentences[0]
