"""Pairs of pages: which are compared, which are translations, what is written for training."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.cards.dump import DumpCard
from pipelines.cards.parallel import ParallelBounds
from pipelines.corpora.language_marks import marked
from pipelines.corpora.parallel import (
    Candidate,
    chosen_pairs,
    linked,
    measured_pair,
    parallel_pairs_stage,
    training_text,
    write_jsonl,
)
from pipelines.edits.edits import edits_stage
from pipelines.engine import InProcess
from pipelines.lake import Dataset, Lake, Writer
from pipelines.signals.signals import language_stage
from pipelines.tables.schemas import DOCUMENTS, document_id
from pipelines.tables.stage import build, find
from tests.support.dumps import build_documents

EN = (
    "# Backup\n\nThe command `backup_all` copies 42 tables of the database to another server every night.\n\n"
    "It needs version 7.5 of the tool and about 300 MB of memory, and it stops when the disk is full.\n\n"
    "```\nbackup_all --to 10.2\n```\n\nOnly administrators may call it, because it reads everything."
)
ZH = (
    "# 备份\n\n命令 `backup_all` 每天晚上把数据库的 42 个表复制到另一台服务器。\n\n"
    "它需要 7.5 版本的工具和大约 300 MB 内存，磁盘满时会停止。\n\n"
    "```\nbackup_all --to 10.2\n```\n\n只有管理员可以调用它，因为它会读取所有内容。"
)
OTHER = (
    "# 天气\n\n2019 年 8 月 16 日，北京下了一场大雨，气温降到 19 度，许多航班因此取消。\n\n"
    "专家说，这样的天气在未来 5 年里会更加频繁，城市应当及早准备排水系统。"
)


def tables(
    lake: Lake, engine: InProcess, parts: list[list[dict[str, Any]]]
) -> tuple[Dataset, Dataset, Dataset]:
    """documents, edits and language of a dump with these rows, part by part."""

    def write(writer: Writer) -> None:
        for i, rows in enumerate(parts):
            full = [
                dict.fromkeys(DOCUMENTS.names, "")
                | {"offset": 0, "side": "train", "doc_id": document_id("d", row["url"], 0)}
                | row
                for row in rows
            ]
            writer.write_table(f"part-{i:05d}.parquet", pa.Table.from_pylist(full, DOCUMENTS))

    documents = lake.publish("documents", "d", version=1, inputs={"rows": repr(parts)}, write=write).dataset
    edits = build(lake, engine, edits_stage(documents)).dataset
    return documents, edits, build(lake, engine, language_stage(documents, edits)).dataset


ROWS = [
    {"url": "https://a.org/en/backup.html", "text": EN},
    {"url": "https://a.org/zh-cn/backup.html", "text": ZH},
    {"url": "https://a.org/zh-tw/backup.html", "text": ZH},
    {"url": "https://b.org/backup", "text": EN},
    {"url": "https://b.org/backup?lang=zh", "text": ZH},
    {"url": "https://c.org/backup_en.md", "text": EN},
    {"url": "https://c.org/backup_cn.md", "text": OTHER},
    {"url": "https://e.org/en/backup", "text": ZH},
    {"url": "https://e.org/zh/backup", "text": ZH},
    {"url": "https://en.f.org/backup", "text": EN, "side": "validation"},
    {"url": "https://zh.f.org/backup", "text": ZH},
    {"url": "https://zh.g.org/en/backup", "text": EN},
    {"url": "https://h.org/backup", "text": EN},
]


def test_the_translations_of_a_dump_are_found_and_the_others_counted(lake: Lake, engine: InProcess) -> None:
    stage = parallel_pairs_stage(*tables(lake, engine, [ROWS[::2], ROWS[1::2]]), ParallelBounds())
    pairs = build(lake, engine, stage).dataset
    rows = pairs.read().to_pylist()
    assert {(r["en_url"], r["zh_url"], r["how"]) for r in rows} == {
        ("https://a.org/en/backup.html", "https://a.org/zh-cn/backup.html", "path/path"),
        ("https://b.org/backup", "https://b.org/backup?lang=zh", "none/query"),
    }
    assert [r["en_doc_id"] for r in rows] == sorted(r["en_doc_id"] for r in rows)
    assert rows[0]["en_doc_id"] == document_id("d", rows[0]["en_url"], 0)
    assert all(r["score"] > 0.8 and r["aligned"] == 1 and 0.5 < r["ratio"] < 2 for r in rows)
    assert pairs.stats["pairs"] == 2 and pairs.stats["how"] == {"none/query": 1, "path/path": 1}
    assert pairs.stats["left_out"] == {
        "another_chosen": 1, "score": 1, "other_language": 1, "validation": 1, "ambiguous": 1, "alone": 2,
    }  # fmt: skip
    assert find(lake, stage) is not None


def hreflang(**pages: str) -> str:
    """The column of a set of pages: tag with _ for -, and address."""
    return "\n".join(f"{tag.replace('_', '-')} {address}" for tag, address in pages.items())


BACKUP = hreflang(en="https://a.org/backup", zh_cn="https://cn.a.com/beifen", zh_tw="https://tw.a.com/beifen")
ONE_WAY = hreflang(en="https://b.org/backup", zh="https://b.org/beifen")
LINKED_ROWS = [
    {"url": "https://a.org/backup", "text": EN, "alternates": BACKUP},
    {"url": "https://cn.a.com/beifen", "text": ZH, "alternates": BACKUP},
    {"url": "http://www.tw.a.com/beifen/", "text": ZH, "alternates": BACKUP},
    {"url": "https://b.org/backup", "text": EN},
    {"url": "https://b.org/beifen", "text": ZH, "alternates": ONE_WAY},
    {"url": "https://c.org/en/x", "text": EN, "alternates": hreflang(zh="https://c.org/beifen")},
    {"url": "https://c.org/zh/x", "text": OTHER},
    {"url": "https://c.org/beifen", "text": ZH, "alternates": hreflang(x_default="https://c.org/en/x")},
    {
        "url": "https://d.org/x",
        "text": EN,
        "alternates": hreflang(zh="https://d.org/x", en="https://d.org/y"),
    },
]


def test_hreflang_pairs_pages_whose_addresses_tell_nothing(lake: Lake, engine: InProcess) -> None:
    """Both have to name the set, and go before pairs by address; the shorter tag goes first."""
    stage = parallel_pairs_stage(
        *tables(lake, engine, [LINKED_ROWS[::2], LINKED_ROWS[1::2]]), ParallelBounds()
    )
    pairs = build(lake, engine, stage).dataset
    assert {(r["en_url"], r["zh_url"], r["how"]) for r in pairs.read().to_pylist()} == {
        ("https://a.org/backup", "https://cn.a.com/beifen", "hreflang/hreflang"),
        ("https://c.org/en/x", "https://c.org/beifen", "hreflang/hreflang"),
    }
    assert pairs.stats["left_out"] == {"another_chosen": 1, "alone": 2}


@pytest.mark.parametrize(
    ("url", "column", "measured", "found"),
    [
        ("https://a.org/e", "", "en", None),
        ("https://a.org/e", "en https://a.org/e", "en", None),
        ("https://a.org/e", "zh https://a.org/z", "fr", None),
        ("https://a.org/z", "zh https://a.org/z", "zh", None),
        ("https://a.org/e", "zh https://a.org/z", "en", ("hreflang a.org/e", "", "")),
        (
            "http://www.a.org/e/",
            "en https://a.org/e\nzh https://a.org/z",
            "en",
            ("hreflang a.org/e", "en", ""),
        ),
        (
            "https://a.org/gb",
            "en-gb https://a.org/gb\nen https://a.org/e\nzh https://a.org/z",
            "en",
            ("hreflang a.org/e", "en-gb", ""),
        ),
        ("https://a.org/z", "x-default https://a.org/e", "zh", ("hreflang a.org/e", "", "")),
        (
            "https://a.org/z",
            "en https://a.org/e\nzh https://a.org/z",
            "en",
            None,
        ),
    ],
)
def test_what_pages_of_a_set_share(
    url: str, column: str, measured: str, found: tuple[str, str, str] | None
) -> None:
    assert linked(url, column, measured) == found


def test_the_order_of_a_dump_makes_no_difference(lake: Lake, engine: InProcess) -> None:
    found = []
    for seed in (1, 2):
        rows = random.Random(seed).sample(ROWS, len(ROWS))
        stage = parallel_pairs_stage(*tables(lake, engine, [rows[:4], rows[4:]]), ParallelBounds())
        found.append(build(lake, engine, stage).dataset.manifest.parts[0].hash)
    assert found[0] == found[1]


def test_a_dump_without_marks_has_an_empty_table(lake: Lake, engine: InProcess) -> None:
    stage = parallel_pairs_stage(*tables(lake, engine, [ROWS[-1:]]), ParallelBounds())
    pairs = build(lake, engine, stage).dataset
    assert pairs.manifest.rows == 0 and pairs.read().num_rows == 0


URLS = [f"{host}/{path}{name}" for host in ("en.a.org", "zh.a.org", "a.org", "cn.a.org")
        for path in ("", "en/", "zh-tw/", "zh/") for name in ("x", "y_cn.md", "y.md")]  # fmt: skip


@given(st.lists(st.tuples(st.sampled_from(URLS), st.sampled_from(["en", "zh"])), max_size=12), st.randoms())
def test_each_page_is_in_one_pair_and_order_makes_no_difference(
    pages: list[tuple[str, str]], shuffled: random.Random
) -> None:
    rows = []
    for number, (url, language) in enumerate(pages):
        mark = marked(url)
        left = "" if mark.language in ("", language) else "other_language"
        rows.append(
            Candidate(
                mark.plain.encode(),
                language,
                mark.rule or "none",
                mark.tag,
                left,
                b"%d" % number,
                url,
                0,
                number,
            )
        )
    pairs, left_out = chosen_pairs(rows)
    ids = [page.doc_id for pair in pairs for page in pair]
    assert len(ids) == len(set(ids)) and all(a.plain == b.plain for a, b in pairs)
    assert all((a.language, b.language) == ("en", "zh") for a, b in pairs)
    again = list(rows)
    shuffled.shuffle(again)
    assert chosen_pairs(again) == (pairs, left_out)


HALF = "\n\n".join([*ZH.split("\n\n")[:2], "没有对应的段落。" * 9])


@pytest.mark.parametrize(
    ("en", "zh", "bounds", "reason"),
    [
        (EN, " ", {}, "empty"),
        (EN, ZH[:20], {}, "ratio"),
        (EN, OTHER, {}, "score"),
        (EN, ZH, {"max_paragraphs": 2}, "long"),
        (EN, HALF, {"min_score": 0.1, "min_aligned": 0.9}, "aligned"),
    ],
)
def test_a_bound_that_is_failed_is_named(en: str, zh: str, bounds: dict[str, Any], reason: str) -> None:
    assert measured_pair(en, zh, ParallelBounds(**bounds)) == reason


def test_training_text_takes_turns_and_holds_code_once() -> None:
    measured = measured_pair(
        EN + "\n\nA paragraph that only this page has: 99 bottles.", ZH, ParallelBounds()
    )
    assert isinstance(measured, dict)
    text = training_text(measured["paragraphs"], 0.3)
    assert text.startswith("# Backup\n\n# 备份\n\nThe command") and text.count("```") == 2
    assert text.endswith("因为它会读取所有内容。") and "bottles" not in text
    assert "42 tables" in text and "42" not in training_text([measured["paragraphs"][1]], 1.01)
    assert "bottles" in measured["paragraphs"][-1]["en"] and measured["paragraphs"][-1]["zh"] == ""


def test_the_lines_are_a_dump_of_category_parallel(lake: Lake, engine: InProcess, tmp_path: Path) -> None:
    stage = parallel_pairs_stage(*tables(lake, engine, [ROWS]), ParallelBounds())
    pairs = build(lake, engine, stage).dataset
    path = tmp_path / "pairs/d.jsonl"
    assert write_jsonl(pairs, path) == 2
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert set(lines[0]) == {"url", "zh_url", "text", "en_doc_id", "zh_doc_id", "score"}
    assert {line["en_doc_id"] for line in lines} == {i.hex() for i in pairs.read()["en_doc_id"].to_pylist()}
    card = DumpCard(name="p", kind="jsonl", uris=(str(path),), category="parallel")
    rows = build_documents(lake, engine, card).dataset.read(["url", "category", "text"]).to_pylist()
    assert {(r["url"], r["category"], r["text"]) for r in rows} == {
        (line["url"], "parallel", line["text"]) for line in lines
    }
