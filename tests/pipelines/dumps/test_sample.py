from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from pipelines.dumps import sample
from pipelines.dumps.card import DumpCard
from pipelines.dumps.sample import PACKAGES, PageFile, make_sample
from pipelines.lake import LakeError


def test_no_apt_is_a_sentence_that_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(LakeError, match=r"apt-get.*dump card"):
        make_sample(tmp_path / "lake", tmp_path / "cache", progress=lambda line: None)


def _fake_pages(package: sample.Package, deb: Path) -> list[PageFile]:
    """Pages in the form of the packages' own, without the packages."""
    made = []
    for i in range(60):
        zh = "zh" in package.name
        name = f"ch{i:02d}.html" if package.name in sample.REFERENCE else f"part{i % 7}/guide/{i}.html"
        text = (
            "这是一段说明文字，解释如何在文档中插入对象，以及怎样调整它的位置和大小。"
            if zh
            else "This paragraph explains how the command works and what it prints. "
        )
        body = "".join(f'<p id="p{j}" class="paragraph">{package.name} {i} {j} {text * 4}</p>' for j in range(4))
        html = f'<html><head><title>{package.name} {i}</title></head><body><div class="section"><h2>{i}</h2>{body}</div></body></html>'
        made.append(PageFile(f"https://docs.{package.name}.invalid/{name}", package.name, html.encode()))
    return made


def test_sample_is_the_same_bytes_again_and_keeps_its_splits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deb = tmp_path / "x_1_all.deb"
    deb.write_bytes(b"deb")
    monkeypatch.setattr(sample, "_debs", lambda cache, progress: {p.name: deb for p in PACKAGES})
    monkeypatch.setattr(sample, "_pages", _fake_pages)
    records = []
    for name in ("a", "b"):
        cards = make_sample(tmp_path / name, tmp_path, progress=lambda line: None)
        records.append((tmp_path / name / "inputs/sample/sources.json").read_text())
    assert records[0] == records[1]
    assert [DumpCard.load(c).name for c in cards] == ["sample-web-a", "sample-web-b", "sample-code", "sample-reference", "sample-pairs"]
    assert [c.name for c in map(DumpCard.load, cards) if c.reference] == ["sample-reference"]
    source = json.loads(records[0])
    assert all(p["licence"] for p in source["packages"].values()) and source["packages"]["git-doc"]["sha256"]
    texts = {}
    for name in ("train", "test", "reference"):
        lines = (tmp_path / f"a/inputs/leakage/{name}.jsonl").read_text().splitlines()
        texts[name] = {json.loads(line)["text"] for line in lines}
    assert len(texts["train"]) >= 100 and len(texts["test"]) >= 40 and len(texts["reference"]) >= 40
    assert not texts["train"] & texts["test"] and not texts["test"] & texts["reference"] and not texts["train"] & texts["reference"]
    monkeypatch.setattr(sample, "_debs", lambda cache, progress: pytest.fail("nothing was missing"))
    assert make_sample(tmp_path / "a", tmp_path) == [tmp_path / "a/cards/dumps" / c.name for c in cards]
