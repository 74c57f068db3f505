from __future__ import annotations

import datetime
import itertools
import random
import resource
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.dumps.readers import read_records
from pipelines.dumps.records import MAX_BODY, Record
from pipelines.dumps.rows import FIELDS


def read(path: Path, fields: dict[str, str] = FIELDS) -> tuple[list[Record], Counter[str]]:
    stats: Counter[str] = Counter()
    return list(read_records(path, "parquet", stats, fields)), stats


TEXTS = ["一段文字", "a text", None, "third"]
FAR = pa.array([2**62, 0, -(2**62), None], pa.timestamp("us"))


@pytest.mark.parametrize(
    "column",
    [
        pa.array(TEXTS, pa.string()),
        pa.array(TEXTS, pa.large_string()),
        pa.array([t and t.encode() for t in TEXTS], pa.binary()),
        pa.array([t and t.encode() for t in TEXTS], pa.large_binary()),
        pa.array(TEXTS, pa.string()).dictionary_encode(),
        pa.array(TEXTS, pa.string_view()),
    ],
    ids=lambda column: str(column.type)[:12],
)
@pytest.mark.parametrize("arrow_schema", [True, False])
def test_text_is_read_from_every_type_of_text(tmp_path: Path, column: pa.Array, arrow_schema: bool) -> None:
    pq.write_table(pa.table({"text": column, "url": column}), tmp_path / "a", store_schema=arrow_schema)
    records, stats = read(tmp_path / "a")
    assert [(r.offset, r.text, r.url) for r in records] == [(k, TEXTS[k], TEXTS[k]) for k in (0, 1, 3)]
    assert stats["broken/no_text"] == 1


@pytest.mark.parametrize(
    "column",
    [
        FAR,
        pa.array([2**62, 0, -(2**62), None], pa.timestamp("us", "Mars/Olympus")),
        pa.array([2**30, 0, -(2**30), None], pa.date32()),
        pa.array([2**50, 0, -(2**50), None], pa.timestamp("s")),
        pa.array([2**62, 0, 5, None], pa.duration("us")),
        pa.array([2**62, 0, 5, None], pa.int64()),
        pa.array([b"\xff\xfe", b"2023-01-01", b"", None], pa.binary()),
        pa.array([[1], [], None, [2]], pa.list_(pa.int64())),
        pa.array([{"a": 1}] * 4),
        pa.array([1.5, float("nan"), None, 2.0]),
        pa.nulls(4),
    ],
    ids=lambda column: str(column.type)[:20],
)
def test_no_column_of_any_type_stops_a_file_wherever_it_is_named(tmp_path: Path, column: pa.Array) -> None:
    path = tmp_path / "a"
    pq.write_table(pa.table({"text": ["a", "b", "c", "d"], "other": column}), path)
    assert len(read(path)[0]) == 4
    for name in ("date", "url", "title"):
        records, _ = read(path, FIELDS | {name: "other"})
        assert [r.text for r in records] == ["a", "b", "c", "d"]
        assert name != "date" or all(r.published[:4] in ("", "1970", "2023") for r in records)


def test_times_are_dates_of_the_calendar_or_nothing(tmp_path: Path) -> None:
    made = [datetime.datetime(2023, 5, 1, 8, 30), datetime.datetime(1999, 12, 31)]
    pq.write_table(pa.table({"text": ["a", "b"], "date": made}), tmp_path / "a")
    assert [r.published for r in read(tmp_path / "a")[0]] == ["2023-05-01T08:30:00", "1999-12-31T00:00:00"]
    pq.write_table(pa.table({"text": ["a", "b", "c", "d"], "date": FAR}), tmp_path / "b")
    records, stats = read(tmp_path / "b")
    assert [r.published[:10] for r in records] == ["", "1970-01-01", "", ""]
    assert stats["seen/unreadable_date"] >= 1


def test_paths_lead_into_structs_and_a_column_of_the_whole_name_comes_first(tmp_path: Path) -> None:
    meta = [{"url": "u0", "more": {"date": "2023-01-02"}}, None]
    pq.write_table(pa.table({"body": ["a", "b"], "meta": meta}), tmp_path / "a")
    names = {"text": "body", "url": "meta.url", "date": "meta.more.date", "title": "meta.none"}
    records, _ = read(tmp_path / "a", names)
    assert [(r.url, r.published, r.fields) for r in records] == [("u0", "2023-01-02", {}), ("", "", {})]
    pq.write_table(pa.table({"body": ["a", "b"], "meta": meta, "meta.url": ["x", "y"]}), tmp_path / "b")
    assert [r.url for r in read(tmp_path / "b", names)[0]] == ["x", "y"]


def test_only_named_columns_are_read(tmp_path: Path) -> None:
    """The bytes of the others are overwritten, so reading them would fail."""
    import numpy as np

    other = pa.array(np.random.default_rng(0).integers(0, 1 << 40, 1000))
    path = tmp_path / "a"
    pq.write_table(pa.table({"other": other, "text": ["t"] * 1000}), path, use_dictionary=False)
    column = pq.read_metadata(path).row_group(0).column(0)
    data = bytearray(path.read_bytes())
    start = column.data_page_offset
    data[start : start + column.total_compressed_size] = b"\xff" * column.total_compressed_size
    path.write_bytes(data)
    records, stats = read(path)
    assert len(records) == 1000 and not any(name.startswith("broken") for name in stats)


def test_a_damaged_row_group_costs_its_rows_and_numbers_stay_true(tmp_path: Path) -> None:
    path = tmp_path / "a"
    pq.write_table(
        pa.table({"text": [f"text {k}" for k in range(300)]}), path, row_group_size=100, use_dictionary=False
    )
    column = pq.read_metadata(path).row_group(1).column(0)
    data = bytearray(path.read_bytes())
    data[column.data_page_offset : column.data_page_offset + 30] = b"\xff" * 30
    path.write_bytes(data)
    records, stats = read(path)
    assert [(r.offset, r.text) for r in records] == [
        (k, f"text {k}") for k in [*range(100), *range(200, 300)]
    ]
    assert stats["broken/parquet"] == 100


@pytest.mark.parametrize("nested", [False, True])
def test_a_dictionary_of_one_long_value_is_not_written_out(tmp_path: Path, nested: bool) -> None:
    """A few kilobytes that become 8 GB where 512 rows are decoded at once."""
    text = pa.DictionaryArray.from_arrays(pa.array([0] * 512, pa.int32()), pa.array(["x" * (16 << 20)]))
    table = pa.table({"text": text if not nested else pa.StructArray.from_arrays([text], ["in"])})
    pq.write_table(table, tmp_path / "a", compression="zstd")
    assert (tmp_path / "a").stat().st_size < 100_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    fields = FIELDS | ({"text": "text.in"} if nested else {})
    for record in itertools.islice(read_records(tmp_path / "a", "parquet", Counter(), fields), 20):
        assert len(record.text or "") == MAX_BODY
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 400_000  # KiB


def test_rows_without_text_name_the_fields_that_there_are(tmp_path: Path) -> None:
    pq.write_table(pa.table({"content": ["a", "b"], "url": ["u", "v"]}), tmp_path / "a")
    records, stats = read(tmp_path / "a")
    assert records == []
    assert {k: v for k, v in stats.items() if k.startswith("fields/")} == {
        "fields/content": 2,
        "fields/url": 2,
    }
    assert [r.text for r in read(tmp_path / "a", FIELDS | {"text": "content"})[0]] == ["a", "b"]


@pytest.mark.parametrize("inputs", [300, pytest.param(20_000, marks=pytest.mark.full)])
def test_fuzzed_files_never_raise_and_count_what_they_lose(tmp_path: Path, inputs: int) -> None:
    """Whatever the type of a column, its statistics, and the place of the damage."""
    columns = {
        "text": pa.array(["a text"] * 40 + [None]),
        "url": pa.array(["u", "v"] * 20 + ["w"]).dictionary_encode(),
        "date": pa.array([0, 2**60] * 20 + [None], pa.timestamp("us")),
        "meta": pa.array([{"title": "t", "n": [1, 2]}] * 40 + [None]),
        "raw": pa.array([b"\xff"] * 41),
    }
    pq.write_table(pa.table(columns), tmp_path / "good", row_group_size=20)
    source, draw = (tmp_path / "good").read_bytes(), random.Random(2)
    for _ in range(inputs):
        data = bytearray(source)
        for _ in range(draw.choice((1, 3, 20))):
            at = draw.randrange(len(data))
            how = draw.random()
            if how < 0.5:
                data[at] ^= 1 << draw.randrange(8)
            elif how < 0.8:
                del data[at : at + draw.randrange(1, 30)]
            else:
                data[at:at] = draw.randbytes(5)
        (tmp_path / "a").write_bytes(data)
        records, stats = read(tmp_path / "a", FIELDS | {"title": "meta.title", "raw": "raw"})
        assert len({r.offset for r in records}) == len(records)
        assert len(records) == 40 or sum(n for name, n in stats.items() if name.startswith("broken/"))


def test_bytes_of_another_charset_are_read_by_the_cards_label_or_counted(tmp_path: Path) -> None:
    texts = ["第一段文字", "plain"]
    pq.write_table(pa.table({"text": [t.encode("gbk") for t in texts]}), tmp_path / "a")
    stats: Counter[str] = Counter()
    assert [r.text for r in read_records(tmp_path / "a", "parquet", stats, FIELDS, "gbk")] == texts
    assert not any(name.startswith("seen/") for name in stats)
    assert read(tmp_path / "a")[1]["seen/not_utf-8"] == 1
