"""The file of labels: what is put in is read, two people lose nothing, what is damaged is named."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.cards.base import CardError
from pipelines.cards.classifier import ClassifierCard
from pipelines.cards.labels import (
    KINDS,
    Label,
    labels_path,
    parse_labels,
    put_label,
    read_labels,
    withdraw_label,
)
from pipelines.lake import Lake, LakeError
from pipelines.quality.labelled import read_examples


def label(number: int = 0, **fields: object) -> Label:
    values = {
        "dump": "d",
        "doc_id": f"{number:032x}",
        "url": f"https://d.invalid/{number}",
        "content": "0" * 32,
        "verdict": "keep",
        "labeller": "ann",
    }
    return Label.model_validate(values | fields)


def test_without_a_file_nobody_has_said_anything(lake: Lake) -> None:
    assert read_labels(lake, "d") == []


@given(st.permutations([label(i, labeller=who) for i in range(4) for who in ("ann", "bo")]))
def test_equal_labels_make_equal_bytes_in_whatever_order_they_came(
    tmp_path_factory: pytest.TempPathFactory, order: list[Label]
) -> None:
    lake = Lake(tmp_path_factory.mktemp("lake"))
    for one in order:
        put_label(lake, one)
    assert read_labels(lake, "d") == sorted(order, key=lambda one: one.key)
    lines = lake.read_bytes(labels_path("d")).decode().split("\n")
    assert lines == [*sorted(lines[:-1]), ""]


def test_a_second_answer_takes_the_place_of_the_first_and_undo_takes_it_out(lake: Lake) -> None:
    put_label(lake, label(verdict="drop", why="菜单", kind="navigation"))
    put_label(lake, label(labeller="bo"))
    put_label(lake, label(verdict="border"))
    assert [(one.labeller, one.verdict) for one in read_labels(lake, "d")] == [
        ("ann", "border"),
        ("bo", "keep"),
    ]
    withdraw_label(lake, "d", label().doc_id, "ann")
    withdraw_label(lake, "d", label(7).doc_id, "ann")
    assert [one.labeller for one in read_labels(lake, "d")] == ["bo"]


def test_people_who_label_at_once_lose_nothing(lake: Lake) -> None:
    people = ["ann", "bo", "cy"]
    start = threading.Barrier(len(people))

    def work(who: str) -> None:
        start.wait()
        for i in range(20):
            put_label(Lake(lake.root), label(i, labeller=who))

    threads = [threading.Thread(target=work, args=(who,)) for who in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(read_labels(lake, "d")) == 20 * len(people)


@pytest.mark.parametrize("cut", [1, 10, 100])
def test_a_file_cut_off_is_named_with_the_line_and_left_as_it_is(lake: Lake, cut: int) -> None:
    for i in range(3):
        put_label(lake, label(i))
    path = Path(lake.root, labels_path("d"))
    path.write_bytes(path.read_bytes()[: -1 - cut])
    left = path.read_bytes()
    for attempt in (lambda: read_labels(lake, "d"), lambda: put_label(lake, label(9))):
        with pytest.raises(CardError, match=r"d\.jsonl, line 3 is no label"):
            attempt()
    assert path.read_bytes() == left


def test_a_missing_end_of_line_and_blank_lines_lose_nothing(lake: Lake) -> None:
    put_label(lake, label(1))
    data = lake.read_bytes(labels_path("d")).rstrip()
    assert parse_labels(data, "x") == parse_labels(b"\n" + data + b"\n\n\n", "x") == [label(1)]


def test_two_answers_of_one_person_are_named_and_equal_ones_are_one(lake: Lake) -> None:
    put_label(lake, label(1))
    data = lake.read_bytes(labels_path("d"))
    assert parse_labels(data + data, "x") == [label(1)]
    with pytest.raises(CardError, match="lines 1 and 2 ann said two things"):
        parse_labels(data + data.replace(b'"keep"', b'"drop"'), "x")


def test_labels_of_another_dump_unknown_keys_and_lines_within_are_refused(lake: Lake) -> None:
    put_label(lake, label(1))
    lake.write_bytes(labels_path("other"), lake.read_bytes(labels_path("d")))
    with pytest.raises(CardError, match="holds a label of the dump 'd'"):
        read_labels(lake, "other")
    with pytest.raises(CardError, match=r"line 1 is no label .*verdict"):
        parse_labels(lake.read_bytes(labels_path("d")).replace(b'"keep"', b'"good"'), "x")
    with pytest.raises(CardError, match="not UTF-8"):
        parse_labels(b"\xff\xfe", "x")
    with pytest.raises(ValueError, match="one line"):
        label(why="a\nb")


def test_a_lake_without_locks_is_read_and_not_written() -> None:
    with pytest.raises(LakeError, match="a lake that is a folder"):
        put_label(Lake("s3://bucket/lake"), label())


def test_there_are_keys_for_every_kind() -> None:
    assert len(KINDS) == len(set(KINDS)) <= 20


def test_labels_train_a_classifier_as_they_are(lake: Lake) -> None:
    for i, verdict in enumerate(("keep", "drop", "border")):
        put_label(lake, label(i, verdict=verdict, group=f"h{i}.invalid"))
    card = ClassifierCard.model_validate(
        {
            "name": "quality",
            "examples": labels_path("d"),
            "dump": "d",
            "gives": "classes",
            "classes": ["drop", "keep"],
            "fields": {"label": "verdict", "source": "group"},
        }
    )
    texts = {label(i).doc_id: f"Text number {i} of the page." for i in range(3)}
    found = read_examples(card, lake.read_bytes(labels_path("d")), texts)
    assert {(e.text, e.label, e.source) for e in found} == {
        ("Text number 0 of the page.", "keep", "h0.invalid"),
        ("Text number 1 of the page.", "drop", "h1.invalid"),
    }
