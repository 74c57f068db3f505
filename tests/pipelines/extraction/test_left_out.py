from __future__ import annotations

from pipelines.dumps.records import LeftOut
from pipelines.extraction.left_out import left_out_of, write_left_out
from pipelines.lake import Lake


def test_places_are_found_by_any_spelling_and_a_file_read_again_is_written_anew(lake: Lake) -> None:
    places = [LeftOut("https://a.org/x", 7, 0, "skipped/binary"), LeftOut("", 9, 0, "broken/gap")]
    write_left_out(lake, "d", "one.gz", places)
    write_left_out(lake, "d", "two.gz", places[:1])
    found = left_out_of(lake, "d", "http://www.a.org/x/")
    assert sorted(found) == [("one.gz", 7, "skipped/binary"), ("two.gz", 7, "skipped/binary")]
    write_left_out(lake, "d", "one.gz", [])
    assert left_out_of(lake, "d", "https://a.org/x") == [("two.gz", 7, "skipped/binary")]
    assert left_out_of(lake, "other", "https://a.org/x") == [] == left_out_of(lake, "d", "https://a.org/y")
