from __future__ import annotations

from pipelines.dumps.card import DumpCard
from pipelines.extraction.side import side


def card(share: float, name: str = "a", **fields: object) -> DumpCard:
    return DumpCard.model_validate({"name": name, "kind": "warc", "uris": ["x"], "validation_share": share, **fields})


def test_share_is_about_right_and_nested() -> None:
    groups = [f"host{i}.example" for i in range(20_000)]
    small = {g for g in groups if side(g, card(0.02)) == "validation"}
    large = {g for g in groups if side(g, card(0.10)) == "validation"}
    assert small < large and 300 < len(small) < 500 and 1800 < len(large) < 2200


def test_the_dump_has_no_influence_but_held_out_has() -> None:
    groups = [f"h{i}" for i in range(500)]
    assert [side(g, card(0.1)) for g in groups] == [side(g, card(0.1, name="b", date="2024")) for g in groups]
    assert {side(g, card(0.0, held_out=True)) for g in groups} == {"validation"}
    assert {side(g, card(0.0)) for g in groups} == {"train"}
