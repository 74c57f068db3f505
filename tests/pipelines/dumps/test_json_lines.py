from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from pipelines.dumps import json_lines
from pipelines.dumps.readers import read_records
from pipelines.dumps.records import Record, Tally
from pipelines.dumps.rows import FIELDS
from tests.support.archives import CODECS, compressed


def line(number: int) -> bytes:
    return json.dumps({"text": f"text {number}", "url": f"u{number}"}).encode() + b"\n"


def read(path: Path, fields: dict[str, str] = FIELDS, charset: str = "") -> tuple[list[Record], Tally]:
    tally = Tally()
    return list(read_records(path, "jsonl", tally, fields, charset)), tally


@pytest.mark.parametrize("codec", [*CODECS, "plain"])
def test_lines_across_members_and_without_a_last_feed_are_read(tmp_path: Path, codec: str) -> None:
    whole = b"".join(line(n) for n in range(50))[:-1]
    (tmp_path / "a").write_bytes(
        b"".join(compressed(whole[k : k + 333], codec) for k in range(0, len(whole), 333))
    )
    records, tally = read(tmp_path / "a")
    assert [(r.offset, r.text) for r in records] == [(n, f"text {n}") for n in range(50)]
    assert tally.left_out == []


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("how", ["cut", "overwritten"])
def test_behind_a_damaged_member_the_next_is_read(tmp_path: Path, codec: str, how: str) -> None:
    parts = [compressed(b"".join(line(n) for n in range(k * 100, k * 100 + 100)), codec) for k in range(3)]
    half = len(parts[1]) // 2
    parts[1] = parts[1][:half] if how == "cut" else parts[1][: half - 9] + b"\xff" * 9 + parts[1][half:]
    (tmp_path / "a").write_bytes(b"".join(parts))
    records, tally = read(tmp_path / "a")
    texts = [r.text for r in records]
    assert {f"text {n}" for n in [*range(100), *range(200, 300)]} <= set(texts)
    assert sum(n for name, n in tally.counts.items() if name.startswith("broken/")) >= 1
    assert len({r.offset for r in records}) == len(records)


def test_a_line_beyond_the_bound_is_counted_once_and_numbers_stay_true(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_lines, "MAX_LINE", 1000)
    long = json.dumps({"text": "x" * 5000}).encode() + b"\n"
    for codec in ("plain", "gzip"):
        (tmp_path / "a").write_bytes(
            compressed(line(0) + long + line(2) + long * 2 + line(5) + long[:-1], codec)
        )
        records, tally = read(tmp_path / "a")
        assert [(r.offset, r.text) for r in records] == [(n, f"text {n}") for n in (0, 2, 5)]
        assert [(x.offset, x.reason) for x in tally.left_out] == [
            (n, "broken/long_line") for n in (1, 3, 4, 6)
        ]


def test_a_bomb_ends_at_the_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_lines, "MAX_FILE", 1 << 20)
    (tmp_path / "a").write_bytes(gzip.compress(line(0) + b" " * (8 << 20)))
    records, tally = read(tmp_path / "a")
    assert [r.text for r in records] == ["text 0"] and tally.counts["broken/too_large"] == 1


def test_odd_lines_are_read_or_counted(tmp_path: Path) -> None:
    odd = [
        b"\xef\xbb\xbf" + json.dumps({"text": "mark"}).encode() + b"\r",
        '{"text": "a\u2028b"}'.encode(),
        b'{"text": NaN}',
        b'{"text": "x", "score": NaN}',
        b'["text"]',
        b"null",
        b"[" * 100_000,
        b'{"text": "\\ud800 lone"}',
        b'{"text": "n", "date": ' + b"9" * 5000 + b"}",
        b"\xff\xfe",
        b"",
        b'{"text": "\xff bytes"}',
    ]
    (tmp_path / "a").write_bytes(b"\n".join(odd))
    records, tally = read(tmp_path / "a")
    assert [r.text for r in records] == ["mark", "a\u2028b", "x", "? lone"]
    assert tally.counts["records/seen"] == 11 == len(records) + len(tally.left_out)


def test_fields_are_named_by_the_card_and_paths_lead_inwards(tmp_path: Path) -> None:
    rows = [
        {"content": "a", "meta": {"url": "u", "date": "2023-01-02 03:04:05"}, "meta.id": 7},
        {"content": "b"},
    ]
    (tmp_path / "a").write_text("".join(json.dumps(r) + "\n" for r in rows))
    names = {"text": "content", "url": "meta.url", "date": "meta.date", "id": "meta.id", "repo": "meta"}
    records, _ = read(tmp_path / "a", names)
    assert [(r.url, r.published, r.fields.get("id")) for r in records] == [
        ("u", "2023-01-02T03:04:05", "7"),
        ("", "", None),
    ]
    assert read(tmp_path / "a", {"text": "content", "url": "none", "id": "meta.id"})[0][0].url == "7"
    records, tally = read(tmp_path / "a")
    assert records == [] and tally.counts["fields/content"] == 2 and tally.counts["fields/meta"] == 1


@pytest.mark.parametrize(
    "charset", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"]
)
@pytest.mark.parametrize("codec", ["gzip", "plain"])
def test_other_forms_of_unicode_are_read(tmp_path: Path, charset: str, codec: str) -> None:
    rows = [f'{{"text": "第{n}行 \U00020000"}}' for n in range(3000)]
    data = "\r\n".join(rows).encode(charset)
    (tmp_path / "a").write_bytes(data if codec == "plain" else compressed(data, codec))
    records, tally = read(tmp_path / "a")
    assert [(r.offset, r.text) for r in records] == [(n, f"第{n}行 \U00020000") for n in range(3000)]
    assert tally.left_out == []


def test_padding_and_controls_cost_no_row(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b'\x1e{"text": "a\0b\tc"}\n\0\0\0\n{"text": "second"}\r\n\0\0')
    records, tally = read(tmp_path / "a")
    assert [(r.offset, r.text) for r in records] == [(0, "a\0b\tc"), (2, "second")]
    assert tally.left_out == []


@pytest.mark.parametrize("label", ["gbk", "gb18030", "big5", "utf-16", "utf-16be", "iso-2022-jp"])
@pytest.mark.parametrize("codec", ["gzip", "plain"])
def test_lines_of_another_charset_are_read_by_the_cards_label(tmp_path: Path, label: str, codec: str) -> None:
    """Second bytes of gbk and big5 are those of `\\`, `{` and letters too."""
    text = (
        "第一行 功能，許多的話"
        if label == "big5"
        else "第一行 中文字"
        if "jp" in label
        else "第一行，許多的話 乗俓俷"
    )
    data = "".join(json.dumps({"text": f"{text} {n}"}, ensure_ascii=False) + "\n" for n in range(50)).encode(
        label
    )
    (tmp_path / "a").write_bytes(data if codec == "plain" else compressed(data, codec))
    records, tally = read(tmp_path / "a", charset=label)
    assert [(r.offset, r.text) for r in records] == [(n, f"{text} {n}") for n in range(50)]
    assert tally.left_out == [] and not any(name.startswith("seen/") for name in tally.counts)


def test_lines_that_are_not_utf8_are_lost_under_a_reason_of_their_own(tmp_path: Path) -> None:
    rows = [json.dumps({"text": t}, ensure_ascii=False) for t in ("第一行", "plain", "第三行")]
    (tmp_path / "a").write_bytes("\n".join(rows).encode("gbk") + b"\n[]\n")
    records, tally = read(tmp_path / "a")
    assert [r.text for r in records] == ["plain"]
    assert [(x.offset, x.reason) for x in tally.left_out] == [
        (0, "broken/not_utf-8"),
        (2, "broken/not_utf-8"),
        (3, "broken/json"),
    ]


def test_characters_that_the_label_cannot_decode_are_counted(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes('{"text": "第一'.encode("gbk") + b'\xff"}\n')
    records, tally = read(tmp_path / "a", charset="gbk")
    assert [r.text for r in records] == ["第一\ufffd"] and tally.counts["seen/not_gb18030"] == 1


def test_a_mark_before_any_line_costs_no_row(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"".join(b"\xef\xbb\xbf" + line(n) for n in range(3)))
    assert [r.text for r in read(tmp_path / "a")[0]] == [f"text {n}" for n in range(3)]
