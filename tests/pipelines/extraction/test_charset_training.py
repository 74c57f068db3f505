from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from pipelines.extraction import charset_training
from pipelines.extraction.charset_likelihood import CHARACTERS


def test_each_text_counts_as_much_as_any_other() -> None:
    counts: Counter[str] = Counter()
    charset_training._count(counts, "的一是 abc")
    charset_training._count(counts, "的" * 600)
    assert counts["的"] == 10_000_000 + 10_000_000 // 3 and counts["一"] == counts["是"] == 10_000_000 // 3
    assert set(counts) == set("的一是")


def test_the_shipped_order_is_one_of_han_characters() -> None:
    made = json.loads(CHARACTERS.read_text(encoding="utf-8"))
    assert made["sources"] == list(charset_training.SOURCES)
    for script in ("simplified", "traditional"):
        characters = made[script]
        assert len(characters) == len(set(characters)) == charset_training.SIZE
        assert all("\u4e00" <= char <= "\u9fff" for char in characters)
    assert "们" in made["simplified"] and "們" in made["traditional"]


DATA = Path(__file__).parents[4] / "shared" / "data" / "corpus"


@pytest.mark.full
@pytest.mark.skipif(not DATA.exists(), reason="../shared/data/corpus is not on this machine")
def test_the_command_makes_the_shipped_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = tmp_path / "made.json"
    monkeypatch.setattr(charset_training, "CHARACTERS", made)
    monkeypatch.setattr("sys.argv", ["charset_training", "--data", str(DATA)])
    charset_training.main()
    assert made.read_bytes() == CHARACTERS.read_bytes()
