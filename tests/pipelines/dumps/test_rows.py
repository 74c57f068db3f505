from __future__ import annotations

from pipelines.cards.dump import DumpCard
from pipelines.dumps.rows import fields_of, value_at


def test_a_field_of_the_whole_name_comes_before_a_path() -> None:
    row = {"meta": {"url": "inner"}, "meta.url": "whole", "list": [1]}
    assert (
        value_at(row, "meta.url") == "whole" and value_at({"meta": {"url": "inner"}}, "meta.url") == "inner"
    )
    assert value_at(row, "list.x") is None and value_at(row, "none.x") is None


def test_the_field_of_a_group_is_read_too() -> None:
    card = DumpCard(name="d", kind="jsonl", uris=("x",), group="repo")
    assert fields_of(card)["repo"] == "repo" and "id" not in fields_of(card)
    assert "host/1" not in fields_of(card.model_copy(update={"group": "host/1"}))
