from __future__ import annotations

import gzip
import json
from typing import Any

import numpy as np
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from pipelines.cards.base import CardError
from pipelines.cards.classifier import ClassifierCard
from pipelines.quality.labelled import (
    LabelledText,
    class_report,
    deal,
    number_report,
    read_examples,
    spearman,
)


def card(**more: Any) -> ClassifierCard:
    return ClassifierCard.model_validate(
        {
            "name": "c",
            "examples": "c.jsonl",
            "gives": "classes",
            "fields": {"source": "from", "language": "lang"},
        }
        | more
    )


def file(*rows: dict[str, Any]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def row(text: str, label: Any = "a", **more: Any) -> dict[str, Any]:
    return {"text": text, "label": label, "from": "s", "lang": "en"} | more


def test_rows_become_examples_once_for_each_text_in_an_order_of_their_own() -> None:
    rows = [row("one"), row("two", "b"), row("one"), row("two", "b", **{"from": "r"})]
    found = read_examples(card(), file(*rows))
    assert {(e.text, e.label, e.source) for e in found} == {("one", "a", "s"), ("two", "b", "r")}
    assert found == read_examples(card(), file(*rows[::-1]))


@pytest.mark.parametrize("other", ["b", "border"])
def test_a_text_on_which_readers_differ_has_no_class(other: str) -> None:
    rows = [row("one"), row("one", other), row("two", "b")]
    for order in (rows, rows[::-1]):
        assert [e.text for e in read_examples(card(classes=["a", "b"]), file(*order))] == ["two"]


def test_a_text_of_several_numbers_has_their_mean() -> None:
    rows = [row("one", 1), row("one", 2), row("two", 4), row("one", 1.5)]
    found = read_examples(card(gives="number"), file(*rows))
    assert {e.text: e.label for e in found} == {"one": 1.5, "two": 4.0}
    assert found == read_examples(card(gives="number"), file(*rows[::-1]))


@pytest.mark.parametrize("ending", ["gz", "zst"])
def test_compressed_files_are_read_and_damaged_ones_named(ending: str) -> None:
    plain = file(row("one"))
    packed = gzip.compress(plain) if ending == "gz" else zstandard.ZstdCompressor().compress(plain)
    assert len(read_examples(card(examples=f"c.jsonl.{ending}"), packed)) == 1
    with pytest.raises(CardError, match=f"c.jsonl.{ending} is not readable"):
        read_examples(card(examples=f"c.jsonl.{ending}"), b"no archive")


@pytest.mark.parametrize(
    ("line", "fields", "sentence"),
    [
        (b"[1]\n", {}, "c.jsonl, line 2: expected one JSON object a line"),
        (b'{"text": "x"}\n', {}, "line 2: no label in field 'label'; the row has text"),
        (b'{"label": "a"}\n', {}, "line 2: no text in field 'text'; the row has label"),
        (b'{"text": " ", "label": "a"}\n', {}, "line 2: field 'text' is empty"),
        (b'{"text": "caf\xe9", "label": "a"}\n', {}, "line 2: not in UTF-8; write the file anew"),
        (b'{"text": "x", "label": "much"}\n', {"gives": "number"}, "labels are numbers"),
        (b'{"text": "x", "label": true}\n', {"gives": "number"}, "labels are numbers"),
        (b'{"text": "x", "label": 1.5}\n', {}, "labels are classes"),
        (b'{"text": "x", "label": "score"}\n', {}, "a classifier has a column of that name"),
    ],
)
def test_a_wrong_row_is_named_by_its_line_and_field(
    line: bytes, fields: dict[str, Any], sentence: str
) -> None:
    good = file(row("one", 1 if fields else "a"))
    with pytest.raises(CardError, match=sentence):
        read_examples(card(**fields), good + line)


def test_a_byte_order_mark_and_half_of_a_surrogate_pair_are_no_harm() -> None:
    data = b"\xef\xbb\xbf" + rb'{"text": "A half \ud83d of a sign.", "label": "a"}'
    assert [e.text for e in read_examples(card(), data)] == ["A half \ufffd of a sign."]


def test_labels_of_documents_take_their_text_by_id_and_leave_out_those_that_are_gone() -> None:
    rows = [{"doc_id": "aa", "verdict": "keep"}, {"doc_id": "bb", "verdict": "drop"}]
    mine = card(dump="d", fields={"label": "verdict"})
    found = read_examples(mine, file(*rows), {"aa": "The text of a document that is kept."})
    assert [(e.text, e.label, e.language) for e in found] == [
        ("The text of a document that is kept.", "keep", "en")
    ]


def test_rows_of_classes_that_the_card_does_not_name_are_left_out_and_sources_are_bounded() -> None:
    rows = [row(f"text {k}", "a" if k % 2 else "b") for k in range(20)] + [row("other", "c")]
    found = read_examples(card(classes=["a", "b"], per_source=3), file(*rows))
    assert sorted(e.label for e in found) == ["a"] * 3 + ["b"] * 3


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 6)), min_size=1, max_size=60), st.integers(2, 5)
)
def test_a_source_lies_in_one_fold_unless_its_class_has_no_other(
    pairs: list[tuple[str, int]], folds: int
) -> None:
    examples = [
        LabelledText(k.to_bytes(2, "big"), "t", label, f"{label}{n}", "en")
        for k, (label, n) in enumerate(pairs)
    ]
    fold, together = deal(examples, folds)
    assert set(fold.tolist()) <= set(range(folds))
    for source in {e.source for e in examples}:
        rows = [k for k, e in enumerate(examples) if e.source == source]
        if source[0] not in together:
            assert len({int(fold[k]) for k in rows}) == 1
    for label in together:
        assert len({e.source for e in examples if e.label == label}) == 1


def test_sources_of_a_class_are_in_every_fold() -> None:
    examples = [
        LabelledText(bytes([k, j]), "t", label, f"{label}{k}", "en")
        for label in "ab"
        for k in range(5)
        for j in range(4)
    ]
    fold, together = deal(examples, 5)
    assert not together
    for label in "ab":
        assert {int(f) for f, e in zip(fold, examples, strict=True) if e.label == label} == set(range(5))


def test_figures_of_what_was_left_out() -> None:
    assert spearman([1, 2, 3], [10, 20, 30]) == 1.0 and spearman([1, 2, 3], [3, 2, 1]) == -1.0
    assert spearman([1, 1], [1, 2]) is None
    assert number_report([0, 2], [1, 2]) == {"spearman": 1.0, "mean_absolute_error": 0.5}
    scores = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.3, 0.7]])
    two = class_report(["a", "b", "a", "b"], scores, ["a", "b"])
    assert two["auc"] == two["accuracy"] == two["macro_f1"] == 1.0
    three = class_report(["a", "b", "c"], np.eye(3)[[0, 1, 1]], ["a", "b", "c"])
    assert "auc" not in three and three["accuracy"] == 0.6667 and three["f1"]["c"] == 0.0
