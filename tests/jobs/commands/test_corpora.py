"""Commands on the corpora of a release."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pipelines.engine import InProcess
from pipelines.lake import Lake
from tests.support.assembled import assemble
from tests.support.judged import judged
from tests.support.release_samples import make_release, prose


def test_a_corpus_has_a_card_and_an_export(lake: Lake, run: Callable[..., str], tmp_path: Path) -> None:
    assemble(lake, make_release(lake, {"a": [{"text": prose(a)} for a in ("cat", "dog", "cat")]}))
    assert "documents: 2;" in run("data-card", "r") and '"documents": 2' in run("data-card", "r", "--json")
    assert "r_en_webpages_0000.jsonl" in run("export-jsonl", "r", str(tmp_path / "out"))


def test_pairs_of_a_dump_are_written_for_training(
    lake: Lake, engine: InProcess, run: Callable[..., str], tmp_path: Path
) -> None:
    judged(lake, engine, "d")
    printed = run("parallel", "d", "--output", str(tmp_path / "d.jsonl"))
    assert printed.startswith("0 pairs") and (tmp_path / "d.jsonl").read_bytes() == b""
