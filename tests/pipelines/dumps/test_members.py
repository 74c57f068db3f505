from __future__ import annotations

import struct
from pathlib import Path

import pytest
import zstandard

from pipelines.dumps.members import Damaged, Member, Stored, decoded, kind_of
from pipelines.dumps.readers import read_records
from pipelines.dumps.records import Tally
from tests.support.archives import CODECS, compressed, page, url, warc


@pytest.mark.parametrize("codec", CODECS)
def test_members_are_decoded_one_by_one_and_end_where_the_next_begins(tmp_path: Path, codec: str) -> None:
    parts = [compressed(page(n), codec) for n in range(3)]
    (tmp_path / "a").write_bytes(b"".join(parts))
    with Stored(tmp_path / "a") as stored:
        assert stored.kind == kind_of(parts[0]) == codec
        start = 0
        for number, part in enumerate(parts):
            member = Member(stored, start)
            assert member.take(10) + member.take(1 << 20) == page(number) and member.at_end()
            start += len(part)
            assert member.end == start
        again = member.back(5)
        assert again.take(20) == page(2)[5:25]


@pytest.mark.parametrize("codec", CODECS)
def test_a_member_is_at_its_end_only_where_its_check_sum_holds(tmp_path: Path, codec: str) -> None:
    data = bytearray(compressed(page(1), codec))
    at = {"gzip": -8, "zstd": -4, "lz4": -4}[codec]
    data[at] ^= 1
    (tmp_path / "a").write_bytes(data)
    with Stored(tmp_path / "a") as stored, pytest.raises(Damaged, match="compression"):
        Member(stored, 0).available(1 << 20)
    (tmp_path / "a").write_bytes(data[:-20])
    with Stored(tmp_path / "a") as stored, pytest.raises(Damaged, match="truncated"):
        Member(stored, 0).available(1 << 20)


@pytest.mark.parametrize("codec", CODECS)
def test_holes_are_told_and_padding_at_the_end_is_none(tmp_path: Path, codec: str) -> None:
    one, two = compressed(b"one", codec), compressed(b"two", codec)
    for data, holes in ((one + bytes(99) + two, 1), (one + two + bytes(99), 0), (one + b"junk" + two, 1)):
        (tmp_path / "a").write_bytes(data)
        tally = Tally()
        with Stored(tmp_path / "a") as stored:
            assert b"".join(decoded(stored, tally.lose)) == b"onetwo"
        assert [(x.reason, x.offset) for x in tally.left_out] == [("broken/gap", len(one))] * holes


def with_dictionary(records: list[bytes], raw: bool) -> tuple[bytes, list[int]]:
    """A file of the warc-zstd form: a skippable frame with the dictionary, then a frame a record."""
    trained = zstandard.train_dictionary(2000, [warc(n) for n in range(200)])
    held = trained.as_bytes() if raw else zstandard.ZstdCompressor().compress(trained.as_bytes())
    out = struct.pack("<II", 0x184D2A5D, len(held)) + held
    offsets = []
    for record in records:
        offsets.append(len(out))
        out += zstandard.ZstdCompressor(dict_data=trained, write_checksum=True).compress(record)
    return out, offsets


@pytest.mark.parametrize("raw", [True, False])
def test_a_dictionary_of_the_file_is_used_and_kept_after_damage(tmp_path: Path, raw: bool) -> None:
    data, offsets = with_dictionary([warc(n) for n in range(6)], raw)
    for hit in (None, 0, 2):
        harmed = bytearray(data)
        if hit is not None:
            harmed[offsets[hit] + 60 : offsets[hit] + 70] = b"\xff" * 10
        (tmp_path / "a").write_bytes(harmed)
        tally = Tally()
        found = [(r.url, r.offset, r.body) for r in read_records(tmp_path / "a", "warc", tally)]
        assert found == [(url(n), offsets[n], page(n)) for n in range(6) if n != hit]
        assert tally.counts["broken/compression"] == (hit is not None)


def test_a_broken_dictionary_costs_the_frames_that_need_it(tmp_path: Path) -> None:
    data, _ = with_dictionary([warc(n) for n in range(3)], True)
    broken = bytearray(data)
    broken[8:60] = b"\xff" * 52
    (tmp_path / "a").write_bytes(broken + compressed(warc(9), "zstd"))
    tally = Tally()
    assert [r.url for r in read_records(tmp_path / "a", "warc", tally)] == [url(9)]
    assert any(name.startswith("broken/") for name in tally.counts)
