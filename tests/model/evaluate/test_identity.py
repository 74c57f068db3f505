"""A report is kept under what it follows from: contents, not paths."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from model.evaluate.identity import VERSIONS, data_files, data_hash, identity, model_hash

FILES = {
    "benchmarks": ["ceval/mapping.json", "mmlu/data/test/logic_test.csv", "gsm8k/test.jsonl"],
    "perplexity": ["zh_tech.jsonl", "domain-loss/zh_movie.jsonl"],
    "leakage": ["train.jsonl", "skywork/mock_gsm8k_test_public.jsonl"],
    "validation": ["shards.json"],
    "overfit": ["cmmlu/mapping.json", "gsm8k/train.jsonl"],
}


@pytest.mark.parametrize("task", sorted(VERSIONS))
def test_contents_count_and_places_do_not(tmp_path: Path, task: str) -> None:
    assert data_hash(task, tmp_path) == data_hash(task, None) == ""
    for name in FILES[task]:
        (tmp_path / "a" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "a" / name).write_text(name)
    first = data_hash(task, tmp_path / "a")
    assert len(data_files(task, tmp_path / "a")) == len(FILES[task]) and first
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    (tmp_path / "b" / "notes.txt").write_text("read by no task")
    assert data_hash(task, tmp_path / "b") == first
    for name in FILES[task]:
        (tmp_path / "b" / name).write_text("changed")
        assert data_hash(task, tmp_path / "b") != first
        (tmp_path / "b" / name).write_text(name)
    (tmp_path / "b" / FILES[task][-1]).unlink()
    assert data_hash(task, tmp_path / "b") != first


def test_an_archive_stands_for_its_unpacked_files(tmp_path: Path) -> None:
    (tmp_path / "mmlu" / "data").mkdir(parents=True)
    (tmp_path / "mmlu" / "data" / "a.csv").write_text("a")
    with zipfile.ZipFile(tmp_path / "mmlu" / "mmlu.zip", "w") as archive:
        archive.writestr("a.csv", "a")
    assert list(data_files("benchmarks", tmp_path)) == ["mmlu/mmlu.zip"]


def test_a_model_is_its_weights_with_tokenizer_and_shape(tmp_path: Path) -> None:
    for name in ("config.json", "tokenizer.json"):
        (tmp_path / name).write_text("{}")
    seen = {model_hash(tmp_path, "w"), model_hash(tmp_path, "v")}
    for name in ("config.json", "tokenizer.json"):
        (tmp_path / name).write_text(f'{{"{name}": 1}}')
        seen.add(model_hash(tmp_path, "w"))
    assert len(seen) == 4


def test_limit_and_version_count() -> None:
    assert identity("leakage", "m", "d", 5) != identity("leakage", "m", "d", 0)
    assert identity("leakage", "m", "d", 5)["version"] == VERSIONS["leakage"]


def test_the_graph_can_ask_without_torch() -> None:
    code = "import sys, model.evaluate.identity; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
