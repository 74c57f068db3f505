from __future__ import annotations

import datetime
from functools import partial
from typing import Any

import pytest

from pipelines.cards.dump import DumpCard
from pipelines.dumps.records import Tally
from pipelines.dumps.rows import MAX_COUNTED, fields_of, names_in, row_date, row_record, value_at


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


def test_names_are_those_that_a_card_would_name() -> None:
    assert names_in({"a": 1, "b": {"c": 2, "d": {"e": 3}}}) == ["a", "b", "b.c", "b.d"]
    assert len(names_in({str(k): {str(n): 0 for n in range(1000)} for k in range(1000)})) < 100


def test_values_that_there_are_are_counted_and_fields_of_first_rows() -> None:
    tally = Tally()
    for number in range(30):
        values = {"text": "t", "url": None if number else "u", "title": None}
        row_record(values, number, lambda: ["t", "u"], "utf-8", tally)
    assert {k: v for k, v in tally.counts.items() if k.startswith(("found", "columns"))} == {
        "found/text": 30,
        "found/url": 1,
        "columns/t": 10,
        "columns/u": 10,
    }


def test_rows_whose_keys_are_all_their_own_do_not_fill_the_statistics() -> None:
    tally = Tally()
    for number in range(2 * MAX_COUNTED):
        row_record({}, number, partial(list, [f"key {number}"]), "utf-8", tally)
    assert len(tally.counts) <= MAX_COUNTED + 5 and tally.counts["broken/no_text"] == 2 * MAX_COUNTED


@pytest.mark.parametrize(
    ("value", "date"),
    [
        (1690000000, "2023-07-22T04:26:40Z"),
        (1690000000.5, "2023-07-22T04:26:40Z"),
        (1690000000000, "2023-07-22T04:26:40Z"),
        (20230102, "2023-01-02"),
        (20230102030405, "2023-01-02T03:04:05Z"),
        (2023, "2023"),
        (5, ""),
        (True, ""),
        (float("nan"), ""),
        (10**40, ""),
        ("2023/1/2", "2023-01-02"),
        ("2023-1-2 03:04", "2023-01-02T03:04:00"),
        ("Mon, 02 Jan 2023 03:04:05 GMT", "2023-01-02T03:04:05Z"),
        ("2 Jan 2023 03:04:05 +0800", "2023-01-02T03:04:05+08:00"),
        ("Mon, 42 Jan 2023 03:04:05 GMT", ""),
        ("January 2023", ""),
        (["2023-01-02"], ""),
        (datetime.date(2023, 1, 2), "2023-01-02"),
        (None, ""),
    ],
)
def test_dates_of_rows(value: Any, date: str) -> None:
    assert row_date(value) == date


def test_lists_and_objects_are_no_addresses_and_titles() -> None:
    tally = Tally()
    values = {"text": "t", "url": ["a"], "id": 7, "title": {"en": "x"}, "language": float("nan"), "repo": "r"}
    made = row_record(values, 0, list, "utf-8", tally)
    assert made is not None and (made.url, made.fields["title"], made.fields["repo"]) == ("7", "", "r")
    assert {k for k in tally.counts if k.startswith("seen/")} == {
        "seen/url_type",
        "seen/title_type",
        "seen/language_type",
    }


@pytest.mark.parametrize("text", [["a", "b"], {"a": "b"}, 5, True])
def test_a_text_of_another_type_is_told_from_none(text: Any) -> None:
    tally = Tally()
    assert row_record({"text": text}, 3, list, "utf-8", tally) is None
    assert [(x.offset, x.reason) for x in tally.left_out] == [(3, "broken/text_type")]
