from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from pipelines.cards.dump import DumpCard
from pipelines.contamination.contamination import SCHEMA
from pipelines.corpora.assembly import REJECTED
from pipelines.engine import InProcess
from pipelines.inspection.explain import explain
from pipelines.lake import Lake, LakeError
from tests.support.archives import url, warc
from tests.support.dumps import build_documents
from tests.support.judged import PLANTED, judged


def test_every_stage_is_named_with_values_and_bounds(lake: Lake, engine: InProcess) -> None:
    judged(lake, engine)
    kept = "\n".join(explain(lake, "https://d.invalid/0"))
    assert "kept for main" in kept and "1 email" in kept and "language    en" in kept and "no model" in kept
    menu = "\n".join(explain(lake, "https://d.invalid/2", "r"))
    assert "rejected" in menu and "of release r is not materialized yet" in menu
    assert "rules/num_words is 7, wanted at least 50 and at most" in menu or "language/" in menu
    assert PLANTED not in kept + menu


@pytest.mark.parametrize(
    "spelling", ["http://d.invalid/0", "https://www.D.invalid/0/", "https://d.invalid:443/0#x"]
)
def test_a_page_is_found_by_every_spelling_of_its_address(
    lake: Lake, engine: InProcess, spelling: str
) -> None:
    judged(lake, engine)
    assert explain(lake, spelling) == explain(lake, "https://d.invalid/0")


def test_an_unknown_url_is_an_error_and_masked(lake: Lake, engine: InProcess) -> None:
    judged(lake, engine)
    with pytest.raises(LakeError, match=r"is in no documents table of d") as error:
        explain(lake, f"https://d.invalid/?q={PLANTED}")
    assert PLANTED not in str(error.value)


def test_the_item_that_a_document_holds_is_named(lake: Lake, engine: InProcess) -> None:
    judged(lake, engine)
    doc_id = lake.current("documents", "d").read(["doc_id"])["doc_id"][0].as_py()
    row = {
        "doc_id": doc_id,
        "item": "test.jsonl:7",
        "source": "gsm8k/test.jsonl",
        "kind": "benchmark",
        "start": 3,
        "end": 90,
    }
    tables = {
        "contamination": pa.Table.from_pylist([row], SCHEMA),
        "rejected": pa.Table.from_pylist(
            [{"doc_id": doc_id, "reasons": ["contamination/benchmark"]}], REJECTED
        ),
    }
    for asset, table in tables.items():
        lake.publish(asset, "r", version=1, write=lambda w, t=table: w.write_table("part-00000.parquet", t))
    lines = explain(lake, "https://d.invalid/0", "r")
    assert "  contamination holds test.jsonl:7 of gsm8k/test.jsonl (benchmark), bytes 3 to 90" in lines


def test_a_page_that_never_became_a_document_is_answered_for(lake: Lake, tmp_path: Path) -> None:
    text = b"<body>" + b"<p>A paragraph of ordinary prose, long enough to be kept, with a full stop.</p>" * 3
    out = b'<meta name="robots" content="noindex">' + text
    missing = warc(4, text).replace(b"200 OK", b"404 OK")
    bodies = [warc(0, text), warc(1, b"<body></body>"), warc(2, out), warc(3, text), missing]
    lake.write_bytes("in/a.warc", b"".join(bodies) + warc(5, text, 10**9))
    rules = {"block": ["a.invalid/3.html"], "obey_opt_outs": ["noindex"]}
    lake.write_json("cards/dumps/d.yaml", {"name": "d", "kind": "warc", "uris": ["in/a.warc"], **rules})
    card = DumpCard.load(lake.local("cards/dumps/d.yaml"))
    build_documents(lake, InProcess(), card)
    for number, reason in ((1, "no_main_text"), (2, "opted_out"), (3, "block_list"), (4, "http_status")):
        (line,) = explain(lake, f"http://www.a.invalid/{number}.html")
        assert line.startswith(f"d  left out: skipped/{reason} (") and line.endswith(" of a.warc")
    assert "documents" in explain(lake, url(0))[1]
    with pytest.raises(LakeError, match="no file of theirs has"):
        explain(lake, "https://a.invalid/9.html")
