from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipelines.cards.recurrence import RecurrencePolicy
from pipelines.corpora.data_card import as_markdown, data_card
from pipelines.corpora.export import export_jsonl
from pipelines.lake import Lake, LakeError
from tests.support.assembled import assemble
from tests.support.release_samples import make_release, prose

ANIMALS = ["cat", "dog", "owl", "fox", "hen", "cow"]


@pytest.fixture
def published(lake: Lake) -> Lake:
    rows = [
        {"text": prose(a) + "\nsecond line é", "date": f"2023-0{k + 1}-01"} for k, a in enumerate(ANIMALS)
    ]
    rows[5] |= {"text": rows[0]["text"]}  # a copy of the first, which is earlier
    rows[1] |= {"language": "zh"}
    rows[3] |= {"reasons": ["rules/num_words", "rules/short_lines"]}
    rows[4] |= {"date": ""}
    release = make_release(lake, {"a": rows}, recurrence=RecurrencePolicy())
    lake.write_bytes(
        "cards/dumps/a.yaml", b"name: a\nkind: jsonl\nuris: [x]\nlicence: CC BY 4.0\ndate: 2023-06\n"
    )
    assemble(lake, release)
    return lake


def test_the_card_counts_what_is_in_and_what_is_not(published: Lake) -> None:
    card = data_card(published, "r")
    assert (card["documents"], card["groups"], card["tokens"]) == (4, 4, None)
    assert card["dates"] == {"first": "2023-01-01", "last": "2023-03-01", "documents_without": 1}
    assert card["dumps"]["a"]["licence"] == "CC BY 4.0" and card["dumps"]["a"]["documents"] == 4
    shares = card["rejected"]["share_by_reason"]
    assert card["rejected"]["documents"] == 2 and card["rejected"]["of"] == 6
    assert shares["rules/num_words"] == shares["rules/short_lines"] == pytest.approx(1 / 6, abs=1e-5)
    page = as_markdown(card)
    assert "CC BY 4.0" in page and "| en | webpages | 3 |" in page and "16.67%" in page


def test_export_is_one_field_a_line_and_repeats(published: Lake, tmp_path: Path) -> None:
    written = export_jsonl(published, "r", tmp_path / "out")
    assert [p.name for p in written] == ["r_en_webpages_0000.jsonl", "r_zh_webpages_0000.jsonl"]
    rows = [json.loads(line) for path in written for line in path.read_text().splitlines()]
    expected = published.current("skypile_main", "r").read(["text"])["text"].to_pylist()
    assert [list(r) for r in rows] == [["text"]] * 4 and sorted(r["text"] for r in rows) == sorted(expected)
    again = export_jsonl(published, "r", tmp_path / "again")
    assert [p.read_bytes() for p in again] == [p.read_bytes() for p in written]
    assert "skypile_main" in (tmp_path / "out/README.md").read_text()
    small = export_jsonl(published, "r", tmp_path / "small", language="en", file_bytes=50)
    assert [p.name for p in small] == [f"r_en_webpages_000{k}.jsonl" for k in range(3)]


def test_export_refuses_nothing_and_a_full_folder(published: Lake, tmp_path: Path) -> None:
    with pytest.raises(LakeError, match="no documents of language de"):
        export_jsonl(published, "r", tmp_path / "none", language="de")
    export_jsonl(published, "r", tmp_path / "out")
    with pytest.raises(LakeError, match="already holds"):
        export_jsonl(published, "r", tmp_path / "out")
