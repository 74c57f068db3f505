"""The real command line on a handful of real pages: dumps, a release, a plan, and the way back to
the WARC record."""

from __future__ import annotations

import gzip
import hashlib
import html
import io
import json
import os
import subprocess
import sys
import uuid
from pathlib import Path
from pydoc_data.topics import topics

import pytest
import yaml
from fastwarc.warc import ArchiveIterator

from jobs.settings import ROOT
from pipelines.catalogue.stages import members
from pipelines.catalogue.tables import names
from pipelines.lake import Lake
from tests.support.catalogue import inputs_without_entry, pointers_without_entry


def warc_record(url: str, page: str) -> bytes:
    body = page.encode()
    payload = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: %d\r\n\r\n%b" % (
        len(body),
        body,
    )
    name = uuid.UUID(bytes=hashlib.sha256(url.encode()).digest()[:16])
    head = (
        f"WARC/1.1\r\nWARC-Type: response\r\nWARC-Record-ID: <urn:uuid:{name}>\r\n"
        f"WARC-Date: 2023-01-02T03:04:05Z\r\nWARC-Target-URI: {url}\r\nContent-Type: application/http; "
        f"msgtype=response\r\n"
        f"Content-Length: {len(payload)}\r\n\r\n"
    )
    return gzip.compress(head.encode() + payload + b"\r\n\r\n", mtime=0)


def page(title: str, text: str) -> str:
    paragraphs = "".join(
        f"<p>{html.escape(' '.join(p.split()))}</p>" for p in text.split("\n\n") if p.strip()
    )
    body = f"<main><h1>{title}</h1>{paragraphs}</main>"
    return f"<html><head><title>{title}</title></head><body>{body}</body></html>"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Lake, dict[str, str]]:
    """A lake with two dumps of Python's own documentation that overlap, and one of exercises."""
    root = tmp_path_factory.mktemp("world")
    lake = Lake(root / "lake")
    names = sorted(topics)
    for dump, chosen in (("web-a", names[:50]), ("web-b", names[40:])):
        records = [warc_record(f"https://docs.invalid/{n}/{dump}.html", page(n, topics[n])) for n in chosen]
        (root / f"{dump}.warc.gz").write_bytes(b"".join(records))
        card = {
            "name": dump,
            "kind": "warc",
            "uris": [str(root / f"{dump}.warc.gz")],
            "group": "url",
            "validation_share": 0.2,
        }
        lake.write_bytes(f"cards/dumps/{dump}.yaml", yaml.safe_dump(card).encode())
    rows = [
        {
            "url": f"https://sums.invalid/{i}",
            "text": f"Question: what is {i} plus {7 * i}? Answer: {i} plus {7 * i} is {8 * i}.",
        }
        for i in range(60)
    ]
    (root / "sums.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    card = {
        "name": "sums",
        "kind": "jsonl",
        "uris": [str(root / "sums.jsonl")],
        "category": "stem",
        "group": "url",
        "validation_share": 0.2,
    }
    lake.write_bytes("cards/dumps/sums.yaml", yaml.safe_dump(card).encode())
    buckets = {
        "q": {"column": "classifiers/edu/score", "edges": [2.0]},
        "topic": {"column": "classifiers/topic/label"},
    }
    release = {"name": "r", "dumps": ["web-a", "web-b", "sums"], "tokenizer": "demo", "buckets": buckets}
    lake.write_bytes("cards/releases/r.yaml", yaml.safe_dump(release).encode())
    environment = os.environ | {
        "SKYPILE_LAKE": str(root / "lake"),
        "DAGSTER_HOME": str(root / "home"),
        "PYTHONPATH": str(ROOT),
    }
    return lake, environment


def skypile(world: tuple[Lake, dict[str, str]], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "jobs.cli", *arguments], env=world[1], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_dumps_become_a_release(world: tuple[Lake, dict[str, str]]) -> None:
    lake = world[0]
    skypile(world, "dump", "web-a", "web-b", "sums")
    skypile(world, "release", "r")
    duplicates = lake.current("duplicates", "r").read().to_pylist()
    assert len(duplicates) >= 5, "ten pages stand in both dumps"
    main = lake.current("skypile_main", "r").read()
    assert main.num_rows > 20 and set(main["dump"].to_pylist()) == {"web-a", "web-b"}
    assert "in skypile_main" in skypile(world, "why", main["url"][0].as_py(), "--release", "r")
    again = skypile(world, "release", "r")
    assert again.count("unchanged") >= 10 and "WARN" not in again


def test_plan_diff_and_garbage_collection(world: tuple[Lake, dict[str, str]]) -> None:
    lake = world[0]
    foreseen = skypile(world, "plan", "r")
    assert foreseen.count(" unchanged ") == len(names(life="release")) and "0.000 CPU hours" in foreseen, (
        foreseen
    )
    card = {
        "name": "later",
        "dumps": ["web-a", "web-b", "sums"],
        "tokenizer": "demo",
        "validation": "r",
        "blocks": "r",
        "tombstones": ["https://none.invalid/"],
    }
    lake.write_bytes("cards/releases/later.yaml", yaml.safe_dump(card).encode())
    files = lake.files("tables", recursive=True) + lake.files("pointers", recursive=True)
    foreseen = skypile(world, "plan", "later")
    assert (
        " compute " in foreseen
        and "follows release_decisions" in foreseen
        and "not in this sum" not in foreseen
    ), foreseen
    assert files == lake.files("tables", recursive=True) + lake.files("pointers", recursive=True), (
        "a plan writes nothing"
    )
    tables = [name for entry in names(life="dump") for name in members(lake, entry)]
    assert {"classifiers/edu", "classifiers/topic"} < set(tables)
    assert skypile(world, "plan", "web-a").count(" unchanged ") == len(tables)
    assert pointers_without_entry(lake) == [] and inputs_without_entry(lake) == []
    assert "lost: 0 documents" in skypile(world, "diff", "r", "r")
    assert "0 tables of 0 bytes would be deleted" in skypile(world, "gc")


def test_a_token_leads_back_to_its_record(world: tuple[Lake, dict[str, str]]) -> None:
    lake = world[0]
    folder = lake.current("main_shards", "r").local()
    from pipelines.shards.reader import ShardSet

    shards = ShardSet.open(folder)
    source = sorted(shards.sources)[0]
    origin = shards.document_of(source, 5)
    file = Path(lake.root).parent / origin["file"]
    record = next(iter(ArchiveIterator(io.BytesIO(file.read_bytes()[origin["offset"] :]))))
    assert record.headers["WARC-Target-URI"] == origin["url"]


def test_errors_are_sentences(world: tuple[Lake, dict[str, str]]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "jobs.cli", "plan", "absent"],
        env=world[1],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0 and "absent" in done.stderr and "Traceback" not in done.stderr


def test_a_run_is_trained_evaluated_and_reported(world: tuple[Lake, dict[str, str]]) -> None:
    lake, folder = world[0], Path(world[0].root) / "runs/small"
    skypile(world, "card", "run", "small", "--release", "r")
    path = Path(lake.root) / "cards/runs/small.yaml"
    card = yaml.safe_load(path.read_text()) | {
        "sequence_length": 64,
        "global_batch": 4,
        "checkpoint_every": 2,
        "validate_every": 4,
    }
    for phase, steps in zip(card["phases"], (3, 1, 2), strict=True):
        phase["tokens"] = steps * 64 * 4
        phase["schedule"]["warmup_tokens"] = min(phase["schedule"]["warmup_tokens"], 64)
    from pipelines.shards.reader import ShardSet

    sources = sorted(ShardSet.open(lake.current("main_shards", "r").local()).sources)
    first = "/".join(sources[0].split("/")[:2])
    assert all(source.split("/")[1] in ("q0", "q1") and source.count("/") == 2 for source in sources)
    card["phases"][0]["mixture"] = {first: 1.0}  # a quality, of all topics
    path.write_text(yaml.safe_dump(card))
    planned = skypile(world, "plan", "small")
    assert (
        "6 steps of 256 tokens" in planned
        and "memory of a rank" in planned
        and "repetitions" in planned
        and "hours" in planned
    )
    assert f"main/{sources[0]} " in planned
    skypile(world, "run", "small")
    stages = [json.loads((folder / "export" / s / "stage.json").read_text()) for s in ("stage1", "stage2")]
    assert [s["step"] for s in stages] == [4, 6] and stages[0]["weights_hash"] != stages[1]["weights_hash"]
    report = json.loads((Path(lake.root) / "reports/small/report.json").read_text())
    assert [s["step"] for s in report["steps"]] == [1, 2, 3, 4, 5, 6]
    assert (
        report["evaluation"]["validation"]["loss"] > 0
        and (Path(lake.root) / "reports/small/report.html").exists()
    )
    assert "stage2_checkpoint" in report["graph"]["edges"]
    again = skypile(world, "run", "small")
    made = names(life="training_run")
    assert again.count("unchanged") == len(made) - 1  # all but the page, which is written anew
    assert "docs.invalid" in skypile(world, "trace", "--run", "small", "--step", "0", "--sample", "1")


def test_a_card_is_checked_before_it_is_written(world: tuple[Lake, dict[str, str]]) -> None:
    lake, environment = world
    arguments = ["card", "dump", "bad", "--uri", "x.warc.gz", "--category", "poems"]
    done = subprocess.run(
        [sys.executable, "-m", "jobs.cli", *arguments],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0 and "category" in done.stderr and not lake.exists("cards/dumps/bad.yaml")
    arguments = ["card", "release", "r", "--dump", "web-a"]
    done = subprocess.run(
        [sys.executable, "-m", "jobs.cli", *arguments],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0 and "there already" in done.stderr
