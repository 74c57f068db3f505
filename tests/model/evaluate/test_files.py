from __future__ import annotations

import gzip
import json
from pathlib import Path

from model.evaluate.files import append_answers, find_file, read_answers, read_lines


def test_the_first_folder_that_has_a_file_counts_packed_or_not(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    first.mkdir()
    second.mkdir()
    assert find_file([first, second], "test.jsonl") is None
    (second / "test.jsonl").write_text('{"n": 2}\n')
    (first / "test.jsonl.gz").write_bytes(gzip.compress(b'{"n": 1}\n\n'))
    found = find_file([first, second], "test.jsonl")
    assert found == first / "test.jsonl.gz" and read_lines(found) == [{"n": 1}]
    assert read_lines(second / "test.jsonl") == [{"n": 2}]


def test_answers_are_kept_and_a_line_that_was_cut_off_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "answers" / "ceval.jsonl"
    assert read_answers(path) == {}
    append_answers(path, [{"id": "a/0", "picked": "A"}, {"id": "a/1", "picked": "B"}])
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"id": "a/2", "pi')
    assert list(read_answers(path)) == ["a/0", "a/1"]
    assert path.read_bytes() == whole
    append_answers(path, [{"id": "a/2", "picked": "C", "completion": "one\u2028two\x85"}])
    assert json.loads(path.read_text().split("\n")[-2]) == read_answers(path)["a/2"]
