"""Labels of sources, from a folder of made-up documents."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import zstandard

from pipelines.cards.classifier import ClassifierCard
from pipelines.quality.labelled import LabelledText, read_examples
from tools import label_sources
from tools.label_sources import by_people, clean, file_of, first_fit, folder_of, labelled, main


def write(folder: Path, name: str, *rows: tuple[str, str]) -> None:
    path = folder / "corpus" / f"{name}.jsonl.zst"
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = (json.dumps({"id": i, "lang": "en", "text": text}) + "\n" for i, text in rows)
    path.write_bytes(zstandard.ZstdCompressor().compress("".join(lines).encode()))


TEXT = "A sentence that is long enough to be taken as an example of its source."


def test_a_source_bears_its_label_and_one_of_mixed_topics_none(tmp_path: Path) -> None:
    write(
        tmp_path, "stem/openstax-physics", ("openstax-physics/m1/x", TEXT), ("openstax-physics/m2/x", "short")
    )
    write(tmp_path, "academic/arxiv-abstracts", ("a/1", TEXT + " a"))
    write(
        tmp_path,
        "social/zh-reviews-social",
        ("s/datasets/waimai_10k/1.csv", TEXT + " b"),
        ("s/datasets/weibo/1", TEXT + " c"),
    )
    edu, topic = labelled(tmp_path)
    assert [(r["label"], r["source"]) for r in edu] == [
        (4.0, "academic/arxiv-abstracts"),
        (0.0, "social/zh-reviews-social/waimai_10k"),
        (0.0, "social/zh-reviews-social/weibo"),
        (5.0, "stem/openstax-physics"),
    ]
    assert [r["label"] for r in topic] == ["commerce", "science"]


def test_books_and_collections_are_sources_of_their_own() -> None:
    assert folder_of("literature/poems", "poems/songs/1.json#3") == "literature/poems/songs"
    assert folder_of("web/blog", "blog/_posts/2020/x.md") == "web/blog"
    assert first_fit({"a/b": 1, "a/": 2}, "a/bc") == 1 and first_fit({"a/": 2}, "b/") is None
    assert clean("<!-- INFO -->\n[#]: via\nText") == "Text"


def test_what_people_gave_is_reported_apart() -> None:
    card = ClassifierCard.model_validate(
        {"name": "e", "examples": "e", "gives": "number", "languages": ["en"], "folds": 2, "hash_bits": 12}
    )
    words = ("proof lemma sum", "buy cart price")
    rows = [
        {"text": f"{words[k % 2]} {k}", "label": 5.0 * (k % 2 == 0), "source": f"s{k % 8}", "by": "people"}
        for k in range(40)
    ]
    examples = [
        LabelledText(e.key, e.text, e.label, e.source, "en") for e in read_examples(card, file_of(rows))
    ]
    found = by_people(card, examples, rows)["en"]
    assert found["examples"] == 40 and found["spearman"] > 0.8


def test_a_folder_without_a_corpus_is_named(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="has no folder corpus"):
        main(["--data", str(tmp_path)])
    assert label_sources.people(tmp_path) == {}
