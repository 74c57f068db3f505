"""Commands on the corpora of a release."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pipelines.lake import Lake
from tests.support.assembled import assemble
from tests.support.release_samples import make_release, prose


def test_a_corpus_has_a_card_and_an_export(lake: Lake, run: Callable[..., str], tmp_path: Path) -> None:
    assemble(lake, make_release(lake, {"a": [{"text": prose(a)} for a in ("cat", "dog", "cat")]}))
    assert "documents: 2;" in run("data-card", "r") and '"documents": 2' in run("data-card", "r", "--json")
    assert "r_en_webpages_0000.jsonl" in run("export-jsonl", "r", str(tmp_path / "out"))
