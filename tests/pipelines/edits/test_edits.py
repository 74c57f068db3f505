from __future__ import annotations

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.edits.edits import edits_stage
from pipelines.edits.personal_data import MASKS
from pipelines.edits.render import rendered_texts
from pipelines.engine import InProcess
from pipelines.lake import Lake, Writer
from pipelines.tables.schemas import DOCUMENTS, document_id
from pipelines.tables.stage import build
from tests.support.personal_data import SECRETS, mask

PROSE = [
    "今天天气很好。",
    "The cookie policy of the city was discussed.",
    "版权所有的概念很重要，因为它保护作者。",
    "",
    "  ",
]
NOTICES = [
    "版权所有 某某公司",
    "Share on Facebook",
    "责任编辑：王某",
    "Please enable JavaScript to view the comments",
    "上一篇：旧文",
    "© 2020 x",
]


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from([*PROSE, *NOTICES, *SECRETS, "邮箱a@b.cn谢谢", "[EMAIL]", "Copyright 2020 a@b.cn"]),
        max_size=12,
    )
)
def test_rendering_with_lines_taken_out_is_idempotent(lines: list[str]) -> None:
    once = mask("\n".join(lines), "webpages")
    assert mask(once, "webpages") == once
    kept = [line for line in lines if line in PROSE]
    assert [line for line in once.split("\n") if line in PROSE and line] == [line for line in kept if line]
    assert not set(once.split("\n")) & set(NOTICES)


def test_lines_of_code_and_exercises_stay() -> None:
    text = "Copyright (c) 2020 x\nimport os"
    assert mask(text, "code") == text and mask(text, "webpages") == "import os"


def test_stage_is_aligned_and_counts(lake: Lake, engine: InProcess) -> None:
    rows = [{f.name: "" for f in DOCUMENTS} for _ in range(3)]
    for i, (row, text) in enumerate(
        zip(rows, ["plain", "邮箱a@b.cn谢谢", "8.8.8.8和13812345678"], strict=True)
    ):
        row |= {"doc_id": document_id("d", "f", i), "offset": i, "text": text}

    def write(writer: Writer) -> None:
        writer.write_table("part-00000.parquet", pa.Table.from_pylist(rows[:2], DOCUMENTS))
        writer.write_table("part-00001.parquet", pa.Table.from_pylist(rows[2:], DOCUMENTS))

    documents = lake.publish("documents", "d", version=1, write=write).dataset
    built = build(lake, engine, edits_stage(documents))
    leftovers = dict.fromkeys(MASKS, 0)
    spans = dict.fromkeys([*MASKS, "line"], 0) | {"email": 1, "mobile": 1, "ip": 1}
    assert built.dataset.stats == {
        "documents": 3,
        "edited_documents": 2,
        "spans": spans,
        "leftovers": leftovers,
    }
    assert rendered_texts(documents, built.dataset, 0).to_pylist() == ["plain", "邮箱[EMAIL]谢谢"]
    assert rendered_texts(documents, built.dataset, 1).to_pylist() == ["[IP]和[PHONE]"]
    assert not build(lake, engine, edits_stage(documents)).fresh
