"""Both directions of the trace agree with what the loader reads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from model.data.trace import describe_sample, describe_url, main, of_sample, of_url
from model.plan.build import build_plan
from model.plan.card import RunCard
from model.plan.mixture import StemShare
from model.plan.phases import Phase, Schedule
from pipelines.lake import LakeError
from tests.support.runs import run_file
from tests.support.shard_sets import write_shards


@pytest.fixture
def run(tmp_path: Path) -> Path:
    listings = {
        "main": write_shards(tmp_path / "main", {"en-webpages": 3000}),
        "stem": write_shards(tmp_path / "stem", {"en-stem": 900}),
    }
    phases = (
        Phase(name="a", stage="stage1", tokens=20 * 128, schedule=Schedule(peak=1e-3)),
        Phase(
            name="b",
            stage="stage2",
            tokens=20 * 128,
            schedule=Schedule(peak=1e-3),
            stem=StemShare(start=0.5, end=0.5),
        ),
    )
    card = RunCard(name="r", release="x", sequence_length=16, global_batch=8, phases=phases)
    plan = build_plan(card, listings)
    folder = tmp_path / "run"
    (folder / "checkpoints" / "step-30").mkdir(parents=True)
    (folder / "checkpoints" / "step-30" / "checkpoint.json").write_text(json.dumps({"step": 30}))
    run_file(plan, {"main": tmp_path / "main", "stem": tmp_path / "stem"}).write(folder)
    return folder


@pytest.mark.parametrize(("step", "sample"), [(0, 0), (19, 7), (20, 3), (39, 5)])
def test_there_and_back(run: Path, step: int, sample: int) -> None:
    documents = of_sample(run, step, sample)
    assert documents
    for document in documents:
        [found] = of_url(run, document["url"])
        assert {"step": step, "sample": sample, "skipped": False} in found["reads"]
        assert found["doc_id"] == document["doc_id"] and found["source"] == document["source"]
        assert found["checkpoints"] == (["step-30"] if found["reads"][0]["step"] < 30 else [])


def test_every_read_of_a_document_is_true(run: Path) -> None:
    url = of_sample(run, 25, 0)[0]["url"]
    [found] = of_url(run, url)
    for read in found["reads"]:
        assert url in [d["url"] for d in of_sample(run, read["step"], read["sample"])]


def test_steps_that_a_spike_skipped_were_not_read(run: Path) -> None:
    url = of_sample(run, 25, 0)[0]["url"]
    (run / "skips.json").write_text(json.dumps([{"first": 0, "end": 26, "checkpoint": "c"}]))
    [found] = of_url(run, url)
    assert all(r["skipped"] == (r["step"] < 26) for r in found["reads"])
    assert {"step": 25, "sample": 0, "skipped": True} in found["reads"]
    assert "step 25, sample 0, skipped after a loss spike" in describe_url(url, [found])


def test_text_for_a_person_names_record_and_reads(run: Path) -> None:
    documents = of_sample(run, 3, 1)
    text = describe_sample(3, 1, documents)
    for d in documents:
        assert d["url"] in text and f"dump {d['dump']}, {d['file']} at byte {d['offset']}" in text
    url = documents[0]["url"]
    text = describe_url(url, of_url(run, url))
    assert (
        "step 3, sample 1" in text
        and "checkpoints that read it: step-30" in text
        and documents[0]["shard"] in text
    )
    assert "no shard of the run holds it" in describe_url("https://nowhere", of_url(run, "https://nowhere"))


def test_command_line(run: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["--run-dir", str(run), "--step", "3", "--sample", "1"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[0])["source"] == "main/en-webpages"
    assert main(["--run-dir", str(run), "--url", "https://nowhere"]) == 1
    with pytest.raises(LakeError, match="samples 0 to 7"):
        of_sample(run, 0, 8)
    with pytest.raises(LakeError, match="has not been started"):
        of_sample(tmp_path, 0, 0)
