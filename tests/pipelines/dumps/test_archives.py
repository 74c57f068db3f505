from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.dumps import members
from pipelines.dumps.readers import read_records
from pipelines.dumps.records import MAX_BLOCK, MAX_BODY, Record, Tally
from tests.support.archives import CODECS, arc, compressed, file_of, page, url, warc

FORMS = [(make, codec) for make in (warc, arc) for codec in (*CODECS, "plain")]


def read(path: Path) -> tuple[dict[str, Record], Tally]:
    tally = Tally()
    records = list(read_records(path, "warc", tally))
    assert len({(r.offset, r.index) for r in records}) == len(records)
    return {r.url: r for r in records}, tally


def broken(tally: Tally) -> int:
    return sum(count for name, count in tally.counts.items() if name.startswith("broken/"))


@pytest.mark.parametrize(("make", "codec"), FORMS)
@pytest.mark.parametrize(
    "harm",
    [
        lambda member: member[: len(member) // 3],
        lambda member: member[: len(member) // 2] + b"\xff" * 40 + member[len(member) // 2 + 40 :],
        lambda member: member[: len(member) // 2] + member[len(member) // 2 + 1 :],
        lambda member: member[: len(member) // 2] + b"zz" + member[len(member) // 2 :],
        lambda member: b"\0" * len(member),
    ],
    ids=["cut", "overwritten", "a byte lost", "bytes inserted", "zeros"],
)
def test_damage_costs_only_the_records_that_it_hits(
    tmp_path: Path, make: Callable[[int], bytes], codec: str, harm: Callable[[bytes], bytes]
) -> None:
    hit = (2, 5)
    data, offsets = file_of(
        [make(n) for n in range(12)], codec, lambda n, member: harm(member) if n in hit else member
    )
    (tmp_path / "a.warc").write_bytes(data)
    found, tally = read(tmp_path / "a.warc")
    for number in range(12):
        if number not in hit:
            record = found[url(number)]
            assert record.body == page(number), number
            assert (record.offset, record.index) == (offsets[number], 0), number
    whole, left = make(2), harm(make(2))
    seen = codec != "plain" or left[:9] != whole[:9] or len(left) < len(whole) / 2  # else no check sum tells
    lost = 2 if seen else 0
    assert len(found) == 12 - lost and broken(tally) == lost, tally.counts


@pytest.mark.parametrize("codec", [*CODECS, "plain"])
@pytest.mark.parametrize("make", [warc, arc])
@pytest.mark.parametrize("lie", [7, 1200, 10**4, 10**7, 10**12])
def test_a_lying_length_takes_nothing_of_its_neighbours(
    tmp_path: Path, make: Callable[..., bytes], codec: str, lie: int
) -> None:
    records = [make(n, None, lie if n == 3 else None) for n in range(8)]
    for name, data in (
        ("each", b"".join(compressed(r, codec) for r in records)),
        ("one", compressed(b"".join(records), codec)),
    ):
        (tmp_path / name).write_bytes(data)
        found, tally = read(tmp_path / name)
        assert {url(n) for n in range(8) if n != 3} == set(found), name
        assert all(found[url(n)].body == page(n) for n in range(8) if n != 3)
        assert broken(tally) == 1, tally.counts


@pytest.mark.parametrize("make", [warc, arc])
def test_a_length_that_spans_exactly_the_next_record_does_not_publish_it_as_its_own(
    tmp_path: Path, make: Callable[..., bytes]
) -> None:
    head = len(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n")
    gap = b"\r\n\r\n" if make is warc else b"\n"
    both = head + len(page(0)) + len(gap) + len(make(1)) - len(gap)
    (tmp_path / "a").write_bytes(make(0, None, both) + make(1) + make(2))
    found, tally = read(tmp_path / "a")
    assert set(found) == {url(1), url(2)} and tally.counts["broken/length"] == 1


def test_a_page_that_shows_a_record_is_read_whole(tmp_path: Path) -> None:
    shown = b"<pre>\r\n\r\n" + warc(7) + b"</pre>"
    (tmp_path / "a").write_bytes(warc(0, shown) + warc(1))
    found, tally = read(tmp_path / "a")
    assert found[url(0)].body == shown and set(found) == {url(0), url(1)} and not broken(tally)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("make", [warc, arc])
def test_records_of_one_member_have_places_that_differ(
    tmp_path: Path, make: Callable[..., bytes], codec: str
) -> None:
    (tmp_path / "a").write_bytes(
        compressed(make(0), codec) + compressed(b"".join(make(n) for n in range(1, 5)), codec)
    )
    found, tally = read(tmp_path / "a")
    start = len(compressed(make(0), codec))
    assert [(r.offset, r.index) for r in found.values()] == [(0, 0)] + [(start, k) for k in range(4)]
    assert tally.counts["seen/not_seekable"] == 3
    assert [x.reason for x in tally.left_out] == ["seen/not_seekable"]


@pytest.mark.parametrize("make", [warc, arc])
@pytest.mark.parametrize("size", [100, 4096, 20_000])
def test_members_that_end_inside_of_records_are_read_as_one(
    tmp_path: Path, make: Callable[..., bytes], size: int
) -> None:
    """As bgzip writes, or a crawler that ends a member at each write."""
    whole = b"".join(make(n) for n in range(6))
    (tmp_path / "a.gz").write_bytes(
        b"".join(gzip.compress(whole[k : k + size]) for k in range(0, len(whole), size))
    )
    found, tally = read(tmp_path / "a.gz")
    assert [found[url(n)].body for n in range(6)] == [page(n) for n in range(6)] and not broken(tally)


@pytest.mark.parametrize("codec", [*CODECS, "plain"])
@pytest.mark.parametrize("make", [warc, arc])
def test_a_record_beyond_the_bound_is_cut_and_the_next_is_read(
    tmp_path: Path, make: Callable[..., bytes], codec: str
) -> None:
    large = b"<p>" + bytes(MAX_BLOCK + 5000)
    data, offsets = file_of([make(0), make(1, large), make(2)], codec, lambda n, member: member)
    (tmp_path / "a").write_bytes(data)
    found, tally = read(tmp_path / "a")
    assert [r.offset for r in found.values()] == offsets and not broken(tally)
    assert len(found[url(1)].body) == MAX_BODY and tally.counts["cut/max_block"] == 1
    (tmp_path / "b").write_bytes(
        compressed(make(1, large, len(large) + 7000), codec) + compressed(make(2), codec)
    )
    found, tally = read(tmp_path / "b")  # the length lies, and what it ran over is no longer kept
    assert set(found) == {url(2)} and broken(tally) == 1


@pytest.mark.parametrize("codec", [*CODECS, "plain"])
@pytest.mark.parametrize("make", [warc, arc])
def test_a_file_whose_first_bytes_are_lost_is_read_from_its_second_record(
    tmp_path: Path, make: Callable[..., bytes], codec: str
) -> None:
    data, offsets = file_of([make(n) for n in range(4)], codec, lambda n, member: member)
    (tmp_path / "a").write_bytes(b"\xee" * 10 + data[10:])
    found, tally = read(tmp_path / "a")
    assert [(r.url, r.offset) for r in found.values()] == [(url(n), offsets[n]) for n in (1, 2, 3)]
    assert broken(tally) == 1


@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
def test_ends_of_lines_and_the_case_of_names_do_not_matter(tmp_path: Path, newline: bytes) -> None:
    data = b"".join(warc(n, newline=newline) for n in range(3))
    for change in (bytes.lower, bytes.upper):
        names = data
        for name in (b"WARC-Type", b"WARC-Target-URI", b"Content-Length", b"WARC-Date"):
            names = names.replace(name + b":", change(name) + b":")
        (tmp_path / "a").write_bytes(names)
        found, tally = read(tmp_path / "a")
        assert [r.body for r in found.values()] == [page(n) for n in range(3)] and not broken(tally)
        assert {r.crawled for r in found.values()} == {"2023-11-20T08:00:00Z"}


@pytest.mark.parametrize(
    "unit", [b"\nWARC/1.0\r\nA", b"WARC/1.0\r\nContent-Length: 9\r\n", b"\n" * 9, b"WARC/1.0\r\na:b\r\n\r\n"]
)
def test_what_only_begins_like_records_is_searched_in_linear_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unit: bytes
) -> None:
    monkeypatch.setattr(members, "MAX_REREAD", 0)
    for codec in ("plain", "gzip"):
        (tmp_path / "a").write_bytes(
            compressed(warc(0, None, 10**9) + unit * (1_000_000 // len(unit)), codec)
        )
        stats: Counter[str] = Counter()
        assert list(read_records(tmp_path / "a", "warc", stats)) == [] and stats


@pytest.mark.parametrize("codec", ["gzip", "plain"])
def test_a_broken_record_is_named_by_its_address_where_its_headers_can_be_read(
    tmp_path: Path, codec: str
) -> None:
    without_length = warc(2).replace(b"Content-Length", b"Length")
    parts = [compressed(r, codec) for r in (without_length, warc(0), warc(1, length=50), warc(3), warc(4))]
    (tmp_path / "a.warc").write_bytes(b"".join(parts)[: -len(parts[-1]) // 2])
    found, tally = read(tmp_path / "a.warc")
    assert set(found) == {url(0), url(3)}
    assert {(x.url, x.reason) for x in tally.left_out} == {
        (url(1), "broken/length" if codec == "plain" else "broken/truncated"),
        (url(2), "broken/header"),
        (url(4), "broken/truncated"),
    }
