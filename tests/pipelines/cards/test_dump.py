from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.cards.base import CardError
from pipelines.cards.dump import DumpCard


def test_card_reads_yaml_and_refuses_what_it_does_not_know(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("name: a\nkind: warc\nuris: ['*.warc.gz']\n")
    card = DumpCard.load(path)
    assert (card.category, card.group, card.sample) == ("webpages", "host", 1.0)
    path.write_text("name: a\nkind: warc\nuris: ['x']\ncategroy: code\n")
    with pytest.raises(CardError, match="categroy"):
        DumpCard.load(path)


@pytest.mark.parametrize(
    "wrong",
    [{"name": "../a"}, {"name": "a/b"}, {"kind": "zip"}, {"uris": []}, {"sample": 0}, {"category": "poems"}],
)
def test_wrong_values_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        DumpCard.model_validate({"name": "a", "kind": "warc", "uris": ["x"], **wrong})
