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


@pytest.mark.parametrize(
    ("kind", "group", "said"),
    [
        ("jsonl", "host/99", "'host/99' is no group: use host, host/1, host/2, url or a field"),
        ("jsonl", "host/", "is no group"),
        ("jsonl", "", "is no group"),
        ("warc", "thread", "warc records have no field 'thread'"),
    ],
)
def test_a_group_that_no_record_has_is_refused(kind: str, group: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        DumpCard(name="d", kind=kind, uris=("x",), group=group)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"kind": "jsonl", "charset": "klingon"}, "'klingon' is no charset: use a label such as gb18030"),
        ({"kind": "jsonl", "charset": "hz-gb-2312"}, "is no charset"),
        ({"kind": "warc", "charset": "gbk"}, "pages of WARC say their charset themselves"),
        ({"kind": "warc", "fields": {"text": "content"}}, "warc records have no fields"),
    ],
)
def test_what_records_of_a_kind_do_not_have_is_refused(wrong: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        DumpCard.model_validate({"name": "a", "uris": ["x"], **wrong})


def test_a_charset_is_a_parameter_only_where_it_is_set() -> None:
    card = DumpCard(name="a", kind="jsonl", uris=("x",))
    assert "charset" not in card.parameters()
    assert card.model_copy(update={"charset": "gbk"}).parameters()["charset"] == "gbk"


@pytest.mark.parametrize("kind", ["warc", "wet", "jsonl", "parquet"])
def test_a_card_written_with_every_default_reads_as_it_was(kind: str, tmp_path: Path) -> None:
    card = DumpCard(name="d", kind=kind, uris=("x",))
    (tmp_path / "d.yaml").write_text(card.model_dump_json())
    assert DumpCard.load(tmp_path / "d.yaml") == card
