"""The command line on an exported model: each task writes its JSON; what is absent is an error or
is named."""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from model.checkpoints.export import export_model
from model.evaluate.__main__ import finite, main
from model.evaluate.language_loss import validation_loss
from model.evaluate.scorer import load_scorer
from model.network.architecture import Skywork
from model.network.config import ModelConfig
from pipelines.shards.format import (
    END,
    FORMAT,
    LISTING,
    PROVENANCE,
    TOKEN,
    ShardFile,
    pack_files,
    shard_paths,
    table_path,
)
from tests.support.runs import run_file

DOCUMENTS = [[5, 6, 7, 8, 2], [9, 10, 2], [11, 12, 13, 14, 15, 16, 2]]
LETTERS = "abcdefghijklmnopqrstuvwxyzABCD 0123456789?"


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    """A run with validation shards of one domain and an exported random model of context 8."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    vocabulary = {p: i for i, p in enumerate(["<unk>", "<s>", "</s>", *LETTERS])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    tokenizer.add_special_tokens(["<unk>", "<s>", "</s>"])
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    config = ModelConfig(
        num_layers=1, hidden=16, num_heads=2, ffn=24, vocab_size=len(vocabulary), context=8, init_std=0.5
    )
    export_model(
        Skywork(config, seed=0).state_dict(),
        config,
        tmp_path / "tokenizer.json",
        tmp_path / "export" / "stage2",
    )

    shards = tmp_path / "validation"
    paths = shard_paths("web-en", 0)
    (shards / "web-en").mkdir(parents=True)
    np.array([t for d in DOCUMENTS for t in d], TOKEN).tofile(shards / paths[0])
    np.cumsum([len(d) for d in DOCUMENTS]).astype(END).tofile(shards / paths[1])
    pq.write_table(pa.Table.from_pylist([], PROVENANCE), shards / paths[2])
    hashes = [hashlib.sha256((shards / p).read_bytes()).hexdigest() for p in paths]
    file = ShardFile(
        *paths,
        tokens=15,
        documents=3,
        text_bytes=12,
        sha256=hashes[0],
        idx_sha256=hashes[1],
        prov_sha256=hashes[2],
    )
    source, table = pack_files([file])
    (shards / table_path("web-en")).write_bytes(table)
    (shards / LISTING).write_text(
        json.dumps({"format": FORMAT, "tokenizer_hash": "0", "sources": {"web-en": source}})
    )
    run_file(shards={"validation": shards}).write(tmp_path)
    return tmp_path


def call(run_dir: Path, task: str, *more: str) -> tuple[int, dict]:
    output = run_dir / "evaluation" / f"{task}.json"
    arguments = [
        "--run-dir",
        str(run_dir),
        "--export",
        str(run_dir / "export" / "stage2"),
        "--output",
        str(output),
        "--task",
        task,
    ]
    code = main([*arguments, "--device", "cpu", *more])
    return code, json.loads(output.read_text()) if output.exists() else {}


@torch.no_grad()
def test_validation_by_domain(run_dir: Path) -> None:
    code, report = call(run_dir, "validation")
    domain = report["domains"]["web-en"]
    assert code == 0 and domain["tokens"] == 14
    stream = torch.tensor([[t for d in DOCUMENTS for t in d]])
    network = load_scorer(run_dir / "export" / "stage2", "cpu").network
    # Windows of 8 predictions: tokens 1..8 from the first, 9..14 from the second.
    losses = []
    for start, stop in ((0, 9), (8, 15)):
        ids = stream[:, start:stop]
        losses.append(
            torch.nn.functional.cross_entropy(network(ids[:, :-1])[0], ids[0, 1:], reduction="none")
        )
    every = torch.cat(losses)
    assert domain["loss"] == pytest.approx(every.mean().item(), rel=1e-4)
    assert domain["perplexity"] == pytest.approx(math.exp(domain["loss"]))
    # The two </s> among the targets, and the last, stand for no bytes; the other eleven for one
    # each.
    text = stream[0, 1:] != 2
    assert domain["bytes"] == 11
    assert domain["bits_per_byte"] == pytest.approx(every[text].sum().item() / math.log(2) / 11, rel=1e-4)


def test_every_task_names_what_is_missing(run_dir: Path) -> None:
    assert "missing" in call(run_dir, "perplexity")[1]
    assert "missing" in call(run_dir, "leakage")[1]
    code, report = call(run_dir, "benchmarks", "--data", str(run_dir))
    assert code == 0
    assert all("missing" in report[name] for name in ("ceval", "cmmlu", "mmlu", "gsm8k"))
    run_file(shards={"validation": run_dir / "nowhere"}).write(run_dir)
    assert "nowhere" in call(run_dir, "validation")[1]["missing"]


def test_benchmarks_and_leakage_on_files(run_dir: Path) -> None:
    (run_dir / "gsm8k").mkdir()
    items = "".join(
        json.dumps({"question": f"what is {i}?", "answer": f"it\n#### {i}"}) + "\n" for i in range(3)
    )
    for name in ("train", "test"):
        (run_dir / "gsm8k" / f"{name}.jsonl").write_text(items)
    report = call(run_dir, "benchmarks", "--data", str(run_dir), "--limit", "2")[1]
    assert report["gsm8k"]["questions"] == report["limit"] == 2
    wrong = items.replace("#### 1", "#### 7")
    (run_dir / "gsm8k" / "test.jsonl").write_text(wrong)
    changed = call(run_dir, "benchmarks", "--data", str(run_dir), "--limit", "2")[1]
    kept = run_dir / "evaluation" / "answers" / report["model_hash"][:16] / "gsm8k.jsonl"
    assert changed["gsm8k"]["questions"] == 2 and '"answer": "7"' in kept.read_text()
    (run_dir / "gsm8k" / "test.jsonl").write_text(items)
    assert (run_dir / "evaluation" / "answers" / report["model_hash"][:16] / "gsm8k.jsonl").exists()
    (run_dir / "reference.jsonl").write_text(json.dumps({"text": "what is 3? it 3"}) + "\n")
    report = call(run_dir, "leakage", "--data", str(run_dir))[1]
    # The train and the test file are the same here.
    assert report["D2"] == pytest.approx(0.0, abs=1e-6) and not report["flags"]["train_overfit"]


def test_a_file_that_is_off_is_one_sentence_before_any_question(
    run_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (run_dir / "gsm8k").mkdir()
    for name in ("train", "test"):
        (run_dir / "gsm8k" / f"{name}.jsonl").write_text('{"question": "q?", "answer": "#### x"}\n')
    code, report = call(run_dir, "benchmarks", "--data", str(run_dir))
    assert code == 1 and report == {}
    assert "train.jsonl, record 1: its 'answer' ends in 'x'" in capsys.readouterr().err
    (run_dir / "train.jsonl").write_text('{"prompt": "q?"}\n')
    code, report = call(run_dir, "leakage", "--data", str(run_dir))
    assert code == 1 and "record 1: it lacks a 'text'" in capsys.readouterr().err


def test_the_over_fit_gate_pairs_documents_and_questions(
    run_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = load_scorer(run_dir / "export" / "stage2", "cpu").network.config
    earlier = run_dir / "export" / "stage1"
    export_model(Skywork(config, seed=1).state_dict(), config, run_dir / "tokenizer.json", earlier)
    (run_dir / "gsm8k").mkdir()
    for name in ("train", "test"):
        lines = [json.dumps({"question": f"what is {i}?", "answer": f"it\n#### {i}"}) for i in range(3)]
        (run_dir / "gsm8k" / f"{name}.jsonl").write_text("\n".join(lines) + "\n")
    more = ("--data", str(run_dir), "--limit", "2", "--before", str(earlier))
    code, report = call(run_dir, "overfit", *more)
    assert code == 0 and report["documents"] == {"web-en": 3} and report["questions"] == {"gsm8k": 2}
    assert report["alert"] is False
    losses = [
        validation_loss(load_scorer(folder, "cpu"), run_dir / "validation", folder / "tokenizer.json")["loss"]
        for folder in (earlier, run_dir / "export" / "stage2")
    ]
    assert report["loss"]["mean"] == pytest.approx(losses[1] - losses[0], rel=1e-4)
    (earlier / "tokenizer.json").write_text((earlier / "tokenizer.json").read_text() + " ")
    assert call(run_dir, "overfit", *more)[0] == 1
    assert "other tokenizers" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        call(run_dir, "overfit")


def test_answers_are_found_by_a_retry_that_writes_elsewhere(run_dir: Path) -> None:
    (run_dir / "gsm8k").mkdir()
    for name in ("train", "test"):
        (run_dir / "gsm8k" / f"{name}.jsonl").write_text('{"question": "q?", "answer": "#### 1"}\n')
    call(run_dir, "benchmarks", "--data", str(run_dir))
    kept = next((run_dir / "evaluation" / "answers").rglob("gsm8k.jsonl"))
    before = kept.read_text()
    assert call(run_dir, "benchmarks", "--data", str(run_dir), "--output", str(run_dir / "r2.json"))[0] == 0
    assert json.loads((run_dir / "r2.json").read_text())["gsm8k"]["questions"] == 1
    assert kept.read_text() == before


def test_absent_model_is_one_sentence(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (run_dir / "export" / "stage2" / "tokenizer.json").unlink()
    code, report = call(run_dir, "validation")
    assert code == 1 and report == {}
    assert "tokenizer.json does not exist" in capsys.readouterr().err


def test_no_nan_in_json() -> None:
    assert finite({"a": [math.nan, 1.0], "b": math.inf}) == {"a": [None, 1.0], "b": None}


def test_a_file_that_is_no_report_is_not_replaced(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    notes = run_dir / "notes.json"
    notes.write_text('{"mine": 1}')
    assert call(run_dir, "validation", "--output", str(notes))[0] == 1
    assert notes.read_text() == '{"mine": 1}' and "was not written by this command" in capsys.readouterr().err
    notes.unlink()
    for _ in range(2):
        assert call(run_dir, "validation", "--output", str(notes))[0] == 0
    assert json.loads(notes.read_text())["task"] == "validation"
