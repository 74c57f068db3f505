"""Dates as people and pages write them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.cards.base import CardError
from pipelines.cards.dates import first_moment, last_moment
from pipelines.cards.dump import DumpCard
from pipelines.cards.release import ReleaseCard

JUNE = datetime(2023, 6, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2023-06-01",
        "2023-6-1",
        "2023/06/01",
        "2023.6.1",
        "2023年6月1日",
        "2023年6月",
        "2023-06",
        "20230601",
        "20230601000000",
        "2023-06-01T00:00:00Z",
        "2023-06-01 00:00",
        "2023-06-01T08:00:00+08:00",
        "2023-05-31T19:00-05:00",
        "Thu, 01 Jun 2023 00:00:00 GMT",
        "01 Jun 2023 02:00:00 +0200",
        " 2023-06-01T25:99 ",  # no such time: midnight
    ],
)
def test_one_moment_in_many_forms(text: str) -> None:
    assert first_moment(text) == JUNE


@pytest.mark.parametrize(
    "text", ["", "soon", "2023-13-01", "2023-02-30", "0000", "99999", "-1", "2023-06-", "x" * 99]
)
def test_what_is_no_date_names_no_moment(text: str) -> None:
    assert first_moment(text) is None is last_moment(text)


@given(st.text(max_size=70))
def test_any_text_has_an_answer(text: str) -> None:
    first, last = first_moment(text), last_moment(text)
    assert (first is None) == (last is None) and (first is None or last is None or first <= last)


@pytest.mark.parametrize(
    ("text", "last"),
    [
        ("2023", "2023-12-31T23:59:59.999999+00:00"),
        ("2024-02", "2024-02-29T23:59:59.999999+00:00"),
        ("2023-12", "2023-12-31T23:59:59.999999+00:00"),
        ("2023-06-30", "2023-06-30T23:59:59.999999+00:00"),
        ("2023-06-30T12:00:00+08:00", "2023-06-30T04:00:00+00:00"),
        ("9999-12", "9999-12-31T23:59:59.999999+00:00"),
    ],
)
def test_a_period_ends_with_its_last_moment(text: str, last: str) -> None:
    assert last_moment(text) == datetime.fromisoformat(last)


@pytest.mark.parametrize("written", ["2023-06-30", "'2023-06-30'", "2023", "2023-06-30T12:00:00Z"])
def test_a_card_takes_a_date_with_and_without_quotes(tmp_path: Path, written: str) -> None:
    (tmp_path / "r.yaml").write_text(f"name: r\ndumps: [a]\ncutoff_date: {written}\n")
    (tmp_path / "d.yaml").write_text(f"name: d\nkind: warc\nuris: [x]\ndate: {written}\n")
    dates = [ReleaseCard.load(tmp_path / "r.yaml").cutoff_date, DumpCard.load(tmp_path / "d.yaml").date]
    assert all(date.startswith("2023") and first_moment(date) for date in dates)


@pytest.mark.parametrize("written", ["2023-13-45", "soon", "true", "[2023]"])
def test_a_card_refuses_what_is_no_date(tmp_path: Path, written: str) -> None:
    (tmp_path / "r.yaml").write_text(f"name: r\ndumps: [a]\ncutoff_date: {written}\n")
    with pytest.raises(CardError, match=r"cutoff_date|not readable as YAML: month must be"):
        ReleaseCard.load(tmp_path / "r.yaml")
