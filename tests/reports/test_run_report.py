from __future__ import annotations

import json
import re
from pathlib import Path

from pipelines.lake import Lake
from reports.figures import bars_svg, curves_svg
from reports.gather import TABLE1, composition, gather, graph, read_lines
from reports.graph import direct, graph_svg, layers
from reports.run_report import funnel_table, number, write_report
from tests.pipelines.corpora.test_assembly import assemble
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


def test_the_same_numbers_give_the_same_drawing() -> None:
    curves = {"a": [(float(k), 1.0 / (k + 1)) for k in range(5000)]}
    assert curves_svg(curves, "x", "y") == curves_svg(curves, "x", "y") != ""
    assert curves_svg({"a": []}, "x", "y") == ""


def test_composition_and_cells() -> None:
    assert abs(sum(TABLE1.values()) - 100.0) < 1e-9
    counts = {"documents": 1, "bytes": 30}
    rows = {
        r["source"]: r
        for r in composition(
            {
                "composition": {
                    "fr": {"encyclopedia": {"d": counts, "e": counts}},
                    "en": {"law": {"d": counts}},
                }
            }
        )
    }
    assert rows["other/encyclopedia"]["bytes"] == 60 and round(rows["en/law"]["percent"], 3) == 33.333
    assert rows["en/law"]["paper"] is None and rows["zh/social"]["documents"] == 0
    assert [number(None), number(1234567), number(0.123456789), number(True)] == [
        "",
        "1,234,567",
        "0.123457",
        "True",
    ]


def test_broken_lines_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "l").write_text('{"step": 1}\n{"st')
    assert read_lines(tmp_path / "l") == [{"step": 1}]


EDGES = {
    "raw": [],
    "documents": ["raw"],
    "edits": ["documents"],
    "decisions": ["documents", "edits"],
    "corpus": ["decisions", "edits"],
}


def test_layers_put_every_asset_behind_its_inputs() -> None:
    depth = {node: index for index, row in enumerate(layers(EDGES)) for node in row}
    assert all(depth[i] < depth[node] for node, inputs in EDGES.items() for i in inputs)
    assert sorted(depth) == sorted(EDGES)


def test_edges_that_a_longer_way_implies_are_not_drawn() -> None:
    assert direct(EDGES)["decisions"] == ["edits"] and direct(EDGES)["corpus"] == ["decisions"]
    svg = graph_svg(EDGES, {"raw": "3 <rows>"})
    assert svg.count("<path") == 4 and svg.count("<rect") == 5 and "3 &lt;rows&gt;" in svg
    assert graph_svg({}, {}) == ""


def test_the_graph_follows_lineage_over_partitions_and_column_groups() -> None:
    def row(asset: str, partition: str, rows: int, *inputs: str) -> dict[str, object]:
        return {"asset": asset, "partition": partition, "rows": rows, "inputs": list(inputs)}

    assets = [
        row("documents", "a", 2),
        row("documents", "b", 3),
        row("signals/rules", "a", 2, "documents", "signals"),
    ]
    found = graph(
        [*assets, row("main_shards", "r", 0, "signals")], {"stage1_checkpoint": 4096, "leakage_report": 0}
    )
    assert found["edges"]["signals"] == ["documents"] and found["edges"]["stage1_checkpoint"] == [
        "main_shards"
    ]
    assert found["edges"]["leakage_report"] == ["stage1_checkpoint"]
    assert found["notes"] == {"documents": "5 rows", "stage1_checkpoint": "4,096 tokens"}


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


def test_bars_are_one_for_each_value() -> None:
    svg = bars_svg({"here": {"en": 1.0, "zh": 2.0}, "paper": {"en": 3.0}}, "percent")
    assert "percent" in svg and "paper" in svg and bars_svg({}, "x") == ""


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
