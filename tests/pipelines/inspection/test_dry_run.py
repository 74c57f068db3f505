from __future__ import annotations

from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest
import yaml

from pipelines.engine import InProcess
from pipelines.filtering.policy import Policy, policy_path
from pipelines.inspection.dry_run import preview
from pipelines.lake import Dataset, Lake, Writer
from pipelines.quality.scores import SCORES
from tests.support.judged import CHINESE, ENGLISH, judged


def policy_with(**minimum: float) -> Policy:
    data = yaml.safe_load(policy_path("default").read_text())
    for rule_set in data["sets"]:
        if rule_set["name"] in ("english", "chinese"):
            for name, value in minimum.items():
                rule_set["bounds"].setdefault(f"rules/{name}", {"source": "test"})["min"] = value
    return Policy.model_validate(data)


def test_a_change_is_told_by_reason_and_nothing_is_published(lake: Lake, engine: InProcess) -> None:
    tables = judged(lake, engine)
    before = lake.read_json(lake.pointer("decisions", "d"))
    change = preview(tables, policy_with(num_lines=10))
    kept = [r["num_chars"] for r in tables.need("decisions").read().to_pylist() if r["keep"]]
    assert (change.documents, change.kept_before, change.kept_after) == (4, 2, 0)
    assert change.dropped == {"rules/num_lines": 2} and change.dropped_chars == {"rules/num_lines": sum(kept)}
    assert (change.chars_before, change.chars_after) == (sum(kept), 0)
    assert not change.regained and "rules/num_lines" in "\n".join(change.lines())
    assert lake.read_json(lake.pointer("decisions", "d")) == before
    assert not preview(tables, policy_with()).dropped


def test_regained_documents_are_told_by_their_old_reasons(lake: Lake, engine: InProcess) -> None:
    tables = judged(lake, engine)
    data = yaml.safe_load(policy_path("default").read_text())
    data["sets"] = [
        {
            "name": "all",
            "categories": ["*"],
            "languages": ["*"],
            "bounds": {"rules/num_chars": {"min": 0, "source": "test"}},
        }
    ]
    change = preview(tables, Policy.model_validate(data))
    assert change.kept_after == 4 and sum(change.regained.values()) >= 2
    assert change.chars_after > change.chars_before


def test_a_preview_drops_a_perplexity_group_only_where_the_stage_would(lake: Lake, engine: InProcess) -> None:
    """Good pages alone in the tail stay, and the check is told."""
    tables = judged(lake, engine, "tails", [[ENGLISH] * 40 + [CHINESE] * 2])
    ids = tables.documents.read(["doc_id"])["doc_id"].to_pylist()

    def write(writer: Writer) -> None:
        rows = [{"doc_id": i, "perplexity": 300.0 if n < 35 else 90.0} for n, i in enumerate(ids)]
        writer.write_table(tables.documents.parts[0].path, pa.Table.from_pylist(rows, SCORES))

    cutoffs = {"perplexity_cutoffs": {"en": {"webpages": {"p30": 100.0, "p98": 200.0}}}}
    scores = lake.publish("scores", "tails", version=1, parameters=cutoffs, write=write).dataset
    data = yaml.safe_load(policy_path("default").read_text())
    next(s for s in data["sets"] if s["name"] == "english")["drop_quality"] = ["tail"]
    change = preview(replace(tables, scores=scores), Policy.model_validate(data))
    assert not change.dropped and change.tails["english"].dropped == 35
    assert "they stay" in "\n".join(change.lines())


def test_a_preview_reads_fewer_bytes_than_the_texts_have(
    lake: Lake, engine: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    import random

    rng = random.Random(1)
    words = ["".join(rng.choices("abcdefghij", k=7)) for _ in range(5000)]
    texts = [[" ".join(rng.choices(words, k=2000)) for _ in range(40)] for _ in range(2)]
    tables = judged(lake, engine, "big", texts)
    read, columns = [0], set()
    plain_part = Dataset.read_part

    def counting(self: Dataset, i: int, names: list[str] | None = None, rows: Any = None) -> pa.Table:
        table = plain_part(self, i, names, rows)
        read[0] += table.nbytes
        columns.update(names or ["everything"])
        return table

    monkeypatch.setattr(Dataset, "read_part", counting)
    preview(tables, policy_with(num_lines=10))
    text_bytes = sum(len(t) for part in texts for t in part)
    assert read[0] < text_bytes / 20 and not columns & {"text", "title", "everything"}
