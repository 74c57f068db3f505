from __future__ import annotations

import json
import re
from pathlib import Path

from pipelines.lake import Lake
from reports.gather import gather
from reports.run_report import funnel_table, number, write_report
from tests.support.assembled import assemble
from tests.support.release_samples import make_release


def test_nothing_there_is_named_and_still_a_page(lake: Lake, tmp_path: Path) -> None:
    data = gather(lake, tmp_path / "run", "demo", "first", ["a"])
    assert {"documents of a", "skypile_main of first", "logs/steps.jsonl of the run"} <= set(data["missing"])
    html, numbers = write_report(lake.root, "demo", data)
    assert "skypile_main of first" in html.read_text()
    assert json.loads(numbers.read_text()) == data


def test_numbers_of_a_release_and_a_run(lake: Lake, tmp_path: Path) -> None:
    rows = [
        {"text": "one page about cats"},
        {"text": "bad page", "reasons": ["gopher/words"]},
        {"text": "x = 1", "category": "code"},
    ]
    release = make_release(lake, {"a": rows})
    assemble(lake, release)
    logs = tmp_path / "run" / "logs"
    logs.mkdir(parents=True)
    steps = [{"step": k, "loss": 9.0 - k, "loss_by_source": {"en-webpages": 8.5 - k}} for k in range(3)]
    (logs / "steps.jsonl").write_text("".join(json.dumps(s) + "\n" for s in steps) + '{"step": 3, "lo')
    lines = [
        {"step": 2, "domain": d, "loss": 7.25, "bits_per_byte": 2.5, "tokens": 10}
        for d in ("web-en", "<web-zh>")
    ]
    (logs / "validation.jsonl").write_text("".join(json.dumps(s) + "\n" for s in lines))
    lake.write_json(
        "runs/demo/evaluation/benchmarks.json",
        {"ceval": {"accuracy": 0.25}, "mmlu": {"missing": "no data"}, "key": "k"},
    )
    data = gather(lake, tmp_path / "run", "demo", "r", ["a"])
    assert data["funnel"] == [
        {"dump": "a", "step": "extracted", "reason": "", "documents": 3},
        {"dump": "a", "step": "released", "reason": "", "documents": 2},
        {"dump": "a", "step": "rejected", "reason": "gopher/words", "documents": 1},
    ]
    assert len(data["steps"]) == 3 and data["times"]
    assert data["recurrence"]["counts"] == {"documents": 3, "touched": 0, "characters_cut": 0, "excluded": 0}
    shares = {r["source"]: (r["bytes"], r["paper"]) for r in data["composition"]["main"]}
    assert shares["code"] == (5, 8.0) and shares["en/webpages"] == (19, 39.8)
    page = write_report(lake.root, "demo", data)[0].read_text()
    assert page.count("<svg") == 5 and "en-webpages" in page and "ceval / accuracy" in page and "7.25" in page
    assert "<web-zh>" not in page  # names are escaped, in tables and in drawings
    outside = set(re.findall(r"(?:src|href)=\"([^#\"][^\"]*)", page)) | set(
        re.findall(r"url\((?!#)[^)]*\)", page)
    )
    assert not outside


def test_cells_have_six_digits() -> None:
    assert [number(None), number(1234567), number(0.123456789), number(True)] == [
        "",
        "1,234,567",
        "0.123457",
        "True",
    ]


def test_the_funnel_has_a_column_for_each_dump() -> None:
    rows = [
        {"dump": "a", "step": "extracted", "reason": "", "documents": 10},
        {"dump": "a", "step": "rejected", "reason": "rules/han", "documents": 1},
        {"dump": "b", "step": "rejected", "reason": "rules/digits", "documents": 4},
    ]
    assert funnel_table(rows) == [
        {"documents": "extracted", "a": 10, "b": None, "all": 10},
        {"documents": "rules/digits", "a": None, "b": 4, "all": 4},
        {"documents": "rules/han", "a": 1, "b": None, "all": 1},
    ]


def test_a_vocabulary_is_drawn_beside_its_peers_only(lake: Lake) -> None:
    row = {
        "bytes_per_token": 3.5,
        "characters_per_token": 3.0,
        "fertility": 1.5,
        "fallback_share": 0.0,
        "tokens": 10,
    }
    for names, drawings in ((["ours"], 0), (["ours", "peer"], 1)):
        report = {
            "domains": {"zh": dict.fromkeys(names, row)},
            "vocab_size": dict.fromkeys(names, 1024),
            "unused_ids": dict.fromkeys(names, 0),
        }
        page = write_report(
            lake.root,
            "demo",
            {"run": "demo", "release": "r", "dumps": [], "missing": [], "tokenizer": {"v": report}},
        )[0]
        assert page.read_text().count("<svg") == drawings
