"""From the bytes of a WARC file through documents, shards, plan and loader, and back to the same
bytes, by the command line."""

from __future__ import annotations

import html
import io
import json
import random
from pathlib import Path

import pyarrow as pa
import pytest
from click.testing import CliRunner
from fastwarc.warc import ArchiveIterator
from tokenizers import Tokenizer

from jobs.cli import cli
from jobs.demo.pack import PageFile, write_warc
from model.data.trace import open_run
from model.plan.build import build_plan
from model.plan.card import RunCard
from model.plan.phases import Phase, Schedule
from model.plan.run_file import RunFile
from pipelines.cards.dump import DumpCard
from pipelines.cards.tokenizer import TokenizerConfig
from pipelines.engine import InProcess
from pipelines.lake import Lake, LakeError, Writer
from pipelines.shards.writer import shards_stage
from pipelines.tables.schemas import CORPUS
from pipelines.tables.stage import build
from pipelines.tokenizer.build import tokenizer_stage
from tests.support.dumps import build_documents
from tests.support.runs import run_file
from tests.support.tokenizer_samples import ENGLISH

LENGTH, BATCH = 64, 4


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """A run over one dump of forty pages in two WARC files, at step 8 of 10."""
    root, rng = tmp_path_factory.mktemp("trace"), random.Random(0)
    lake = Lake(root)
    pages = []
    for i in range(40):
        body = "".join(
            f"<p>{' '.join(rng.choices(ENGLISH, k=40))}, page {i} &amp; all.</p>" for _ in range(3)
        )
        pages.append(
            PageFile(
                f"https://h{i}.invalid/p",
                "x",
                f"<html><title>T{i}</title><body>{body}</body></html>".encode(),
            )
        )
    for name, part in (("a", pages[:20]), ("b", pages[20:])):
        write_warc(root / "in" / f"{name}.warc.gz", part, "2023-01-01T00:00:00Z")
    card = DumpCard.model_validate({"name": "d", "kind": "warc", "uris": ["in/*.warc.gz"]})
    documents = build_documents(lake, InProcess(), card).dataset.read()

    def write(writer: Writer) -> None:
        known = [
            documents[n] if n in documents.column_names else pa.array([""] * len(documents))
            for n in CORPUS.names
        ]
        columns = dict(zip(CORPUS.names, known, strict=True)) | {
            "language": pa.array(["en"] * len(documents)),
            "dump": pa.array(["d"] * len(documents)),
        }
        table = pa.table({n: columns[n] for n in CORPUS.names}).cast(CORPUS)
        writer.write_table("part-00000.parquet", table)

    corpora = {
        n: lake.publish(n, "r", version=1, parameters={"asset": n}, write=write).dataset
        for n in ("skypile_main", "skypile_stem")
    }
    tokenizer = build(
        lake,
        InProcess(),
        tokenizer_stage(
            [corpora["skypile_main"]], TokenizerConfig.proportional("test", 1_200, sample_chars=50_000)
        ),
    ).dataset
    shards = {
        c: build(
            lake,
            InProcess(),
            shards_stage(f"{c}_shards", corpora[f"skypile_{c}"], tokenizer, 7, shard_tokens=2_000),
        ).dataset
        for c in ("main", "stem")
    }
    phase = Phase(name="a", stage="stage1", tokens=10 * LENGTH * BATCH, schedule=Schedule(peak=1e-3))
    run = RunCard(name="r", release="r", sequence_length=LENGTH, global_batch=BATCH, phases=(phase,))
    lake.write_json("cards/runs/r.yaml", run.model_dump(mode="json"))  # JSON is YAML
    plan = build_plan(run, {c: d.read_json("shards.json") for c, d in shards.items()})
    definition = str(tokenizer.local("tokenizer.json"))
    run_file(plan, {c: d.local() for c, d in shards.items()}, tokenizer=definition).write(
        lake.local("runs/r")
    )
    lake.write_json("runs/r/checkpoints/step-00000008/checkpoint.json", {"step": 8})
    return lake


def skypile(lake: Lake, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> str:
    monkeypatch.setenv("SKYPILE_LAKE", lake.root)
    done = CliRunner().invoke(cli, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.parametrize(("step", "sample"), [(0, 0), (3, 2), (9, 3)])
def test_a_sample_leads_to_its_warc_records_and_back(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, step: int, sample: int
) -> None:
    folder = Path(lake.root) / "runs/r"
    tokenizer = Tokenizer.from_file(RunFile.load(folder).tokenizer)
    loader = open_run(folder)
    loader.verify()
    tokens = loader.batch(step)[sample].inputs[0]
    where = ("trace", "--run", "r", "--step", str(step), "--sample", str(sample))
    text, documents = (
        skypile(lake, monkeypatch, *where),
        json.loads(skypile(lake, monkeypatch, *where, "--json")),
    )
    assert sum(d["end"] - d["start"] for d in documents) == LENGTH
    for d in documents:
        assert d["url"] in text and f"dump d, {d['file']} at byte {d['offset']}" in text
        file = next(Path(lake.root).rglob(Path(d["file"]).name))
        record = next(iter(ArchiveIterator(io.BytesIO(file.read_bytes()[d["offset"] :]))))
        assert record.headers["WARC-Target-URI"] == d["url"]
        read = tokenizer.decode(tokens[d["start"] : d["end"]].tolist())
        # The first and last word may be cut by the sequence; what lies between stands in the
        # record.
        lines = [" ".join(line.split()[1:-1]) for line in read.split("\n")]
        page = html.unescape(record.reader.read().decode())
        assert all(line in page for line in lines)
    url = documents[0]["url"]
    found = json.loads(skypile(lake, monkeypatch, "trace", "--run", "r", "--url", url, "--json"))
    back, unread = sorted(found, key=lambda d: d["source"])
    assert unread["source"].startswith("stem/") and unread["reads"] == [], (
        "the same page stands in SkyPile-STEM, which the run does not read"
    )
    assert back["doc_id"] == documents[0]["doc_id"] and back["shard"] == documents[0]["shard"]
    assert {"step": step, "sample": sample, "skipped": False} in back["reads"]
    read_before = any(r["step"] < 8 for r in back["reads"])
    assert back["checkpoints"] == (["step-00000008"] if read_before else [])
    assert f"step {step}, sample {sample}" in skypile(lake, monkeypatch, "trace", "--run", "r", "--url", url)


def test_the_plan_is_printed_before_anything_starts(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    text = skypile(lake, monkeypatch, "plan", "r")
    for words in (
        "10 steps of 256 tokens",
        "main/en-",
        "repetitions",
        "tail dropped per pass",
        "memory of a rank",
        "checkpoint ",
        "hours at",
    ):
        assert words in text
    with pytest.raises(LakeError, match="no card is named 'absent'"):
        skypile(lake, monkeypatch, "plan", "absent")
