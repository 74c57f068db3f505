"""Kill -9 of drivers and workers at seeded points, then a rerun; corrupt and foreign parts."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.cards.minhash import MinHashParameters
from pipelines.dedup.duplicates import duplicates_stage
from pipelines.dedup.signatures import signatures_stage
from pipelines.engine import InProcess, Spark
from pipelines.lake import Dataset, Lake, LakeError
from pipelines.tables.inputs import DumpTables
from pipelines.tables.stage import build
from tests.support.dedup_tables import make_dump, make_release
from tests.support.kills import half_tables, sweep_apart
from tests.support.near_duplicates import corpus, text


class DeadlyLake(Lake):
    """Kills the process that reads part `part` of `asset`, once: where `root`.killed does not exist
    yet."""

    def __init__(self, root: str, asset: str, part: str) -> None:
        super().__init__(root)
        self.asset, self.part = asset, part

    def __reduce__(self) -> tuple[Any, ...]:
        return DeadlyLake, (self.root, self.asset, self.part)

    def read_parquet(self, path: str, *more: Any) -> pa.Table:
        if f"/{self.asset}/" in path and path.endswith(self.part):
            try:
                os.close(os.open(f"{self.root}.killed", os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                return super().read_parquet(path, *more)
            os.kill(os.getpid(), signal.SIGKILL)
        return super().read_parquet(path, *more)


def kill_worker(tmp: Path, spark: Spark, stage: str, asset: str, part: int) -> None:
    """A worker dies while `stage` reads a part; the stage fails or is tried again by Spark, and a
    rerun gives the same."""
    clean = Lake(tmp / "clean")
    wanted = build(
        clean, InProcess(), duplicates_stage(make_release([make_dump(clean, "d", corpus(16), parts=3)]))
    ).dataset
    lake = DeadlyLake(str(tmp / "lake"), asset, f"part-{part:05d}.parquet")
    open(f"{lake.root}.killed", "w").close()  # nobody dies while the dump is made
    dump = make_dump(lake, "d", corpus(16), parts=3)
    for path in lake.files("keys") if stage == "signatures" else ():
        if "/signatures/" in lake.read_json(path)["path"]:
            lake.delete(lake.read_json(path)["path"])
            lake.delete(path)
            lake.delete(lake.pointer("signatures", "d"))
    os.unlink(f"{lake.root}.killed")

    def run() -> Dataset:
        signatures = build(
            lake, spark, signatures_stage(dump.documents, dump.edits, MinHashParameters())
        ).dataset
        tables = DumpTables(
            dump.card, dump.documents, dump.edits, signatures=signatures, decisions=dump.decisions
        )
        return build(lake, spark, duplicates_stage(make_release([tables]))).dataset

    try:
        found = run()
    except Exception:
        assert half_tables(lake) == []
        found = run()
    assert os.path.exists(f"{lake.root}.killed")  # it did die
    assert found.content_hash == wanted.content_hash


def test_a_driver_killed_at_two_seeded_points_leaves_no_half_table_and_is_made_up_for(tmp_path: Path) -> None:
    sweep_apart(tmp_path, "duplicates", "process", 2)


def test_a_killed_worker_is_made_up_for(tmp_path: Path, spark: Spark) -> None:
    kill_worker(tmp_path, spark, "duplicates", "signatures", 1)


@pytest.mark.full
def test_twelve_killed_drivers(tmp_path: Path) -> None:
    found = sweep_apart(tmp_path, "duplicates", "process", 12)
    assert {stage for _, stage in found["points"]} >= {
        "documents",
        "signatures",
        "clusters",
        "verified_pairs",
        "duplicates",
    }


@pytest.mark.full
def test_four_killed_drivers_on_spark(tmp_path: Path) -> None:
    sweep_apart(tmp_path, "duplicates", "spark", 4)


@pytest.mark.full
@pytest.mark.parametrize(
    ("stage", "asset", "part"),
    [
        ("signatures", "documents", 2),
        ("signatures", "edits", 0),
        ("duplicates", "decisions", 1),
        ("duplicates", "edits", 1),
    ],
)
def test_four_killed_workers(tmp_path: Path, spark: Spark, stage: str, asset: str, part: int) -> None:
    kill_worker(tmp_path, spark, stage, asset, part)


@pytest.fixture
def dump(lake: Lake) -> DumpTables:
    return make_dump(lake, "d", [{"text": text(i)} for i in range(30)], parts=2)


def part_file(lake: Lake, dump: DumpTables) -> Path:
    signatures = dump.need("signatures")
    return Path(lake.root, signatures.file(signatures.parts[1].path))


def test_a_flipped_byte_in_a_signature_part_is_refused_by_name(lake: Lake, dump: DumpTables) -> None:
    path = part_file(lake, dump)
    for place in (1000, 5000):  # in the values
        data = bytearray(path.read_bytes())
        data[place] ^= 1
        path.write_bytes(data)
        with pytest.raises(LakeError, match=r"signatures/d/.*part-00001.parquet"):
            build(lake, InProcess(), duplicates_stage(make_release([dump])))
        data[place] ^= 1
        path.write_bytes(data)


def test_a_cut_signature_part_is_refused_by_name(lake: Lake, dump: DumpTables) -> None:
    path = part_file(lake, dump)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(LakeError, match=r"signatures/d/.*part-00001.parquet"):
        build(lake, InProcess(), duplicates_stage(make_release([dump])))


def test_parts_of_other_documents_and_other_texts_are_refused_by_name(lake: Lake, dump: DumpTables) -> None:
    path, own = part_file(lake, dump), part_file(lake, dump).read_bytes()
    for name, rows in (
        ("e", [{"text": text(i)} for i in range(30)]),
        ("f", [{"text": "x" * i, "dump": "d"} for i in range(30)]),
    ):
        shutil.copy(part_file(lake, make_dump(lake, name, rows, parts=2)), path)
        with pytest.raises(LakeError, match=r"signatures/d/.*part-00001.parquet"):
            build(lake, InProcess(), duplicates_stage(make_release([dump])))
        path.write_bytes(own)
    table = pq.read_table(path).replace_schema_metadata()
    # By another writer, whatever it holds: it is not the file that the manifest names.
    for rows in (table.take(list(range(table.num_rows))[::-1]), table):
        pq.write_table(rows, path)
        with pytest.raises(LakeError, match=r"signatures/d/.*part-00001.parquet"):
            build(lake, InProcess(), duplicates_stage(make_release([dump])))
    path.write_bytes(own)
    assert build(lake, InProcess(), duplicates_stage(make_release([dump]))).fresh
